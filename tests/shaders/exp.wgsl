// exp of u16

// kernel 1 of 1

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

// lanes.wgsl

// near.wgsl

// math.wgsl

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
fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
fn formula(x: u32, y: u32, outer: vec4<u32>) -> vec4<f32> {
    let at_0 = row_of(p.reads[0], y, outer) + x;
    let s0 = load_0(at_0);
    let s1 = vec4<f32>(s0);
    let s2 = exp_f32(s1);
    return s2;
}
// map.wgsl

// walk.wgsl
