// What a device does to numbers at the edges: five results for each pair. It decides nothing.

@group(0) @binding(0) var<uniform> pairs: vec4<u32>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= pairs.x) {
        return;
    }
    let a = bitcast<f32>(table[2u * id.x]);
    let b = bitcast<f32>(table[2u * id.x + 1u]);
    let at = 5u * id.x;
    result[at] = bitcast<u32>(a + b);
    result[at + 1u] = bitcast<u32>(a * b);
    result[at + 2u] = bitcast<u32>(a / b);
    result[at + 3u] = bitcast<u32>(sqrt(a));
    result[at + 4u] = bitcast<u32>(round(a));
}
