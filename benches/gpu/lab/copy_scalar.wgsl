// copy_scalar: result = data, a word of 32 bits (two pixels of 16) a lane.
//
// Neighbouring lanes take neighbouring words: every access is coalesced, but each is 4 bytes: as many load and store
// instructions as there are words. 4 bytes, 1 load and 1 store instruction per two pixels. `extra.x`: words of a row.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<u32>;

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.extra.x && id.y < p.size.y) {
        let at = id.y * p.extra.x + id.x;
        result[at] = data[at];
    }
}
