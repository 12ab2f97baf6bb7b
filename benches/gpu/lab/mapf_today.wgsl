// mapf_today: v / 2 + 1 of f32, as the product's fused elementwise kernels do it: a quad a lane on an array of words.
//
// Four 32-bit loads and stores at a stride of 16 bytes from lane to lane: the compiler cannot prove that quads are aligned, so
// it may not join them. 8 bytes a pixel, 1 load and store instruction each.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}

fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    store(row_of(p.goal, y, outer) + x, load_0(row_of(p.reads[0], y, outer) + x) * 0.5 + 1.0);
}
