// maximum_filter of u16

// kernel 1, 2 of 3

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
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
fn key(v: Lane) -> Lane {
    return v;
}
fn value(k: Lane) -> vec4<u32> {
    return bitcast<vec4<u32>>(k);
}
fn store(e: u32, v: vec4<u32>) {
    let bits = bitcast<vec4<u32>>(v);
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn better(a: Lane, b: Lane) -> Lane {
    return max(a, b);
}
// extremes.wgsl

fn quad(x: u32, group: u32, outer: vec4<u32>) {
    let y = 2u * group;
    let first = row_of(p.reads[0], y, outer) + x;
    let rows = p.extra.y - y;
    let from_1 = shared_part(first, 1u);
    let from_0 = better(key_at(first, 0u), from_1);
    let goal = row_of(p.goal, y, outer) + x;
    store(goal, value(from_0));
    if (rows <= 1u) {
        return;
    }
    var after = key_at(first, p.extra.x + 0u);
    store(goal + 1u * p.goal.y, value(better(from_1, after)));
}

// walk.wgsl

// kernel 3 of 3

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
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
fn key(v: Lane) -> Lane {
    return v;
}
fn value(k: Lane) -> vec4<u32> {
    return bitcast<vec4<u32>>(k);
}
fn store(e: u32, v: vec4<u32>) {
    let bits = bitcast<vec4<u32>>(v);
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn better(a: Lane, b: Lane) -> Lane {
    return max(a, b);
}
fn one_0(e: u32) -> u32 {
    return (data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}
fn value_0(e: u32) -> i32 {
    let bits = one_0(e);
    return bitcast<i32>(bits);
}
// extreme.wgsl

// walk.wgsl
