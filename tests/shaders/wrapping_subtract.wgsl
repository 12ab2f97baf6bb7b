// wrapping_subtract of u16

// kernel 1 of 1

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;
@group(0) @binding(4) var<storage, read> data_1: array<u32>;

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
fn load_1(e: u32) -> vec4<i32> {
    let at = e >> 1u;
    var a = data_1[at];
    var b = data_1[at + 1u];
    if ((e & 1u) == 1u) {
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_1[at + 2u] << 16u);
    }
    return vec4<i32>(vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u));
}
fn store(e: u32, v: vec4<i32>) {
    let bits = bitcast<vec4<u32>>(clamp(v, vec4<i32>(0), vec4<i32>(65535)));
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn formula(x: u32, y: u32, outer: vec4<u32>) -> vec4<i32> {
    let at_0 = row_of(p.reads[0], y, outer) + x;
    let at_1 = row_of(p.reads[1], y, outer) + x;
    let s0 = load_0(at_0);
    let s1 = load_1(at_1);
    let s2 = s0;
    let s3 = s1;
    let s4 = (s2 - s3);
    let s5 = (s4 & bitcast<vec4<i32>>(vec4<u32>(65535u)));
    let s6 = clamp(s5, vec4<i32>(0), vec4<i32>(65535));
    return s6;
}
// map.wgsl

// walk.wgsl
