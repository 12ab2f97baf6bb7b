// taps_funnel: the window of `taps_today` by two wide loads and a funnel shift a tap; any number of taps up to nine.
//
// Eight results need pixels x .. x + 7 + taps - 1, which two vectors of 16 bytes hold. The window stays packed and slides by
// one pixel a tap: every word takes the high half of itself and the low half of its neighbour,
//
//     a = a0 a1 a2 a3,  b = b0 b1 b2 b3  (words of two pixels)
//     a' = funnel(a0, a1) funnel(a1, a2) funnel(a2, a3) funnel(a3, b0),   funnel(l, h) = l >> 16 | h << 16
//
// one instruction a word on most hardware (SHF, alignbit). 4 bytes a pixel; 2 loads of 16 bytes for 8 pixels, 1 funnel shift, 1
// unpacking and 1 multiply-add a pixel and tap. Rows must begin at 16 bytes. `extra`: vectors of a row of results, taps.

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

// The words of `low` and what follows them, one pixel further.
fn slid(low: vec4<u32>, next: u32) -> vec4<u32> {
    return (low >> vec4<u32>(16u)) | (vec4<u32>(low.yzw, next) << vec4<u32>(16u));
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.extra.x || id.y >= p.size.y) {
        return;
    }
    let at = id.y * (p.in_pitch >> 3u) + id.x;
    var a = data[at];
    var b = data[at + 1u];
    let mask = vec4<u32>(0xffffu);
    let eight = vec4<u32>(8u);
    var even = eight + (a & mask) * table[0];
    var odd = eight + (a >> vec4<u32>(16u)) * table[0];
    for (var k = 1u; k < p.extra.y; k++) {
        a = slid(a, b.x);
        b = slid(b, 0u);
        even += (a & mask) * table[k];
        odd += (a >> vec4<u32>(16u)) * table[k];
    }
    let four = vec4<u32>(4u);
    result[id.y * (p.out_pitch >> 3u) + id.x] = (even >> four) | ((odd >> four) << vec4<u32>(16u));
}
