// map_native: min(v + 1000, 65535) of u16, four pixels a lane as one vector of native 16-bit integers.
//
// The language's own 16-bit vectors: one 64-bit load and store, no unpacking, and where the hardware has packed 16-bit
// arithmetic half an operation a pixel. The sum stays within 16 bits: min(v, 65535 - 1000) + 1000. 4 bytes a pixel. `extra.x`:
// vectors of a row.
enable wgpu_int16;

@group(0) @binding(1) var<storage, read_write> result: array<vec4<u16>>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u16>>;

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.extra.x && id.y < p.size.y) {
        let at = id.y * p.extra.x + id.x;
        result[at] = min(data[at], vec4<u16>(u16(64535u))) + vec4<u16>(u16(1000u));
    }
}
