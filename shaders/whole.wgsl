// Sums of integers in 64 bits, and of the squares of those that have 16 bits or fewer. The bits and the sign of an element
// are written beside this.

struct Made {
    low: vec4<u32>,
    high: vec4<u32>,
    square_low: vec4<u32>,
    square_high: vec4<u32>,
}

fn start() -> Made {
    let none = vec4<u32>(0u);
    return Made(none, none, none, none);
}

fn take(made: Made, v: Lane, counts: vec4<bool>, number: vec4<u32>) -> Made {
    let none = vec4<u32>(0u);
    let more = select(none, bits(v), counts);
    let square = select(none, more * more, vec4<bool>(SQUARES));
    return join(made, Made(more, select(none, sign(v), counts), square, none));
}

fn join(a: Made, b: Made) -> Made {
    let low = a.low + b.low;
    let high = a.high + b.high + truth(low < b.low);
    let square_low = a.square_low + b.square_low;
    let square_high = a.square_high + b.square_high + truth(square_low < b.square_low);
    return Made(low, high, square_low, square_high);
}

fn turned(a: Made) -> Made {
    return Made(a.low.zwxy, a.high.zwxy, a.square_low.zwxy, a.square_high.zwxy);
}

fn swapped(a: Made) -> Made {
    return Made(a.low.yxwz, a.high.yxwz, a.square_low.yxwz, a.square_high.yxwz);
}

fn word(a: Made, k: u32) -> vec4<u32> {
    let sum = select(a.low, a.high, vec4<bool>(k == 1u));
    let squares = select(a.square_low, a.square_high, vec4<bool>(k == 3u));
    return select(sum, squares, vec4<bool>(k > 1u));
}
