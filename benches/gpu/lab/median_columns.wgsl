// median_columns: a median of u16, 3 x 3, edges folded at the load; columns are sorted once and shared by the windows over them.
//
// Sort each column of three: least, middle, greatest. Then the median of a window of three columns is
//
//     median(greatest of the leasts, median of the middles, least of the greatests)
//
// for two leasts and one middle have five that are not below them, two greatests and one middle have five that are not above
// them: three go on either side. A lane makes two rows of 2 n pixels as their words hold them, even pixels in one vector and
// odd ones in another, so that neighbours share more: both rows the sorted pair of rows y, y + 1, and
//
//     even window = left odd, (even, odd)          odd window = (even, odd), right even
//
// what is done to the pair (even, odd). Least and greatest a pixel: 5 (1 + 1 / n) for the columns and the halo's, 10 for the
// windows: 16.25 where n = 4 and 17.5 where n = 2, against 40 of a network.
//
// Kernels: `words4` n = 2 in 32 bits, `words8` n = 4 in 32 bits; `pairs` n = 2 and `fours` n = 4 in vectors of native 16-bit
// integers, of which hardware may compare two in an instruction. 2 + 2 bytes a pixel, loads of 4 rows for 2 (the cache's).
// `extra.x`: vectors of a row.

// Lane l has pixel x + 2 l in `even` and the one right of it in `odd`; `edge` has the pixel left of all and that right of all.
struct Row {
    even: Many,
    odd: Many,
    edge: Two,
}

// Sorted columns, and what a window needs of those that lie between the even and the odd one.
struct Sorted {
    least: Row,
    middle: Row,
    greatest: Row,
}

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return word_at(e >> 1u) >> ((e & 1u) * 16u) & 0xffffu;
}

fn least(a: Row, b: Row) -> Row {
    return Row(min(a.even, b.even), min(a.odd, b.odd), min(a.edge, b.edge));
}

fn greatest(a: Row, b: Row) -> Row {
    return Row(max(a.even, b.even), max(a.odd, b.odd), max(a.edge, b.edge));
}

// A third row between or around a sorted pair.
fn sorted(low: Row, high: Row, third: Row) -> Sorted {
    return Sorted(least(low, third), greatest(low, least(high, third)), greatest(high, third));
}

// The median of a pair that is sorted and a third: held between them.
fn held(v: Many, low: Many, high: Many) -> Many {
    return min(max(v, low), high);
}

fn middle(a: Many, b: Many, c: Many) -> Many {
    return held(c, min(a, b), max(a, b));
}

struct Made {
    even: Many,
    odd: Many,
}

fn median(s: Sorted) -> Made {
    let of_leasts = max(s.least.even, s.least.odd);
    let of_greatests = min(s.greatest.even, s.greatest.odd);
    let low = min(s.middle.even, s.middle.odd);
    let high = max(s.middle.even, s.middle.odd);
    let even = middle(
        max(lefts(s.least), of_leasts),
        held(lefts(s.middle), low, high),
        min(lefts(s.greatest), of_greatests),
    );
    let odd = middle(
        max(of_leasts, rights(s.least)),
        held(rights(s.middle), low, high),
        min(of_greatests, rights(s.greatest)),
    );
    return Made(even, odd);
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let y = 2u * id.y;
    if (id.x >= p.extra.x || y >= p.size.y) {
        return;
    }
    let x = PIXELS * id.x;
    let above = loaded(x, i32(y) - 1);
    let first = loaded(x, i32(y));
    let second = loaded(x, i32(y) + 1);
    let low = least(first, second);
    let high = greatest(first, second);
    store(x, y, median(sorted(low, high, above)));
    if (y + 1u < p.size.y) {
        store(x, y + 1u, median(sorted(low, high, loaded(x, i32(y) + 2))));
    }
}

// kernel words4

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;

alias Many = vec2<u32>;
alias Two = vec2<u32>;
const PIXELS = 4u;

fn word_at(word: u32) -> u32 {
    return data[word >> 1u][word & 1u];
}

fn loaded(x: u32, y: i32) -> Row {
    let row = reflected(y, p.size.y) * p.in_pitch;
    let i = i32(x);
    if (x > 0u && x + 4u < p.size.x) {
        let at = (row + x) >> 2u;
        let words = data[at];
        let edge = Two(data[at - 1u].y >> 16u, data[at + 1u].x & 0xffffu);
        return Row(words & vec2<u32>(0xffffu), words >> vec2<u32>(16u), edge);
    }
    let even = Many(pixel(row, i), pixel(row, i + 2));
    return Row(even, Many(pixel(row, i + 1), pixel(row, i + 3)), Two(pixel(row, i - 1), pixel(row, i + 4)));
}

fn lefts(row: Row) -> Many {
    return Many(row.edge.x, row.odd.x);
}

fn rights(row: Row) -> Many {
    return Many(row.even.y, row.edge.y);
}

fn store(x: u32, y: u32, made: Made) {
    result[(y * p.out_pitch + x) >> 2u] = made.even | (made.odd << vec2<u32>(16u));
}

// kernel words8

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

alias Many = vec4<u32>;
alias Two = vec2<u32>;
const PIXELS = 8u;

fn word_at(word: u32) -> u32 {
    return data[word >> 2u][word & 3u];
}

fn loaded(x: u32, y: i32) -> Row {
    let row = reflected(y, p.size.y) * p.in_pitch;
    let i = i32(x);
    if (x > 0u && x + 8u < p.size.x) {
        let at = (row + x) >> 3u;
        let words = data[at];
        let edge = Two(data[at - 1u].w >> 16u, data[at + 1u].x & 0xffffu);
        return Row(words & vec4<u32>(0xffffu), words >> vec4<u32>(16u), edge);
    }
    let even = Many(pixel(row, i), pixel(row, i + 2), pixel(row, i + 4), pixel(row, i + 6));
    let odd = Many(pixel(row, i + 1), pixel(row, i + 3), pixel(row, i + 5), pixel(row, i + 7));
    return Row(even, odd, Two(pixel(row, i - 1), pixel(row, i + 8)));
}

fn lefts(row: Row) -> Many {
    return Many(row.edge.x, row.odd.xyz);
}

fn rights(row: Row) -> Many {
    return Many(row.even.yzw, row.edge.y);
}

fn store(x: u32, y: u32, made: Made) {
    result[(y * p.out_pitch + x) >> 3u] = made.even | (made.odd << vec4<u32>(16u));
}

// kernel pairs
enable wgpu_int16;

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u16>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u16>>;

alias Many = vec2<u16>;
alias Two = vec2<u16>;
const PIXELS = 4u;

fn word_at(word: u32) -> u32 {
    let four = data[word >> 1u];
    let two = select(four.xy, four.zw, (word & 1u) == 1u);
    return u32(two.x) | (u32(two.y) << 16u);
}

fn loaded(x: u32, y: i32) -> Row {
    let row = reflected(y, p.size.y) * p.in_pitch;
    let i = i32(x);
    if (x > 0u && x + 4u < p.size.x) {
        let at = (row + x) >> 2u;
        let four = data[at];
        return Row(four.xz, four.yw, Two(data[at - 1u].w, data[at + 1u].x));
    }
    let even = Many(u16(pixel(row, i)), u16(pixel(row, i + 2)));
    let odd = Many(u16(pixel(row, i + 1)), u16(pixel(row, i + 3)));
    return Row(even, odd, Two(u16(pixel(row, i - 1)), u16(pixel(row, i + 4))));
}

fn lefts(row: Row) -> Many {
    return Many(row.edge.x, row.odd.x);
}

fn rights(row: Row) -> Many {
    return Many(row.even.y, row.edge.y);
}

fn store(x: u32, y: u32, made: Made) {
    result[(y * p.out_pitch + x) >> 2u] = vec4<u16>(made.even.x, made.odd.x, made.even.y, made.odd.y);
}

// kernel fours
enable wgpu_int16;

// Two vectors of four: eight pixels in one array element of 16 bytes.
struct Eight {
    low: vec4<u16>,
    high: vec4<u16>,
}

@group(0) @binding(1) var<storage, read_write> result: array<Eight>;
@group(0) @binding(3) var<storage, read> data: array<Eight>;

alias Many = vec4<u16>;
alias Two = vec2<u16>;
const PIXELS = 8u;

fn word_at(word: u32) -> u32 {
    let eight = data[word >> 2u];
    let four = select(eight.low, eight.high, (word & 2u) == 2u);
    let two = select(four.xy, four.zw, (word & 1u) == 1u);
    return u32(two.x) | (u32(two.y) << 16u);
}

fn loaded(x: u32, y: i32) -> Row {
    let row = reflected(y, p.size.y) * p.in_pitch;
    let i = i32(x);
    if (x > 0u && x + 8u < p.size.x) {
        let at = (row + x) >> 3u;
        let low = data[at].low;
        let high = data[at].high;
        return Row(Many(low.xz, high.xz), Many(low.yw, high.yw), Two(data[at - 1u].high.w, data[at + 1u].low.x));
    }
    let even = vec4<u32>(pixel(row, i), pixel(row, i + 2), pixel(row, i + 4), pixel(row, i + 6));
    let odd = vec4<u32>(pixel(row, i + 1), pixel(row, i + 3), pixel(row, i + 5), pixel(row, i + 7));
    return Row(Many(even), Many(odd), Two(u16(pixel(row, i - 1)), u16(pixel(row, i + 8))));
}

fn lefts(row: Row) -> Many {
    return Many(row.edge.x, row.odd.xyz);
}

fn rights(row: Row) -> Many {
    return Many(row.even.yzw, row.edge.y);
}

fn store(x: u32, y: u32, made: Made) {
    let low = vec4<u16>(made.even.x, made.odd.x, made.even.y, made.odd.y);
    let high = vec4<u16>(made.even.z, made.odd.z, made.even.w, made.odd.w);
    result[(y * p.out_pitch + x) >> 3u] = Eight(low, high);
}
