// edge_folded: v[x-2] + 4 v[x-1] + 6 v[x] + 4 v[x+1] + v[x+2] with reflected edges, folded where pixels are loaded: no copy.
//
//     inside:       left word | 8 pixels in one wide load | right word
//     at an edge:   the same twelve pixels one by one, each at its reflected index
//
// Both ways end in the same words, and the arithmetic after them is one text, so that float kernels could not round in two
// ways. Two kernels differ in who takes the slow way: all lanes of a workgroup that touches an edge (a uniform branch), or only
// the lanes whose window does. 4 bytes a pixel; inside 1 load of 16 bytes and 2 of 4 for 8 pixels. `extra.x`: vectors of a row.

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

struct Words {
    left: u32,
    own: vec4<u32>,
    right: u32,
}

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return (data[e >> 3u][(e >> 1u) & 3u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn word(row: u32, i: i32) -> u32 {
    return pixel(row, i) | (pixel(row, i + 1) << 16u);
}

fn loaded(x: u32, row: u32, inside: bool) -> Words {
    if (inside) {
        let at = (row + x) >> 3u;
        return Words(data[at - 1u].w, data[at], data[at + 1u].x);
    }
    let i = i32(x);
    let own = vec4<u32>(word(row, i), word(row, i + 2), word(row, i + 4), word(row, i + 6));
    return Words(word(row, i - 2), own, word(row, i + 8));
}

fn weighted(a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>, e: vec4<u32>) -> vec4<u32> {
    return (a + e + 4u * (b + d) + 6u * c + vec4<u32>(8u)) >> vec4<u32>(4u);
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
    if (id.x >= p.extra.x || id.y >= p.size.y) {
        return;
    }
    let words = loaded(8u * id.x, id.y * p.in_pitch, is_inside(id.x, group.x));
    let mask = vec4<u32>(0xffffu);
    let half = vec4<u32>(16u);
    let before = vec4<u32>(words.left, words.own.xyz);
    let after = vec4<u32>(words.own.yzw, words.right);
    let even = words.own & mask;
    let odd = words.own >> half;
    let odd_before = before >> half;
    let even_after = after & mask;
    let made_even = weighted(before & mask, odd_before, even, odd, even_after);
    let made_odd = weighted(odd_before, even, odd, even_after, after >> half);
    result[id.y * (p.out_pitch >> 3u) + id.x] = made_even | (made_odd << half);
}

// kernel group

fn is_inside(vector: u32, group: u32) -> bool {
    return group > 0u && 512u * (group + 1u) + 2u <= p.size.x;
}

// kernel lane

fn is_inside(vector: u32, group: u32) -> bool {
    return vector > 0u && 8u * vector + 10u <= p.size.x;
}
