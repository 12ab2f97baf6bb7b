// What a device makes of numbers at the edges: nine results for each pair. First its own arithmetic, then what integers make of
// quotients, roots, whole numbers and remainders. It decides nothing.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;

fn put(at: u32, v: vec4<f32>) {
    result[at] = bitcast<vec4<u32>>(v).x;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.grid.x) {
        return;
    }
    let a = bitcast<vec4<f32>>(vec4<u32>(table[2u * id.x]));
    let b = bitcast<vec4<f32>>(vec4<u32>(table[2u * id.x + 1u]));
    let at = 9u * id.x;
    put(at, near_sum(a, b));
    put(at + 1u, near_product(a, b));
    put(at + 2u, near_quotient(a, b));
    put(at + 3u, near_root(a));
    put(at + 4u, div_f32(a, b));
    put(at + 5u, sqrt_f32(a));
    put(at + 6u, rint_f32(a));
    put(at + 7u, floor_div_f32(a, b));
    put(at + 8u, rem_f32(a, b));
}
