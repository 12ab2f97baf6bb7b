// Copies an array of 16 bytes a lane, a stride of the whole grid at a time: what a device's kernels can read and write at best,
// which its own copies of buffers need not reach.

@group(0) @binding(0) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> data: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var at = id.x; at < arrayLength(&data); at += groups.x * 256u) {
        result[at] = data[at];
    }
}
