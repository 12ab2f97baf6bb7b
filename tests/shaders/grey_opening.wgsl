// grey_opening of u16

// kernel 1, 2, 3 of 6

// frame.wgsl

@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<i32>;
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
fn store(e: u32, v: vec4<u32>) {
    let bits = bitcast<vec4<u32>>(v);
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn key(v: Lane) -> Lane {
    return v;
}
fn value(k: Lane) -> vec4<u32> {
    return bitcast<vec4<u32>>(k);
}
fn better(a: Lane, b: Lane) -> Lane {
    return min(a, b);
}
// extreme.wgsl

// walk.wgsl

// kernel 4, 5, 6 of 6

// frame.wgsl

@group(0) @binding(3) var<storage, read> data_0: array<u32>;

alias Lane = vec4<i32>;
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
fn store(e: u32, v: vec4<u32>) {
    let bits = bitcast<vec4<u32>>(v);
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn key(v: Lane) -> Lane {
    return v;
}
fn value(k: Lane) -> vec4<u32> {
    return bitcast<vec4<u32>>(k);
}
fn better(a: Lane, b: Lane) -> Lane {
    return max(a, b);
}
// extreme.wgsl

// walk.wgsl
