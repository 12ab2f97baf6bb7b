// Stands in for `near.wgsl` in tests: a device that does no better than Vulkan asks of it. Quotients and roots are up to three
// units of the last place off, none divides by more than 2^126 (infinity by that is NaN), and numbers too small to be normal are zeros.

fn flushed(x: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(x);
    let tiny = (bits & MAGNITUDE) < vec4<u32>(0x00800000u);
    return bitcast<vec4<f32>>(select(bits, bits & SIGN, tiny));
}

// Moved by -3 to 3 units, by a hash of what it came from; numbers near zero, near infinity and NaN stay.
fn moved(x: vec4<f32>, origin: vec4<u32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(x);
    let by = ((origin * vec4<u32>(2654435761u)) >> vec4<u32>(16u)) % vec4<u32>(7u);
    let size = bits & MAGNITUDE;
    let stays = (size < vec4<u32>(0x00800004u)) | (size > vec4<u32>(0x7f7ffffbu));
    return bitcast<vec4<f32>>(select(bits + by - vec4<u32>(3u), bits, stays));
}

fn kept(x: vec4<f32>) -> vec4<f32> {
    return flushed(bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) | vec4<u32>(p.grid.w)));
}

fn near_sum(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return flushed(flushed(a) + flushed(b));
}

fn near_product(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return flushed(flushed(a) * flushed(b));
}

fn near_quotient(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let x = bitcast<vec4<u32>>(a);
    let y = bitcast<vec4<u32>>(b);
    let found = bitcast<vec4<u32>>(moved(flushed(flushed(a) / flushed(b)), x ^ (y >> vec4<u32>(1u))));
    // A reciprocal that is flushed: what it multiplies is zero, or, infinite, no number.
    let beyond = ((y & MAGNITUDE) > vec4<u32>(0x7e800000u)) & ((y & MAGNITUDE) <= INFINITE);
    let made = select(found & SIGN, vec4<u32>(0x7fc00000u), (x & MAGNITUDE) >= INFINITE);
    return bitcast<vec4<f32>>(select(found, made, beyond));
}

fn near_root(x: vec4<f32>) -> vec4<f32> {
    return moved(sqrt(flushed(x)), bitcast<vec4<u32>>(x));
}

fn near_floor(x: vec4<f32>) -> vec4<f32> {
    return floor(flushed(x));
}

fn near_ceil(x: vec4<f32>) -> vec4<f32> {
    return ceil(flushed(x));
}
