// taps_today: (v[x] + 4 v[x+1] + 6 v[x+2] + 4 v[x+3] + v[x+4] + 8) / 16 of padded rows, as the product slides windows along x
// today.
//
// A lane makes a quad; its window slides by one element a tap, taken by a scalar load of its word and a shift:
//
//     window = load quad;   for each further tap: window = (window.yzw, load one);   sum += weight * window
//
// 4 bytes a pixel; 2 + 4 loads of 32 bits a quad, 5 multiply-adds a pixel. `extra`: taps, unused, where the weights start.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

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

fn value_0(e: u32) -> i32 {
    return bitcast<i32>((data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu);
}

fn store(e: u32, v: vec4<i32>) {
    let s = (bitcast<vec4<u32>>(v) & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}

fn weight(k: u32) -> vec4<i32> {
    return vec4<i32>(bitcast<i32>(table[p.extra.z + k]));
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var window = load_0(first);
    var sum = vec4<i32>(8) + window * weight(0u);
    for (var k = 1u; k < p.extra.x; k++) {
        window = vec4<i32>(window.yzw, value_0(first + k + 3u));
        sum += window * weight(k);
    }
    store(row_of(p.goal, y, outer) + x, sum >> vec4<u32>(4u));
}
