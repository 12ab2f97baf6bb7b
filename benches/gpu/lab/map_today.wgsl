// map_today: min(v + 1000, 65535) of u16, as the product's fused elementwise kernels do it: a quad a lane, numbers packed in
// words.
//
// Two 32-bit loads at a stride of 8 bytes from lane to lane (and a third behind a branch for quads that are not aligned), a
// saturating formula in i32, two 32-bit stores. With 16-bit integers in the language it is four loads and four stores of 16 bits.
// 4 bytes a pixel; 1/2 (packed) or 1 (native) load and store instruction, some 15 instructions of indexing a quad.

fn formula(v: vec4<i32>) -> vec4<i32> {
    return clamp(v + vec4<i32>(1000), vec4<i32>(0), vec4<i32>(65535));
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    store(row_of(p.goal, y, outer) + x, formula(load_0(row_of(p.reads[0], y, outer) + x)));
}

// kernel packed

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

fn load_0(e: u32) -> vec4<i32> {
    let at = e >> 1u;
    var a = data_0[at];
    var b = data_0[at + 1u];
    if ((e & 1u) == 1u) {
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_0[at + 2u] << 16u);
    }
    return vec4<i32>(vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u));
}

fn store(e: u32, v: vec4<i32>) {
    let s = (bitcast<vec4<u32>>(v) & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}

// kernel native
enable wgpu_int16;

@group(0) @binding(1) var<storage, read_write> result: array<u16>;
@group(0) @binding(3) var<storage, read> data_0: array<u16>;

fn load_0(e: u32) -> vec4<i32> {
    return vec4<i32>(vec4<u32>(u32(data_0[e]), u32(data_0[e + 1u]), u32(data_0[e + 2u]), u32(data_0[e + 3u])));
}

fn store(e: u32, v: vec4<i32>) {
    let s = bitcast<vec4<u32>>(v) & vec4<u32>(0xffffu);
    result[e] = u16(s.x);
    result[e + 1u] = u16(s.y);
    result[e + 2u] = u16(s.z);
    result[e + 3u] = u16(s.w);
}
