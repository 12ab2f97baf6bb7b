// The frame and the walk of the product's kernels when the lab was made, for variants that show what is there today. Kept here,
// so that the baseline stays as the product changes. It does not know what a quad computes.
//
// A quad is four neighbours along x. 256 invocations make quads one by one, 32 of a row where there are rows for all; a row's
// start costs three divisions for the axes outside y.

struct Place {
    base: u32,
    x: u32,
    y: u32,
    log_columns: u32,
    outer: vec4<u32>,
}

struct Params {
    grid: vec4<u32>, // quads of a row, rows, planes, zero
    outer: vec4<u32>,
    goal: Place,
    reads: array<Place, 6>,
    extra: vec4<u32>,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> table: array<u32>;

fn row_of(place: Place, y: u32, outer: vec4<u32>) -> u32 {
    let steps = place.outer * outer;
    return place.base + place.y * y + steps.x + steps.y + steps.z + steps.w;
}

fn outer_of(plane: u32) -> vec4<u32> {
    let a = plane / p.outer.x;
    let b = a / p.outer.y;
    let c = b / p.outer.z;
    return vec4<u32>(plane - a * p.outer.x, a - b * p.outer.y, b - c * p.outer.z, c);
}

// kernel walk

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) own: u32,
) {
    let columns = 1u << p.goal.log_columns;
    let rows = 256u >> p.goal.log_columns;
    for (var z = group.z; z < p.grid.z; z += groups.z) {
        let outer = outer_of(z);
        for (var y = group.y * rows + (own >> p.goal.log_columns); y < p.grid.y; y += groups.y * rows) {
            for (var q = group.x * columns + (own & (columns - 1u)); q < p.grid.x; q += groups.x * columns) {
                quad(q * 4u, y, outer);
            }
        }
    }
}
