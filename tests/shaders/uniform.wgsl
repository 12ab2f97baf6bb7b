// uniform of u16

// kernel 1 of 5

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
    return s1;
}
// map.wgsl

// walk.wgsl

// kernel 2, 3 of 5

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<i32>;
fn load_0(e: u32) -> vec4<i32> {
    return bitcast<vec4<i32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<i32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
const PAIRED = true;
fn weight(k: u32) -> Lane {
    return Lane(bitcast<i32>(table[p.extra.z + k]));
}
fn pair(left: Lane, right: Lane) -> Lane {
    return left + right;
}
// lines.wgsl

// walk.wgsl

// kernel 4 of 5

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<i32>;
fn load_0(e: u32) -> vec4<i32> {
    return bitcast<vec4<i32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<i32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
const PAIRED = true;
fn weight(k: u32) -> Lane {
    return Lane(bitcast<i32>(table[p.extra.z + k]));
}
fn pair(left: Lane, right: Lane) -> Lane {
    return left + right;
}
fn one_0(e: u32) -> u32 {
    return data_0[e];
}
fn value_0(e: u32) -> i32 {
    let bits = one_0(e);
    return bitcast<i32>(bits);
}
// line.wgsl

// walk.wgsl

// kernel 5 of 5

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

// lanes.wgsl

// near.wgsl

// exact.wgsl

fn load_0(e: u32) -> vec4<i32> {
    return bitcast<vec4<i32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<i32>) {
    let bits = bitcast<vec4<u32>>(clamp(v, vec4<i32>(0), vec4<i32>(65535)));
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn formula(x: u32, y: u32, outer: vec4<u32>) -> vec4<i32> {
    let at_0 = row_of(p.reads[0], y, outer) + x;
    let s0 = load_0(at_0);
    let s1 = vec4<f32>(s0);
    let s2 = div_f32(s1, bitcast<vec4<f32>>(vec4<u32>(1104674816u)));
    let s3 = clamp(i32_of_f32(s2), vec4<i32>(0), vec4<i32>(65535));
    return s3;
}
// map.wgsl

// walk.wgsl
