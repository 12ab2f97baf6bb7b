// tophat_two: a white top-hat of u16, flat 15 x 15, in two kernels: the erosion, then the dilation and what is left.
//
// Half of `tophat_march`: the first kernel marches down with one ring and writes the eroded array, the second reads that and
// the input. It moves 4 bytes a pixel more, for half the registers, half the halo (14 rows a segment, 16 columns a strip of
// 512) and one row of workgroup memory; for windows whose rings do not fit twice. Reflecting the eroded array at its edges is
// what a top-hat is defined by.
//
//     for four rows at a time: shared = the rows; barrier; e = least of 15 along x; ring grown by e; stored; barrier
//
// The rings and the packed comparison are those of `tophat_march`; the greatest is the complement of the least of complements.
// 2 + 2 + 2 + 2 + 2 = 10 bytes a pixel, some 25 operations a pixel and kernel. `extra.x`: rows of a segment.

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> image: array<vec2<u32>>;

const STRIP = 496u;
const HALO = 8;

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

var<workgroup> shared_rows: array<array<Quad, 128>, 4>;

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

fn of_row(k: u32, lane: u32) -> Quad {
    let row = &shared_rows[k];
    return least_x((*row)[lane - 2u], (*row)[lane - 1u], (*row)[lane], (*row)[lane + 1u], (*row)[lane + 2u]);
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let strip = group.x * STRIP;
    let x = i32(strip + 4u * lane) - HALO;
    let inside = group.x > 0u && strip + STRIP + 8u <= p.size.x;
    let first = group.y * p.extra.x;
    let rows = min(p.extra.x, p.size.y - first);
    let makes = lane >= 2u && lane < 126u && x < i32(p.size.x);
    let middle = clamp(lane, 2u, 125u); // what outer lanes make is not looked at
    var ring = empty();
    // A window that ends in a row makes the result seven above it: 14 rows before the first result's last, made to whole blocks.
    for (var done = 0u; done < rows + 16u; done += 4u) {
        let y = i32(first + done) - 9;
        for (var k = 0u; k < 4u; k++) {
            shared_rows[k][lane] = before(quad_at(x, y + i32(k), inside));
        }
        workgroupBarrier();
        let made = grown(&ring, Rows(of_row(0u, middle), of_row(1u, middle), of_row(2u, middle), of_row(3u, middle)));
        if (makes && done >= 16u) {
            finish(u32(x), first, done - 16u, rows, made.a);
            finish(u32(x), first, done - 15u, rows, made.b);
            finish(u32(x), first, done - 14u, rows, made.c);
            finish(u32(x), first, done - 13u, rows, made.d);
        }
        workgroupBarrier();
    }
}

// A result; `made`: its row in the segment.
fn finish(x: u32, first: u32, made: u32, rows: u32, least: Quad) {
    if (made < rows) {
        let y = first + made;
        result[(y * p.out_pitch + x) >> 2u] = after((y * p.in_pitch + x) >> 2u, least);
    }
}

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

// kernel erode

fn before(v: Quad) -> Quad {
    return v;
}

fn after(at: u32, least: Quad) -> Quad {
    return least;
}

// kernel dilate

fn before(v: Quad) -> Quad {
    return complement(v);
}

// An opening is nowhere above its input: halves subtract without a borrow.
fn after(at: u32, least: Quad) -> Quad {
    return image[at] - complement(least);
}
