// gaussian_march: a gaussian of u16 over both axes in one kernel: lanes march down, the y window in registers, x through
// workgroup rows.
//
//     a workgroup: 128 lanes x 4 pixels = 512 columns, of which the middle 496 become results, and `extra.x` rows of them
//
//     r0 .. r15 = rows y0 - 8 .. y0 + 7 of my four columns
//     for y = y0, y0 + 4, ...:
//         r16 .. r19 = rows y + 8 .. y + 11               4 loads of 8 bytes, edges reflected as they are loaded
//         shared[k] = weighted(rk .. rk+16), k = 0 .. 3   four rows of sums over y; barrier
//         my quads = weighted of shared[k][x - 8 .. x + 11]   five vectors of 16 bytes a row; rounded, stored; barrier
//         r0 .. r15 = r4 .. r19
//
// A sum is the centre, then pairs from the outside in: the order of the product, y first, so the bits are what six dispatches
// give (where a device fuses multiply-adds the same way in both). 2 + 2 bytes a pixel and the halo, 16 rows a segment and 16
// columns a strip, mostly out of the cache; 34 additions and multiplications a pixel, 24 bytes of workgroup memory, 4 register
// moves. 8 KiB.
//
// Kernels differ in what a row of the window is held as: `floats` takes 80 registers and unpacks once, `packed` takes 40, so
// that more groups stand on a processor, and unpacks 20 rows for 4 where the other unpacks 4. `ahead` is `floats` that loads
// the next four rows before it computes with these: 8 registers more, and the way to memory is hidden behind 136 multiply-adds
// rather than by other groups. `extra.x`: rows of a segment; `table`: nine weights, the outermost first.

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;

const STRIP = 496u;
const RADIUS = 8;

struct Weights {
    outer: vec4<f32>,
    inner: vec4<f32>,
    centre: f32,
}

struct Four {
    a: vec2<u32>,
    b: vec2<u32>,
    c: vec2<u32>,
    d: vec2<u32>,
}

var<workgroup> shared_rows: array<array<vec4<f32>, 128>, 4>;

fn weights() -> Weights {
    let outer = bitcast<vec4<f32>>(vec4<u32>(table[0], table[1], table[2], table[3]));
    let inner = bitcast<vec4<f32>>(vec4<u32>(table[4], table[5], table[6], table[7]));
    return Weights(outer, inner, bitcast<f32>(table[8]));
}

fn weighted(
    w: Weights,
    a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, e: vec4<f32>, f: vec4<f32>, g: vec4<f32>, h: vec4<f32>,
    centre: vec4<f32>,
    i: vec4<f32>, j: vec4<f32>, k: vec4<f32>, l: vec4<f32>, m: vec4<f32>, n: vec4<f32>, o: vec4<f32>, q: vec4<f32>,
) -> vec4<f32> {
    var sum = centre * w.centre;
    sum += (a + q) * w.outer.x;
    sum += (b + o) * w.outer.y;
    sum += (c + n) * w.outer.z;
    sum += (d + m) * w.outer.w;
    sum += (e + l) * w.inner.x;
    sum += (f + k) * w.inner.y;
    sum += (g + j) * w.inner.z;
    sum += (h + i) * w.inner.w;
    return sum;
}

fn weighted_y(
    w: Weights,
    a: Held, b: Held, c: Held, d: Held, e: Held, f: Held, g: Held, h: Held, centre: Held,
    i: Held, j: Held, k: Held, l: Held, m: Held, n: Held, o: Held, q: Held,
) -> vec4<f32> {
    return weighted(
        w,
        value(a), value(b), value(c), value(d), value(e), value(f), value(g), value(h), value(centre),
        value(i), value(j), value(k), value(l), value(m), value(n), value(o), value(q),
    );
}

// The window along x of a quad, out of the five quads around it.
fn weighted_x(w: Weights, row: u32, lane: u32) -> vec4<f32> {
    let a = shared_rows[row][lane - 2u];
    let b = shared_rows[row][lane - 1u];
    let c = shared_rows[row][lane];
    let d = shared_rows[row][lane + 1u];
    let e = shared_rows[row][lane + 2u];
    return weighted(
        w,
        a, vec4<f32>(a.yzw, b.x), vec4<f32>(a.zw, b.xy), vec4<f32>(a.w, b.xyz),
        b, vec4<f32>(b.yzw, c.x), vec4<f32>(b.zw, c.xy), vec4<f32>(b.w, c.xyz),
        c, vec4<f32>(c.yzw, d.x), vec4<f32>(c.zw, d.xy), vec4<f32>(c.w, d.xyz),
        d, vec4<f32>(d.yzw, e.x), vec4<f32>(d.zw, e.xy), vec4<f32>(d.w, e.xyz),
        e,
    );
}

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return (data[e >> 2u][(e >> 1u) & 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

// Four pixels of the row that `y` stands for; `inside`: none of the workgroup's columns is outside.
fn words_at(x: i32, y: i32, inside: bool) -> vec2<u32> {
    let row = reflected(y, p.size.y) * p.in_pitch;
    if (inside) {
        return data[(row + u32(x)) >> 2u];
    }
    return vec2<u32>(pixel(row, x) | (pixel(row, x + 1) << 16u), pixel(row, x + 2) | (pixel(row, x + 3) << 16u));
}

fn quad_at(x: i32, y: i32, inside: bool) -> Held {
    return held(words_at(x, y, inside));
}

// Four rows from `y` on.
fn four_at(x: i32, y: i32, inside: bool) -> Four {
    return Four(words_at(x, y, inside), words_at(x, y + 1, inside), words_at(x, y + 2, inside), words_at(x, y + 3, inside));
}

fn unpacked(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(vec4<u32>(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

fn store(x: u32, y: u32, v: vec4<f32>) {
    let whole = vec4<u32>(clamp(round(v), vec4<f32>(0.0), vec4<f32>(65535.0)));
    result[(y * p.out_pitch + x) >> 2u] = vec2<u32>(whole.x | (whole.y << 16u), whole.z | (whole.w << 16u));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let w = weights();
    let strip = group.x * STRIP;
    let x = i32(strip + 4u * lane) - RADIUS;
    let inside = group.x > 0u && strip + STRIP + 8u <= p.size.x;
    let first = group.y * p.extra.x;
    let rows = min(p.extra.x, p.size.y - first);
    let makes = lane >= 2u && lane < 126u && x < i32(p.size.x);
    let y = i32(first);
    var r0 = quad_at(x, y - 8, inside);
    var r1 = quad_at(x, y - 7, inside);
    var r2 = quad_at(x, y - 6, inside);
    var r3 = quad_at(x, y - 5, inside);
    var r4 = quad_at(x, y - 4, inside);
    var r5 = quad_at(x, y - 3, inside);
    var r6 = quad_at(x, y - 2, inside);
    var r7 = quad_at(x, y - 1, inside);
    var r8 = quad_at(x, y, inside);
    var r9 = quad_at(x, y + 1, inside);
    var r10 = quad_at(x, y + 2, inside);
    var r11 = quad_at(x, y + 3, inside);
    var r12 = quad_at(x, y + 4, inside);
    var r13 = quad_at(x, y + 5, inside);
    var r14 = quad_at(x, y + 6, inside);
    var r15 = quad_at(x, y + 7, inside);
    var next = four_at(x, y + 8, inside);
    for (var done = 0u; done < rows; done += 4u) {
        let below = y + i32(done) + 8;
        if (!AHEAD && done > 0u) {
            next = four_at(x, below, inside);
        }
        let r16 = held(next.a);
        let r17 = held(next.b);
        let r18 = held(next.c);
        let r19 = held(next.d);
        if (AHEAD) {
            next = four_at(x, below + 4, inside);
        }
        shared_rows[0][lane] = weighted_y(w, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16);
        shared_rows[1][lane] = weighted_y(w, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17);
        shared_rows[2][lane] = weighted_y(w, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17, r18);
        shared_rows[3][lane] = weighted_y(w, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17, r18, r19);
        workgroupBarrier();
        if (makes) {
            for (var k = 0u; k < min(4u, rows - done); k++) {
                store(u32(x), first + done + k, weighted_x(w, k, lane));
            }
        }
        workgroupBarrier();
        r0 = r4;
        r1 = r5;
        r2 = r6;
        r3 = r7;
        r4 = r8;
        r5 = r9;
        r6 = r10;
        r7 = r11;
        r8 = r12;
        r9 = r13;
        r10 = r14;
        r11 = r15;
        r12 = r16;
        r13 = r17;
        r14 = r18;
        r15 = r19;
    }
}

// kernel floats ahead

alias Held = vec4<f32>;

fn held(words: vec2<u32>) -> Held {
    return unpacked(words);
}

fn value(row: Held) -> vec4<f32> {
    return row;
}

// kernel packed

alias Held = vec2<u32>;

fn held(words: vec2<u32>) -> Held {
    return words;
}

fn value(row: Held) -> vec4<f32> {
    return unpacked(row);
}

// kernel floats packed

const AHEAD = false;

// kernel ahead

const AHEAD = true;
