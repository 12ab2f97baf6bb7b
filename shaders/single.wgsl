// Sums of floats in f32, each addition as it stands: no compiler sees through `kept`.

struct Made {
    sum: vec4<f32>,
}

fn start() -> Made {
    return Made(vec4<f32>(0.0));
}

fn take(made: Made, v: vec4<f32>, counts: vec4<bool>, number: vec4<u32>) -> Made {
    return Made(kept(made.sum + select(vec4<f32>(0.0), v, counts)));
}

fn join(a: Made, b: Made) -> Made {
    return Made(kept(a.sum + b.sum));
}

fn turned(a: Made) -> Made {
    return Made(a.sum.zwxy);
}

fn swapped(a: Made) -> Made {
    return Made(a.sum.yxwz);
}

fn word(a: Made, k: u32) -> vec4<u32> {
    return bitcast<vec4<u32>>(a.sum);
}
