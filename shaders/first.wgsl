// The element that comes first in an order, and where it first stands. Its key, and which of two keys is better, are written
// beside this.

struct Made {
    key: Lane,
    number: vec4<u32>,
}

fn start() -> Made {
    return Made(Lane(WORST), vec4<u32>(0xffffffffu));
}

fn take(made: Made, v: Lane, counts: vec4<bool>, number: vec4<u32>) -> Made {
    let other = Made(key_of_place(v), number);
    let joined = join(made, other);
    return Made(select(made.key, joined.key, counts), select(made.number, joined.number, counts));
}

fn join(a: Made, b: Made) -> Made {
    let other = is_better(b.key, a.key) | ((a.key == b.key) & (b.number < a.number));
    return Made(select(a.key, b.key, other), select(a.number, b.number, other));
}

fn turned(a: Made) -> Made {
    return Made(a.key.zwxy, a.number.zwxy);
}

fn swapped(a: Made) -> Made {
    return Made(a.key.yxwz, a.number.yxwz);
}

fn word(a: Made, k: u32) -> vec4<u32> {
    return select(bitcast<vec4<u32>>(value(a.key)), a.number, vec4<bool>(k == 1u));
}
