// tophat_march: a white top-hat of u16, flat 15 x 15, in one kernel: lanes march down, doubled windows along y in registers.
//
//     a workgroup: 128 lanes x 4 pixels = 512 columns, of which the middle 480 become results, `extra.x` rows of them
//
//     for four rows at a time, from 14 above the first result on:
//         shared a = the rows, edges reflected as they are loaded; barrier
//         e = least of 15 along x, of five quads of a;   eroded = ring 1 grown by e
//         shared b = the complement of eroded; barrier
//         d = least of 15 along x, of b;   opened = the complement of ring 2 grown by d, 14 rows above
//         result = v - opened, v loaded again
//
// A ring has what windows of 15 rows need of the rows before: with windows of 2, 4 and 8 rows that end at each row,
//
//     of2[y] = least(v[y], v[y-1])        of4[y] = least(of2[y], of2[y-2])
//     of8[y] = least(of4[y], of4[y-4])    of15[y] = least(of8[y], of8[y-7])
//
// so 1 + 2 + 4 + 7 quads, and 4 comparisons a result for 14. Along x the twelve pixels that four windows share are compared
// once. A ring begins as all ones, which no least sees. The greatest is the complement of the least of complements. Reflecting
// the input reflects the eroded array too, for the window is symmetric; an opening is nowhere above its input.
//
// 2 + 2 bytes a pixel, 2 more for the second look at the input (the cache's), and the halo: 28 rows a segment, 32 columns a
// strip.
//
// Kernels: `packed` compares two halves of a word in 5 operations, some 60 a pixel in all; `native` has vectors of
// 16-bit integers, where hardware may compare two in one operation; `ahead` is `packed` that loads the next four rows before it
// computes with these. 8 KiB of workgroup memory, 40 bytes of it read and 8 written a quad and pass, 56 registers of rings.

const STRIP = 480u;
const HALO = 16;

struct Ring {
    one: Quad, // the last row
    two: array<Quad, 2>, // windows of 2 that end in the last rows
    four: array<Quad, 4>,
    eight: array<Quad, 7>,
}

struct Rows {
    a: Quad,
    b: Quad,
    c: Quad,
    d: Quad,
}

var<workgroup> shared_a: array<array<Quad, 128>, 4>;
var<workgroup> shared_b: array<array<Quad, 128>, 4>;

fn empty() -> Ring {
    let no = NOTHING;
    return Ring(no, array<Quad, 2>(no, no), array<Quad, 4>(no, no, no, no), array<Quad, 7>(no, no, no, no, no, no, no));
}

// Windows of 15 that end in the four next rows.
fn grown(ring: ptr<function, Ring>, v: Rows) -> Rows {
    let two = Rows(least(v.a, (*ring).one), least(v.b, v.a), least(v.c, v.b), least(v.d, v.c));
    let four = Rows(least(two.a, (*ring).two[0]), least(two.b, (*ring).two[1]), least(two.c, two.a), least(two.d, two.b));
    let eight = Rows(
        least(four.a, (*ring).four[0]),
        least(four.b, (*ring).four[1]),
        least(four.c, (*ring).four[2]),
        least(four.d, (*ring).four[3]),
    );
    let all = Rows(
        least(eight.a, (*ring).eight[0]),
        least(eight.b, (*ring).eight[1]),
        least(eight.c, (*ring).eight[2]),
        least(eight.d, (*ring).eight[3]),
    );
    (*ring).one = v.d;
    (*ring).two[0] = two.c;
    (*ring).two[1] = two.d;
    (*ring).four[0] = four.a;
    (*ring).four[1] = four.b;
    (*ring).four[2] = four.c;
    (*ring).four[3] = four.d;
    (*ring).eight[0] = (*ring).eight[4];
    (*ring).eight[1] = (*ring).eight[5];
    (*ring).eight[2] = (*ring).eight[6];
    (*ring).eight[3] = eight.a;
    (*ring).eight[4] = eight.b;
    (*ring).eight[5] = eight.c;
    (*ring).eight[6] = eight.d;
    return all;
}

fn of_a(k: u32, lane: u32) -> Quad {
    let row = &shared_a[k];
    return least_x((*row)[lane - 2u], (*row)[lane - 1u], (*row)[lane], (*row)[lane + 1u], (*row)[lane + 2u]);
}

fn of_b(k: u32, lane: u32) -> Quad {
    let row = &shared_b[k];
    return least_x((*row)[lane - 2u], (*row)[lane - 1u], (*row)[lane], (*row)[lane + 1u], (*row)[lane + 2u]);
}

// Four rows from `y` on.
fn four_at(x: i32, y: i32, inside: bool) -> Rows {
    return Rows(quad_at(x, y, inside), quad_at(x, y + 1, inside), quad_at(x, y + 2, inside), quad_at(x, y + 3, inside));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let strip = group.x * STRIP;
    let x = i32(strip + 4u * lane) - HALO;
    let inside = group.x > 0u && strip + STRIP + 16u <= p.size.x;
    let first = group.y * p.extra.x;
    let rows = min(p.extra.x, p.size.y - first);
    let makes = lane >= 4u && lane < 124u && x < i32(p.size.x);
    let middle = clamp(lane, 2u, 125u); // what outer lanes make is not looked at
    var eroding = empty();
    var dilating = empty();
    var next = four_at(x, i32(first) - 14, inside);
    for (var done = 0u; done < rows + 28u; done += 4u) {
        let y = i32(first + done) - 14;
        if (!AHEAD && done > 0u) {
            next = four_at(x, y, inside);
        }
        shared_a[0][lane] = next.a;
        shared_a[1][lane] = next.b;
        shared_a[2][lane] = next.c;
        shared_a[3][lane] = next.d;
        if (AHEAD) {
            next = four_at(x, y + 4, inside);
        }
        workgroupBarrier();
        let eroded = grown(&eroding, Rows(of_a(0u, middle), of_a(1u, middle), of_a(2u, middle), of_a(3u, middle)));
        shared_b[0][lane] = complement(eroded.a);
        shared_b[1][lane] = complement(eroded.b);
        shared_b[2][lane] = complement(eroded.c);
        shared_b[3][lane] = complement(eroded.d);
        workgroupBarrier();
        let opened = grown(&dilating, Rows(of_b(0u, middle), of_b(1u, middle), of_b(2u, middle), of_b(3u, middle)));
        if (makes && done >= 28u) {
            let made = done - 28u;
            finish(u32(x), first, made, rows, opened.a);
            finish(u32(x), first, made + 1u, rows, opened.b);
            finish(u32(x), first, made + 2u, rows, opened.c);
            finish(u32(x), first, made + 3u, rows, opened.d);
        }
    }
}

// The epilogue of a result; `made`: its row in the segment.
fn finish(x: u32, first: u32, made: u32, rows: u32, opened: Quad) {
    if (made < rows) {
        let y = first + made;
        result[(y * p.out_pitch + x) >> 2u] = data[(y * p.in_pitch + x) >> 2u] - complement(opened);
    }
}

// kernel packed ahead

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;

alias Quad = vec2<u32>;
const NOTHING = vec2<u32>(0xffffffffu);

fn complement(v: Quad) -> Quad {
    return ~v;
}

fn least(a: Quad, b: Quad) -> Quad {
    return (min(a, b) & vec2<u32>(0xffff0000u)) | min(a & vec2<u32>(0xffffu), b & vec2<u32>(0xffffu));
}

// Pixels 1 .. 15, 2 .. 16, 3 .. 17 and 4 .. 18 of five quads.
fn least_x(a: Quad, b: Quad, c: Quad, d: Quad, e: Quad) -> Quad {
    let columns = least(least(b, c), d);
    let two = min(columns & vec2<u32>(0xffffu), columns >> vec2<u32>(16u));
    let inner = min(two.x, two.y);
    let p1 = a.x >> 16u;
    let p3 = a.y >> 16u;
    let p16 = e.x & 0xffffu;
    let p2_3 = min(a.y & 0xffffu, p3);
    let p16_17 = min(p16, e.x >> 16u);
    let low = min(vec2<u32>(inner), vec2<u32>(min(p1, p2_3), min(p3, p16_17)));
    let high = min(vec2<u32>(inner), vec2<u32>(min(p2_3, p16), min(p16_17, e.y & 0xffffu)));
    return low | (high << vec2<u32>(16u));
}

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return (data[e >> 2u][(e >> 1u) & 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn quad_at(x: i32, y: i32, inside: bool) -> Quad {
    let row = reflected(y, p.size.y) * p.in_pitch;
    if (inside) {
        return data[(row + u32(x)) >> 2u];
    }
    return Quad(pixel(row, x) | (pixel(row, x + 1) << 16u), pixel(row, x + 2) | (pixel(row, x + 3) << 16u));
}

// kernel native
enable wgpu_int16;

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u16>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u16>>;

alias Quad = vec4<u16>;
const NOTHING = vec4<u16>(u16(0xffffu));

fn complement(v: Quad) -> Quad {
    return NOTHING - v;
}

fn least(a: Quad, b: Quad) -> Quad {
    return min(a, b);
}

// Pixels 1 .. 15, 2 .. 16, 3 .. 17 and 4 .. 18 of five quads.
fn least_x(a: Quad, b: Quad, c: Quad, d: Quad, e: Quad) -> Quad {
    let columns = min(min(b, c), d);
    let two = min(columns.xy, columns.zw);
    let inner = Quad(min(two.x, two.y));
    return min(min(inner, Quad(a.yzw, e.x)), min(Quad(a.zw, e.xy), Quad(a.w, e.xyz)));
}

fn pixel(row: u32, i: i32) -> u16 {
    let e = row + reflected(i, p.size.x);
    return data[e >> 2u][e & 3u];
}

fn quad_at(x: i32, y: i32, inside: bool) -> Quad {
    let row = reflected(y, p.size.y) * p.in_pitch;
    if (inside) {
        return data[(row + u32(x)) >> 2u];
    }
    return Quad(pixel(row, x), pixel(row, x + 1), pixel(row, x + 2), pixel(row, x + 3));
}

// kernel packed native

const AHEAD = false;

// kernel ahead

const AHEAD = true;
