// copy_vec4: result = data, 16 bytes (eight pixels of 16 bits) a lane.
//
// One 128-bit load and store an invocation; a warp of 32 moves 512 bytes an instruction. 4 bytes a pixel, 1/8 load and store
// instruction. `extra.x`: vectors of a row.

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.extra.x && id.y < p.size.y) {
        let at = id.y * p.extra.x + id.x;
        result[at] = data[at];
    }
}
