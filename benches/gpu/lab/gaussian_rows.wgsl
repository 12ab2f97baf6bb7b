// gaussian_rows: a gaussian of u16 over both axes in one kernel: the y window in a ring of workgroup rows, packed as it was
// loaded.
//
//     a workgroup: 64 x 4 lanes, a lane 4 pixels: 256 columns, of which the middle 240 become results, `extra.x` rows of them
//
//     ring of 20 rows = rows y0 - 8 .. y0 + 11
//     for y = y0, y0 + 4, ...: lane (i, j) makes quad i of row y + j:
//         shared[j][i] = weighted(17 quads of the ring), unpacked as they are read; barrier
//         my quad = weighted of shared[j][x - 8 .. x + 11]; rounded, stored
//         the ring's oldest four rows = rows y + 12 .. y + 15; barrier
//
// What `gaussian_march` holds in 80 registers a lane lies in 10 KiB of workgroup memory, for 4 rows at once: more groups stand
// on a processor, but each result reads its whole window: 34 bytes of workgroup memory a pixel along y and 24 along x, 17
// unpackings. The order of additions is the product's. 2 + 2 bytes a pixel and the halo: 16 columns of 256, 16 rows a segment.
// 14 KiB. `table`: nine weights, the outermost first.

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;

const STRIP = 240u;
const RING = 20u;

var<workgroup> ring: array<array<vec2<u32>, 64>, 20>;
var<workgroup> sums: array<array<vec4<f32>, 64>, 4>;

fn weight(k: u32) -> f32 {
    return bitcast<f32>(table[k]);
}

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return (data[e >> 2u][(e >> 1u) & 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn quad_at(x: i32, y: i32, inside: bool) -> vec2<u32> {
    let row = reflected(y, p.size.y) * p.in_pitch;
    if (inside) {
        return data[(row + u32(x)) >> 2u];
    }
    return vec2<u32>(pixel(row, x) | (pixel(row, x + 1) << 16u), pixel(row, x + 2) | (pixel(row, x + 3) << 16u));
}

// Row `k` of a window that begins at slot `from` of the ring.
fn of_ring(from_slot: u32, k: u32, column: u32) -> vec4<f32> {
    let slot = from_slot + k;
    let words = ring[select(slot, slot - RING, slot >= RING)][column];
    return vec4<f32>(vec4<u32>(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

fn weighted_y(from_slot: u32, column: u32) -> vec4<f32> {
    var sum = of_ring(from_slot, 8u, column) * weight(8u);
    for (var k = 0u; k < 8u; k++) {
        sum += (of_ring(from_slot, k, column) + of_ring(from_slot, 16u - k, column)) * weight(k);
    }
    return sum;
}

fn weighted_x(row: u32, column: u32) -> vec4<f32> {
    let a = sums[row][column - 2u];
    let b = sums[row][column - 1u];
    let c = sums[row][column];
    let d = sums[row][column + 1u];
    let e = sums[row][column + 2u];
    var sum = c * weight(8u);
    sum += (a + e) * weight(0u);
    sum += (vec4<f32>(a.yzw, b.x) + vec4<f32>(d.w, e.xyz)) * weight(1u);
    sum += (vec4<f32>(a.zw, b.xy) + vec4<f32>(d.zw, e.xy)) * weight(2u);
    sum += (vec4<f32>(a.w, b.xyz) + vec4<f32>(d.yzw, e.x)) * weight(3u);
    sum += (b + d) * weight(4u);
    sum += (vec4<f32>(b.yzw, c.x) + vec4<f32>(c.w, d.xyz)) * weight(5u);
    sum += (vec4<f32>(b.zw, c.xy) + vec4<f32>(c.zw, d.xy)) * weight(6u);
    sum += (vec4<f32>(b.w, c.xyz) + vec4<f32>(c.yzw, d.x)) * weight(7u);
    return sum;
}

fn store(x: u32, y: u32, v: vec4<f32>) {
    let whole = vec4<u32>(clamp(round(v), vec4<f32>(0.0), vec4<f32>(65535.0)));
    result[(y * p.out_pitch + x) >> 2u] = vec2<u32>(whole.x | (whole.y << 16u), whole.z | (whole.w << 16u));
}

@compute @workgroup_size(64, 4)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) own: vec3<u32>) {
    let strip = group.x * STRIP;
    let x = i32(strip + 4u * own.x) - 8;
    let inside = group.x > 0u && strip + STRIP + 8u <= p.size.x;
    let first = group.y * p.extra.x;
    let rows = min(p.extra.x, p.size.y - first);
    let makes = own.x >= 2u && own.x < 62u && x < i32(p.size.x);
    for (var slot = own.y; slot < RING; slot += 4u) {
        ring[slot][own.x] = quad_at(x, i32(first + slot) - 8, inside);
    }
    workgroupBarrier();
    var oldest = 0u;
    for (var done = 0u; done < rows; done += 4u) {
        let from_slot = oldest + own.y;
        sums[own.y][own.x] = weighted_y(select(from_slot, from_slot - RING, from_slot >= RING), own.x);
        workgroupBarrier();
        if (makes && done + own.y < rows) {
            store(u32(x), first + done + own.y, weighted_x(own.y, own.x));
        }
        ring[oldest + own.y][own.x] = quad_at(x, i32(first + done + own.y) + 12, inside);
        oldest = select(oldest + 4u, 0u, oldest + 4u == RING);
        workgroupBarrier();
    }
}
