// sobel_magnitude of u16

// kernel 1 of 11

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
    return s1;
}
// map.wgsl

// walk.wgsl

// kernel 2, 5 of 11

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<f32>;
fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
const PAIRED = true;
fn weight(k: u32) -> Lane {
    return Lane(bitcast<f32>(table[p.extra.z + k]));
}
fn pair(left: Lane, right: Lane) -> Lane {
    return left - right;
}
// lines.wgsl

// walk.wgsl

// kernel 3, 6, 9, 10 of 11

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<f32>;
fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
const PAIRED = true;
fn weight(k: u32) -> Lane {
    return Lane(bitcast<f32>(table[p.extra.z + k]));
}
fn pair(left: Lane, right: Lane) -> Lane {
    return left + right;
}
// lines.wgsl

// walk.wgsl

// kernel 4, 7 of 11

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<f32>;
fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
const PAIRED = true;
fn weight(k: u32) -> Lane {
    return Lane(bitcast<f32>(table[p.extra.z + k]));
}
fn pair(left: Lane, right: Lane) -> Lane {
    return left + right;
}
fn one_0(e: u32) -> u32 {
    return data_0[e];
}
fn value_0(e: u32) -> f32 {
    let bits = one_0(e);
    return bitcast<f32>(bits);
}
// line.wgsl

// walk.wgsl

// kernel 8 of 11

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<f32>;
fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}
const PAIRED = true;
fn weight(k: u32) -> Lane {
    return Lane(bitcast<f32>(table[p.extra.z + k]));
}
fn pair(left: Lane, right: Lane) -> Lane {
    return left - right;
}
fn one_0(e: u32) -> u32 {
    return data_0[e];
}
fn value_0(e: u32) -> f32 {
    let bits = one_0(e);
    return bitcast<f32>(bits);
}
// line.wgsl

// walk.wgsl

// kernel 11 of 11

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;
@group(0) @binding(4) var<storage, read> data_1: array<u32>;
@group(0) @binding(5) var<storage, read> data_2: array<u32>;

// lanes.wgsl

// near.wgsl

// exact.wgsl

fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}
fn load_1(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_1[e], data_1[e + 1u], data_1[e + 2u], data_1[e + 3u]));
}
fn load_2(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_2[e], data_2[e + 1u], data_2[e + 2u], data_2[e + 3u]));
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
    let at_1 = row_of(p.reads[1], y, outer) + x;
    let at_2 = row_of(p.reads[2], y, outer) + x;
    let s0 = load_0(at_0);
    let s1 = (s0 * s0);
    let s2 = load_1(at_1);
    let s3 = (s2 * s2);
    let s4 = (s1 + s3);
    let s5 = load_2(at_2);
    let s6 = (s5 * s5);
    let s7 = (s4 + s6);
    let s8 = sqrt_f32(s7);
    return s8;
}
// map.wgsl

// walk.wgsl
