// flip of u16

// kernel 1 of 1

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

fn one_0(e: u32) -> u32 {
    return (data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn store(e: u32, v: vec4<u32>) {
    let bits = bitcast<vec4<u32>>(v);
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}

// pad.wgsl

// walk.wgsl
