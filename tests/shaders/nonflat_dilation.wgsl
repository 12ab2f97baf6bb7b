// nonflat_dilation of u16

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
    let s0 = load_0(at_0);
    let s1 = s0;
    let s2 = add_i32(s1, bitcast<vec4<i32>>(vec4<u32>(2u)));
    let s3 = load_0(at_0 + 2u * p.reads[0].x);
    let s4 = s3;
    let s5 = add_i32(s4, bitcast<vec4<i32>>(vec4<u32>(3u)));
    let s6 = max(s2, s5);
    let s7 = load_0(at_0 + 1u * p.reads[0].y + 1u * p.reads[0].x);
    let s8 = load_0(at_0 + 1u * p.reads[0].y);
    let s9 = s8;
    let s10 = add_i32(s9, bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s11 = max(s6, s10);
    let s12 = s7;
    let s13 = add_i32(s12, bitcast<vec4<i32>>(vec4<u32>(2u)));
    let s14 = max(s11, s13);
    let s15 = load_0(at_0 + 1u * p.reads[0].y + 2u * p.reads[0].x);
    let s16 = s15;
    let s17 = add_i32(s16, bitcast<vec4<i32>>(vec4<u32>(1u)));
    let s18 = max(s14, s17);
    return s18;
}
// map.wgsl

// walk.wgsl
