// nonflat_erosion of u16

// kernel 1 of 1

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

// lanes.wgsl

fn load_0(e: u32) -> vec4<i32> {
    let at = e >> 1u;
    var a = data_0[at];
    var b = data_0[at + 1u];
    if ((e & 1u) == 1u) {
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_0[at + 2u] << 16u);
    }
    return vec4<i32>(vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u));
}
fn store(e: u32, v: vec4<i32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
fn formula(x: u32, y: u32, outer: vec4<u32>) -> vec4<i32> {
    let at_0 = row_of(p.reads[0], y, outer) + x;
    let s0 = load_0(at_0 + 1u * p.reads[0].x);
    let s1 = load_0(at_0 + 1u * p.reads[0].y);
    let s2 = load_0(at_0);
    let s3 = s2;
    let s4 = add_i32(s3, bitcast<vec4<i32>>(vec4<u32>(4294967295u)));
    let s5 = s0;
    let s6 = add_i32(s5, bitcast<vec4<i32>>(vec4<u32>(4294967294u)));
    let s7 = min(s4, s6);
    let s8 = load_0(at_0 + 1u * p.reads[0].y + 2u * p.reads[0].x);
    let s9 = load_0(at_0 + 2u * p.reads[0].x);
    let s10 = s9;
    let s11 = add_i32(s10, bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s12 = min(s7, s11);
    let s13 = s1;
    let s14 = add_i32(s13, bitcast<vec4<i32>>(vec4<u32>(4294967293u)));
    let s15 = min(s12, s14);
    let s16 = s8;
    let s17 = add_i32(s16, bitcast<vec4<i32>>(vec4<u32>(4294967294u)));
    let s18 = min(s15, s17);
    return s18;
}
// map.wgsl

// walk.wgsl
