// What a device's own instructions give: sums, products, quotients and roots some units of the last place off, and of denormals
// perhaps what they give of zeros. Beside it, how a rounding is kept. For tests `sloppy.wgsl` stands in for this file.

// The same numbers, by a step that no compiler sees through: a sum that takes back its own rounding must not be regrouped,
// as compilers of shaders may and do. `p.grid.w` is zero.
fn kept(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) | vec4<u32>(p.grid.w));
}

fn near_sum(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return a + b;
}

fn near_product(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return a * b;
}

fn near_quotient(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return a / b;
}

fn near_root(x: vec4<f32>) -> vec4<f32> {
    return sqrt(x);
}

fn near_floor(x: vec4<f32>) -> vec4<f32> {
    return floor(x);
}

fn near_ceil(x: vec4<f32>) -> vec4<f32> {
    return ceil(x);
}
