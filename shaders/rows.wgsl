// A reduction along x: a workgroup a block, 64 rows at a time, four invocations a row. A row is 16 running results, joined by
// halves; rows join one after another, in C order.

var<workgroup> slots: array<Made, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) own: u32) {
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
    let rows = rows_of_block(y, outer);
    let all = rows.y * rows.outer.x * rows.outer.y * rows.outer.z * rows.outer.w;
    let first = row_of(p.reads[0], y, outer) + x * p.reads[0].x;
    let width = min(p.reads[2].x, p.reads[3].x - x * p.reads[2].x);
    var made = start();
    for (var from_row = 0u; from_row < all; from_row += 64u) {
        slots[own] = part_of_row(first, from_row + own / 4u, own % 4u, width, rows, all);
        workgroupBarrier();
        if ((own & 2u) == 0u) {
            slots[own] = join(slots[own], slots[own + 2u]);
        }
        workgroupBarrier();
        if ((own & 3u) == 0u) {
            let four = join(slots[own], slots[own + 1u]);
            let two = join(four, turned(four));
            slots[own] = join(two, swapped(two));
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
        for (var k = 0u; k < WORDS; k++) {
            result[goal + k * p.extra.x] = word(made, k).x;
        }
    }
}

// A quarter of the running results of a row.
fn part_of_row(first: u32, row: u32, quarter: u32, width: u32, rows: Rows, all: u32) -> Made {
    var made = start();
    if (row >= all) {
        return made;
    }
    let a = row / rows.y;
    let b = a / rows.outer.x;
    let c = b / rows.outer.y;
    let d = c / rows.outer.z;
    let place = vec4<u32>(a - b * rows.outer.x, b - c * rows.outer.y, c - d * rows.outer.z, d);
    let r = row - a * rows.y;
    let at = first + steps_to(r, place);
    let number = number_of(r, place);
    for (var i = 4u * quarter; i < width; i += 16u) {
        let four = vec4<u32>(i, i + 1u, i + 2u, i + 3u);
        made = take(made, load_0(at + i), four < vec4<u32>(width), four + vec4<u32>(number));
    }
    return made;
}
