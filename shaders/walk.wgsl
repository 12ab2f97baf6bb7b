// The walk of a kernel that makes its result quad by quad: an invocation a quad, 32 of a row and 8 rows in a workgroup.
// It does not know what a quad computes.

@compute @workgroup_size(32, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var z = id.z; z < p.grid.z; z += groups.z) {
        let outer = outer_of(z);
        for (var y = id.y; y < p.grid.y; y += groups.y * 8u) {
            for (var q = id.x; q < p.grid.x; q += groups.x * 32u) {
                quad(q * 4u, y, outer);
            }
        }
    }
}
