// edge_reflected: the window of `edge_folded` without a branch: every pixel is loaded by itself at its reflected index.
//
// The plainest kernel; a lane makes the two pixels of a word, so that no two lanes store to one. What it costs more is what
// wide loads and the branch gain. 4 bytes a pixel; 6 loads of 32 bits and 6 reflections (6 operations each) for 2 pixels.
// `extra.x`: words of a row.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<u32>;

fn pixel(row: u32, i: i32) -> u32 {
    let e = row + reflected(i, p.size.x);
    return (data[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.extra.x || id.y >= p.size.y) {
        return;
    }
    let row = id.y * p.in_pitch;
    let x = 2 * i32(id.x);
    let a = pixel(row, x - 2);
    let b = pixel(row, x - 1);
    let c = pixel(row, x);
    let d = pixel(row, x + 1);
    let e = pixel(row, x + 2);
    let f = pixel(row, x + 3);
    let even = (a + e + 4u * (b + d) + 6u * c + 8u) >> 4u;
    let odd = (b + f + 4u * (c + e) + 6u * d + 8u) >> 4u;
    result[id.y * (p.out_pitch >> 1u) + id.x] = even | (odd << 16u);
}
