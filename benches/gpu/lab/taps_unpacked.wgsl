// taps_unpacked: the window of `taps_today` by two wide loads that are unpacked once; five taps, written out.
//
// Even and odd pixels of the words lie in vectors of their own, and a tap further is the other parity, or the same one word
// later:
//
//     even result:  E[i]  O[i]    E[i+1]  O[i+1]  E[i+2]           E = word & 0xffff, O = word >> 16
//     odd result:   O[i]  E[i+1]  O[i+1]  E[i+2]  O[i+2]
//
// 4 bytes a pixel; 2 loads of 16 bytes for 8 pixels, 12 unpackings for 8 pixels, no shift, 5 multiply-adds a pixel. The weights
// 1 4 6 4 1 are in the text, as straight-line code has them. `extra.x`: vectors of a row of results.

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

fn weighted(a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>, e: vec4<u32>) -> vec4<u32> {
    return (a + e + 4u * (b + d) + 6u * c + vec4<u32>(8u)) >> vec4<u32>(4u);
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.extra.x || id.y >= p.size.y) {
        return;
    }
    let at = id.y * (p.in_pitch >> 3u) + id.x;
    let a = data[at];
    let b = data[at + 1u].xy;
    let half = vec4<u32>(16u);
    let even_0 = a & vec4<u32>(0xffffu);
    let odd_0 = a >> half;
    let even_b = b & vec2<u32>(0xffffu);
    let odd_b = b >> vec2<u32>(16u);
    let even_1 = vec4<u32>(even_0.yzw, even_b.x);
    let odd_1 = vec4<u32>(odd_0.yzw, odd_b.x);
    let even_2 = vec4<u32>(even_0.zw, even_b);
    let odd_2 = vec4<u32>(odd_0.zw, odd_b);
    let even = weighted(even_0, odd_0, even_1, odd_1, even_2);
    let odd = weighted(odd_0, even_1, odd_1, even_2, odd_2);
    result[id.y * (p.out_pitch >> 3u) + id.x] = even | (odd << half);
}
