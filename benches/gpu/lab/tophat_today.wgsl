// tophat_today: a white top-hat of u16 over both axes, flat 15 x 15, as the product makes it today: nine dispatches.
//
//     (pad y, least of 15 rows, pad x, least of 15 columns), the same with the greatest, then v - opened, not below 0
//
// The least along y makes eight rows a lane: the 8 rows that their windows share are compared once. Along x a quad slides by
// one element at a time. 4 x 4 bytes of pads + 4 x 4 of extremes + 6 = 38 bytes a pixel; some 3.6 comparisons a pixel along y,
// 14 along x. `extra`: the window's length, rows of results.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;
@group(0) @binding(4) var<storage, read> data_1: array<u32>;

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

// kernel least_y

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

fn better(a: Lane, b: Lane) -> Lane {
    return min(a, b);
}

fn key_at(first: u32, row: u32) -> Lane {
    return key(load_0(first + row * p.reads[0].y));
}

// The extreme of the rows from `start` to the end of the first window.
fn shared_part(first: u32, start: u32) -> Lane {
    var best = key_at(first, start);
    for (var k = start + 1u; k < p.extra.x; k++) {
        best = better(best, key_at(first, k));
    }
    return best;
}

fn quad(x: u32, group: u32, outer: vec4<u32>) {
    let y = 8u * group;
    let first = row_of(p.reads[0], y, outer) + x;
    let rows = p.extra.y - y;
    let from_7 = shared_part(first, 7u);
    let from_6 = better(key_at(first, 6u), from_7);
    let from_5 = better(key_at(first, 5u), from_6);
    let from_4 = better(key_at(first, 4u), from_5);
    let from_3 = better(key_at(first, 3u), from_4);
    let from_2 = better(key_at(first, 2u), from_3);
    let from_1 = better(key_at(first, 1u), from_2);
    let from_0 = better(key_at(first, 0u), from_1);
    let goal = row_of(p.goal, y, outer) + x;
    store(goal, value(from_0));
    if (rows <= 1u) {
        return;
    }
    var after = key_at(first, p.extra.x + 0u);
    store(goal + 1u * p.goal.y, value(better(from_1, after)));
    if (rows <= 2u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 1u));
    store(goal + 2u * p.goal.y, value(better(from_2, after)));
    if (rows <= 3u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 2u));
    store(goal + 3u * p.goal.y, value(better(from_3, after)));
    if (rows <= 4u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 3u));
    store(goal + 4u * p.goal.y, value(better(from_4, after)));
    if (rows <= 5u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 4u));
    store(goal + 5u * p.goal.y, value(better(from_5, after)));
    if (rows <= 6u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 5u));
    store(goal + 6u * p.goal.y, value(better(from_6, after)));
    if (rows <= 7u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 6u));
    store(goal + 7u * p.goal.y, value(better(from_7, after)));
}

// kernel least_x

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

fn better(a: Lane, b: Lane) -> Lane {
    return min(a, b);
}

fn one_0(e: u32) -> u32 {
    return (data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn value_0(e: u32) -> i32 {
    return bitcast<i32>(one_0(e));
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var window = key(load_0(first));
    var best = window;
    for (var k = 1u; k < p.extra.x; k++) {
        window = Lane(window.yzw, key(Lane(value_0(first + k + 3u))).x);
        best = better(best, window);
    }
    store(row_of(p.goal, y, outer) + x, value(best));
}

// kernel greatest_y

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

fn better(a: Lane, b: Lane) -> Lane {
    return max(a, b);
}

fn key_at(first: u32, row: u32) -> Lane {
    return key(load_0(first + row * p.reads[0].y));
}

// The extreme of the rows from `start` to the end of the first window.
fn shared_part(first: u32, start: u32) -> Lane {
    var best = key_at(first, start);
    for (var k = start + 1u; k < p.extra.x; k++) {
        best = better(best, key_at(first, k));
    }
    return best;
}

fn quad(x: u32, group: u32, outer: vec4<u32>) {
    let y = 8u * group;
    let first = row_of(p.reads[0], y, outer) + x;
    let rows = p.extra.y - y;
    let from_7 = shared_part(first, 7u);
    let from_6 = better(key_at(first, 6u), from_7);
    let from_5 = better(key_at(first, 5u), from_6);
    let from_4 = better(key_at(first, 4u), from_5);
    let from_3 = better(key_at(first, 3u), from_4);
    let from_2 = better(key_at(first, 2u), from_3);
    let from_1 = better(key_at(first, 1u), from_2);
    let from_0 = better(key_at(first, 0u), from_1);
    let goal = row_of(p.goal, y, outer) + x;
    store(goal, value(from_0));
    if (rows <= 1u) {
        return;
    }
    var after = key_at(first, p.extra.x + 0u);
    store(goal + 1u * p.goal.y, value(better(from_1, after)));
    if (rows <= 2u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 1u));
    store(goal + 2u * p.goal.y, value(better(from_2, after)));
    if (rows <= 3u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 2u));
    store(goal + 3u * p.goal.y, value(better(from_3, after)));
    if (rows <= 4u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 3u));
    store(goal + 4u * p.goal.y, value(better(from_4, after)));
    if (rows <= 5u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 4u));
    store(goal + 5u * p.goal.y, value(better(from_5, after)));
    if (rows <= 6u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 5u));
    store(goal + 6u * p.goal.y, value(better(from_6, after)));
    if (rows <= 7u) {
        return;
    }
    after = better(after, key_at(first, p.extra.x + 6u));
    store(goal + 7u * p.goal.y, value(better(from_7, after)));
}

// kernel greatest_x

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

fn better(a: Lane, b: Lane) -> Lane {
    return max(a, b);
}

fn one_0(e: u32) -> u32 {
    return (data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn value_0(e: u32) -> i32 {
    return bitcast<i32>(one_0(e));
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var window = key(load_0(first));
    var best = window;
    for (var k = 1u; k < p.extra.x; k++) {
        window = Lane(window.yzw, key(Lane(value_0(first + k + 3u))).x);
        best = better(best, window);
    }
    store(row_of(p.goal, y, outer) + x, value(best));
}

// kernel rest

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

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let a = load_0(row_of(p.reads[0], y, outer) + x);
    let b = load_1(row_of(p.reads[1], y, outer) + x);
    let rest = clamp(a - b, vec4<i32>(0), vec4<i32>(65535));
    store(row_of(p.goal, y, outer) + x, bitcast<vec4<u32>>(rest));
}
