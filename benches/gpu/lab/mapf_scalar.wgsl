// mapf_scalar: v / 2 + 1 of f32, one a lane.
//
// Neighbouring lanes take neighbouring words, so each access is whole even though it is small: tells the price of the stride of
// `mapf_today` from that of small accesses. 8 bytes a pixel, 1 load and store instruction each. `extra.x`: words of a row.

@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<storage, read> data: array<f32>;

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.extra.x && id.y < p.size.y) {
        let at = id.y * p.extra.x + id.x;
        result[at] = data[at] * 0.5 + 1.0;
    }
}
