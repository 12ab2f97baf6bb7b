// tophat_doubling: a white top-hat of u16, flat 15 x 15, in one kernel: windows grow by doubling in workgroup memory.
//
//     tile of 64 x 32 results: 92 x 60 pixels with a halo of 14, two neighbours along x in a word; two copies of 10.8 KiB in turn
//     least of 2, 4, 8, 15 along x, then along y; greatest of 2, 4, 8, 15 along x, then along y; a barrier after each step
//     result = v - opened
//
//     of2[i] = least(v[i], v[i+1])        of4[i] = least(of2[i], of2[i+2])
//     of8[i] = least(of4[i], of4[i+4])    of15[i] = least(of8[i], of8[i+7])
//
// A window of 15 takes 4 comparisons, not 14, but each passes the tile through workgroup memory: 16 steps of some 12 bytes for
// two pixels, of 1.3 to 2.7 times as many pixels as results. Windows begin at their pixel, so what four passes make has moved
// by 14, the halo. The greatest is the complement of the least of complements. Reflecting the input reflects the eroded array
// too, for the window is symmetric. An opening is nowhere above its input: packed words subtract without a borrow. Two halves
// of a word are compared by
//
//     least(a, b) = high half of min(a, b) | min(low half of a, low half of b)
//
// 2 + 2 bytes a pixel, 2 more for the second look at the input (the cache's), and the halo.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<u32>;

const HALO = 14;
const WIDE = 46u; // words of a row
const ROWS = 60u;
const WORDS = 2760u;

var<workgroup> tile: array<array<u32, 2760>, 2>;

fn least(a: u32, b: u32) -> u32 {
    return (min(a, b) & 0xffff0000u) | min(a & 0xffffu, b & 0xffffu);
}

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return (data[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn word_at(x: i32, y: i32, inside: bool) -> u32 {
    let row = reflected(y, p.size.y) * p.in_pitch;
    if (inside) {
        return data[(row + u32(x)) >> 1u];
    }
    return pixel(row, x) | (pixel(row, x + 1) << 16u);
}

// A word of the tile; behind its end, where nothing depends on it, the last one.
fn of_tile(copy: u32, at: u32) -> u32 {
    return tile[copy][min(at, WORDS - 1u)];
}

// Windows joined with those that begin `shift` pixels further along x, in so many rows. `to` is the other copy.
fn grown_x(copy: u32, own: u32, shift: u32, rows: u32) {
    for (var at = own; at < rows * WIDE; at += 256u) {
        let near = of_tile(copy, at + shift / 2u);
        var partner = near;
        if ((shift & 1u) == 1u) {
            partner = (near >> 16u) | (of_tile(copy, at + shift / 2u + 1u) << 16u);
        }
        tile[1u - copy][at] = least(tile[copy][at], partner);
    }
    workgroupBarrier();
}

// The same along y; `flip`: all ones where complements are to be written.
fn grown_y(copy: u32, own: u32, shift: u32, rows: u32, flip: u32) {
    for (var at = own; at < rows * WIDE; at += 256u) {
        tile[1u - copy][at] = least(tile[copy][at], of_tile(copy, at + shift * WIDE)) ^ flip;
    }
    workgroupBarrier();
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) own: u32) {
    let left = 64u * group.x;
    let top = 32u * group.y;
    let inside = group.x > 0u && left + 78u <= p.size.x;
    for (var at = own; at < WORDS; at += 256u) {
        let row = at / WIDE;
        tile[0][at] = word_at(i32(left + 2u * (at - row * WIDE)) - HALO, i32(top + row) - HALO, inside);
    }
    workgroupBarrier();
    grown_x(0u, own, 1u, 60u);
    grown_x(1u, own, 2u, 60u);
    grown_x(0u, own, 4u, 60u);
    grown_x(1u, own, 7u, 60u);
    grown_y(0u, own, 1u, 59u, 0u);
    grown_y(1u, own, 2u, 57u, 0u);
    grown_y(0u, own, 4u, 53u, 0u);
    grown_y(1u, own, 7u, 46u, 0xffffffffu);
    grown_x(0u, own, 1u, 46u);
    grown_x(1u, own, 2u, 46u);
    grown_x(0u, own, 4u, 46u);
    grown_x(1u, own, 7u, 46u);
    grown_y(0u, own, 1u, 45u, 0u);
    grown_y(1u, own, 2u, 43u, 0u);
    grown_y(0u, own, 4u, 39u, 0u);
    grown_y(1u, own, 7u, 32u, 0xffffffffu);
    for (var k = own; k < 1024u; k += 256u) {
        let x = left + 2u * (k & 31u);
        let y = top + (k >> 5u);
        if (x < p.size.x && y < p.size.y) {
            let input = data[(y * p.in_pitch + x) >> 1u];
            result[(y * p.out_pitch + x) >> 1u] = input - tile[0][(k >> 5u) * WIDE + (k & 31u)];
        }
    }
}
