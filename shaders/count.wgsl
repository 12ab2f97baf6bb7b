// Counts how often it is run: what dispatches cost is measured with it. One word an invocation.

@group(0) @binding(0) var<storage, read_write> counts: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    counts[id.x] = counts[id.x] + 1u;
}
