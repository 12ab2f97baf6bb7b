// map_vec2: min(v + 1000, 65535) of u16, four pixels a lane as one vector of two words.
//
//     word = odd << 16 | even:   even = word & 0xffff,   odd = word >> 16,   both in 32 bits, joined again at the end
//
// One 64-bit load and store. 4 bytes a pixel, 1/4 load and store instruction, 2 operations a pixel beside 2 of unpacking. Today's
// alignment of rows to quads is all that it needs. `extra.x`: vectors of a row.

@group(0) @binding(1) var<storage, read_write> result: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> data: array<vec2<u32>>;

fn formula(v: vec2<u32>) -> vec2<u32> {
    return min(v + vec2<u32>(1000u), vec2<u32>(65535u));
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.extra.x && id.y < p.size.y) {
        let at = id.y * p.extra.x + id.x;
        let words = data[at];
        let even = formula(words & vec2<u32>(0xffffu));
        let odd = formula(words >> vec2<u32>(16u));
        result[at] = even | (odd << vec2<u32>(16u));
    }
}
