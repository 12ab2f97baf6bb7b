// The walk of a kernel that makes its result quad by quad: 256 invocations, as wide as rows are long, 32 quads where
// there are rows for all.
// It does not know what a quad computes.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) own: u32) {
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
