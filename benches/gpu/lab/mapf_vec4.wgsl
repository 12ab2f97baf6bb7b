// mapf_vec4: v / 2 + 1 of f32, a vector of four a lane.
//
// The same quads as today in an array of vectors: one 128-bit load and store instead of four of 32. Halving is exact, so fused
// or not there is one rounding. 8 bytes a pixel, 1/4 load and store instruction. `extra.x`: vectors of a row.

@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<f32>>;

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.extra.x && id.y < p.size.y) {
        let at = id.y * p.extra.x + id.x;
        result[at] = data[at] * 0.5 + 1.0;
    }
}
