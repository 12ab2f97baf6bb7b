// median_today: a median of u16, 3 x 3, as the product makes it today: a padded copy, then a network for each quad.
//
// Nine quads, each loaded by itself (two or three 32-bit loads, a funnel shift where it is not aligned), go through Batcher's
// odd-even merging network without what the middle does not need: 40 least and greatest. No column is shared between
// neighbours. 4 + 4 bytes a pixel, 18 to 27 loads of 32 bits for 4 pixels. `extra`: unused, unused, where the offsets of the
// box's elements start.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

fn store(e: u32, bits: vec4<u32>) {
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}

// kernel pad

fn one_0(e: u32) -> u32 {
    return (data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

const NOWHERE = 0xffffffffu;

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let starts = p.reads[1];
    let outside_y = starts.outer + outer;
    let places = vec4<u32>(table[outside_y.x], table[outside_y.y], table[outside_y.z], table[outside_y.w]);
    let row = table[starts.y + y];
    let outside = row == NOWHERE || any(places == vec4<u32>(NOWHERE));
    let base = p.reads[0].base + row + places.x + places.y + places.z + places.w;
    let first = starts.x + x;
    let columns = vec4<u32>(table[first], table[first + 1u], table[first + 2u], table[first + 3u]);
    let gone = (columns == vec4<u32>(NOWHERE)) | vec4<bool>(outside);
    let at = select(base + columns, vec4<u32>(0u), gone);
    let found = vec4<u32>(one_0(at.x), one_0(at.y), one_0(at.z), one_0(at.w));
    store(row_of(p.goal, y, outer) + x, select(found, vec4<u32>(p.extra.w), gone));
}

// kernel network

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

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    store(row_of(p.goal, y, outer) + x, value(middle(first)));
}

fn at(first: u32, element: u32) -> Lane {
    return key(load_0(first + table[p.extra.z + element]));
}

fn middle(first: u32) -> Lane {
    var v0 = at(first, 0u);
    var v1 = at(first, 1u);
    var v2 = at(first, 2u);
    var v3 = at(first, 3u);
    var v4 = at(first, 4u);
    var v5 = at(first, 5u);
    var v6 = at(first, 6u);
    var v7 = at(first, 7u);
    var v8 = at(first, 8u);
    let t0 = min(v0, v1);
    v1 = max(v0, v1);
    v0 = t0;
    let t1 = min(v2, v3);
    v3 = max(v2, v3);
    v2 = t1;
    let t2 = min(v4, v5);
    v5 = max(v4, v5);
    v4 = t2;
    let t3 = min(v6, v7);
    v7 = max(v6, v7);
    v6 = t3;
    let t4 = min(v0, v2);
    v2 = max(v0, v2);
    v0 = t4;
    let t5 = min(v1, v3);
    v3 = max(v1, v3);
    v1 = t5;
    let t6 = min(v4, v6);
    v6 = max(v4, v6);
    v4 = t6;
    let t7 = min(v5, v7);
    v7 = max(v5, v7);
    v5 = t7;
    let t8 = min(v1, v2);
    v2 = max(v1, v2);
    v1 = t8;
    let t9 = min(v5, v6);
    v6 = max(v5, v6);
    v5 = t9;
    let t10 = min(v0, v4);
    v4 = max(v0, v4);
    v0 = t10;
    let t11 = min(v1, v5);
    v5 = max(v1, v5);
    v1 = t11;
    let t12 = min(v2, v6);
    v6 = max(v2, v6);
    v2 = t12;
    v3 = min(v3, v7);
    let t14 = min(v2, v4);
    v4 = max(v2, v4);
    v2 = t14;
    let t15 = min(v3, v5);
    v5 = max(v3, v5);
    v3 = t15;
    v2 = max(v1, v2);
    let t17 = min(v3, v4);
    v4 = max(v3, v4);
    v3 = t17;
    v5 = min(v5, v6);
    v8 = max(v0, v8);
    v4 = min(v4, v8);
    v4 = max(v2, v4);
    v3 = min(v3, v5);
    v4 = max(v3, v4);
    return v4;
}
