// gaussian_tile: a gaussian of u16 over both axes in one kernel: a tile and its halo in workgroup memory, first y, then x.
//
//     tile of 64 x 24 results:   80 x 40 pixels loaded, packed     6.4 KiB
//                                80 x 24 sums over y in f32        7.7 KiB       barrier after each
//                                64 x 24 sums over x, rounded, stored
//
// The textbook's kernel, to judge the marching ones by: no march, no ring, two barriers a tile, but 3200 pixels loaded for 1536
// (mostly out of the cache) and 1.25 sums over y a result. The order of additions is the product's. 2 + 2 bytes a pixel and the
// halo. `table`: nine weights, the outermost first.

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;

const QUADS = 20u; // of a loaded row
const ROWS = 24u;
const LOADED = 800u; // quads: 20 x 40
const SUMS = 480u; // 20 x 24
const RESULTS = 384u; // 16 x 24

var<workgroup> tile: array<vec2<u32>, 800>;
var<workgroup> sums: array<vec4<f32>, 480>;

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

fn of_tile(at: u32) -> vec4<f32> {
    let words = tile[at];
    return vec4<f32>(vec4<u32>(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

// The sum over y of quad `at`; a row further is 20 quads further.
fn weighted_y(at: u32) -> vec4<f32> {
    var sum = of_tile(at + 8u * QUADS) * weight(8u);
    for (var k = 0u; k < 8u; k++) {
        sum += (of_tile(at + k * QUADS) + of_tile(at + (16u - k) * QUADS)) * weight(k);
    }
    return sum;
}

// The sum over x whose window begins with quad `at`.
fn weighted_x(at: u32) -> vec4<f32> {
    let a = sums[at];
    let b = sums[at + 1u];
    let c = sums[at + 2u];
    let d = sums[at + 3u];
    let e = sums[at + 4u];
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

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) own: u32) {
    let left = 64u * group.x;
    let top = ROWS * group.y;
    let inside = group.x > 0u && left + 72u <= p.size.x;
    for (var at = own; at < LOADED; at += 256u) {
        let row = at / QUADS;
        tile[at] = quad_at(i32(left + 4u * (at - row * QUADS)) - 8, i32(top + row) - 8, inside);
    }
    workgroupBarrier();
    for (var at = own; at < SUMS; at += 256u) {
        sums[at] = weighted_y(at);
    }
    workgroupBarrier();
    for (var k = own; k < RESULTS; k += 256u) {
        let row = k >> 4u;
        let x = left + 4u * (k & 15u);
        if (x < p.size.x && top + row < p.size.y) {
            store(x, top + row, weighted_x(row * QUADS + (k & 15u)));
        }
    }
}
