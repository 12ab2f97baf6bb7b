// fold_today: the sum of u16 as the product makes it today: a workgroup for each block of 256 x 16 pixels, a 64-bit sum in two
// words.
//
// Four invocations take a row, 64 rows at a time: a block of a 2-D array has 16, so a quarter of the lanes works. A row is 16
// running sums with carry, joined by halves through workgroup memory; lane 0 then joins the rows one after another while 255
// wait. 2 bytes a pixel; a lane loads 16 quads one after another, 4 additions with carry each; 4 barriers and 16 serial steps a
// block. `reads`: places of blocks, steps of elements, extents of a whole block, extents of the array; `extra.x`: words to the
// high words.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

struct Made {
    low: vec4<u32>,
    high: vec4<u32>,
}

var<workgroup> slots: array<Made, 256>;

fn load_0(e: u32) -> vec4<u32> {
    let at = e >> 1u;
    var a = data_0[at];
    var b = data_0[at + 1u];
    if ((e & 1u) == 1u) {
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_0[at + 2u] << 16u);
    }
    return vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u);
}

fn join(a: Made, b: Made) -> Made {
    let low = a.low + b.low;
    return Made(low, a.high + b.high + select(vec4<u32>(0u), vec4<u32>(1u), low < b.low));
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) own: u32,
) {
    for (var z = group.z; z < p.grid.z; z += groups.z) {
        let outer = outer_of(z);
        for (var y = group.y; y < p.grid.y; y += groups.y) {
            for (var x = group.x; x < p.grid.x; x += groups.x) {
                block(x, y, outer, own);
            }
        }
    }
}

fn block(x: u32, y: u32, outer: vec4<u32>, own: u32) {
    let all = min(p.reads[2].y, p.reads[3].y - y * p.reads[2].y);
    let first = row_of(p.reads[0], y, outer) + x * p.reads[0].x;
    let width = min(p.reads[2].x, p.reads[3].x - x * p.reads[2].x);
    var made = Made(vec4<u32>(0u), vec4<u32>(0u));
    for (var from_row = 0u; from_row < all; from_row += 64u) {
        slots[own] = part_of_row(first, from_row + own / 4u, own % 4u, width, all);
        workgroupBarrier();
        if ((own & 2u) == 0u) {
            slots[own] = join(slots[own], slots[own + 2u]);
        }
        workgroupBarrier();
        if ((own & 3u) == 0u) {
            let four = join(slots[own], slots[own + 1u]);
            let two = join(four, Made(four.low.zwxy, four.high.zwxy));
            slots[own] = join(two, Made(two.low.yxwz, two.high.yxwz));
        }
        workgroupBarrier();
        if (own == 0u) {
            for (var k = 0u; k < min(64u, all - from_row); k++) {
                made = join(made, slots[4u * k]);
            }
        }
        workgroupBarrier();
    }
    if (own == 0u) {
        let goal = row_of(p.goal, y, outer) + x;
        result[goal] = made.low.x;
        result[goal + p.extra.x] = made.high.x;
    }
}

// A quarter of the running sums of a row.
fn part_of_row(first: u32, row: u32, quarter: u32, width: u32, all: u32) -> Made {
    var made = Made(vec4<u32>(0u), vec4<u32>(0u));
    if (row >= all) {
        return made;
    }
    let at = first + p.reads[1].y * row;
    for (var i = 4u * quarter; i < width; i += 16u) {
        let counts = vec4<u32>(i, i + 1u, i + 2u, i + 3u) < vec4<u32>(width);
        made = join(made, Made(select(vec4<u32>(0u), load_0(at + i), counts), vec4<u32>(0u)));
    }
    return made;
}
