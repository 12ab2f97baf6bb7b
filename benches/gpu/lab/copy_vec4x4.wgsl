// copy_vec4x4: result = data, four vectors of 16 bytes a lane, all four loads before the first store.
//
//     a group: |lane 0 .. 255|lane 0 .. 255|lane 0 .. 255|lane 0 .. 255|      16 KiB
//
// More bytes in flight for each resident warp (Little's law: bandwidth x latency is some 40 KiB a multiprocessor on an H100), a
// quarter of the index arithmetic. 4 bytes a pixel. `extra.x`: vectors of the whole array.

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) own: u32,
) {
    for (var first = group.x * 1024u; first < p.extra.x; first += groups.x * 1024u) {
        let at = first + own;
        if (first + 1024u <= p.extra.x) {
            let a = data[at];
            let b = data[at + 256u];
            let c = data[at + 512u];
            let d = data[at + 768u];
            result[at] = a;
            result[at + 256u] = b;
            result[at + 512u] = c;
            result[at + 768u] = d;
        } else {
            for (var k = at; k < p.extra.x; k += 256u) {
                result[k] = data[k];
            }
        }
    }
}
