// What the lab's own variants share: parameters, edges, and 16-bit numbers packed in words, the left one in the low half. It does
// not know what is computed.

struct Params {
    size: vec2<u32>, // pixels of a row, rows
    in_pitch: u32, // pixels from a row to the next, a multiple of 8: rows begin at 16 bytes
    out_pitch: u32,
    extra: vec4<u32>, // what the variant says
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> table: array<u32>;

// The place inside whose value an index stands for: d c b a | a b c d | d c b a. What is further out than the array is long,
// which only lanes without a result ask for, is held to the last place.
fn reflected(i: i32, count: u32) -> u32 {
    let n = i32(count);
    let once = select(select(i, 2 * n - 1 - i, i >= n), -1 - i, i < 0);
    return u32(clamp(once, 0, n - 1));
}
