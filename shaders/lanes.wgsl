// What the formula language does to four numbers at once: integers saturate; floats are compared, ordered and tested for
// NaN on their bits, because a device may take NaN for impossible. It does not know formulas.

const LEAST = vec4<i32>(-2147483647 - 1);
const MOST = vec4<i32>(2147483647);
const MOST_U = vec4<u32>(4294967295u);
const SIGN = vec4<u32>(0x80000000u);
const MAGNITUDE = vec4<u32>(0x7fffffffu);
const INFINITE = vec4<u32>(0x7f800000u);

fn truth(v: vec4<bool>) -> vec4<u32> {
    return select(vec4<u32>(0u), vec4<u32>(1u), v);
}

// The upper half of a 64-bit product.
fn high_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let half = vec4<u32>(0xffffu);
    let s = vec4<u32>(16u);
    let low = (a & half) * (b & half);
    let cross = (a & half) * (b >> s);
    let other = (a >> s) * (b & half);
    let middle = (low >> s) + (cross & half) + (other & half);
    return (a >> s) * (b >> s) + (cross >> s) + (other >> s) + (middle >> s);
}

fn add_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    let sum = a + b;
    let over = ((a ^ sum) & (b ^ sum)) < vec4<i32>(0);
    return select(sum, select(MOST, LEAST, a < vec4<i32>(0)), over);
}

fn sub_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    let rest = a - b;
    let over = ((a ^ b) & (a ^ rest)) < vec4<i32>(0);
    return select(rest, select(MOST, LEAST, a < vec4<i32>(0)), over);
}

fn size_i32(a: vec4<i32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(a);
    return select(bits, vec4<u32>(0u) - bits, a < vec4<i32>(0));
}

fn mul_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    let x = size_i32(a);
    let y = size_i32(b);
    let low = x * y;
    let negative = (a ^ b) < vec4<i32>(0);
    let limit = select(vec4<u32>(0x7fffffffu), vec4<u32>(0x80000000u), negative);
    let over = (high_u32(x, y) != vec4<u32>(0u)) | (low > limit);
    let product = bitcast<vec4<i32>>(select(low, vec4<u32>(0u) - low, negative));
    return select(product, select(MOST, LEAST, negative), over);
}

fn add_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let sum = a + b;
    return select(sum, MOST_U, sum < a);
}

fn sub_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    return select(a - b, vec4<u32>(0u), a < b);
}

fn mul_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    return select(a * b, MOST_U, high_u32(a, b) != vec4<u32>(0u));
}

fn neg_i32(a: vec4<i32>) -> vec4<i32> {
    return select(vec4<i32>(0) - a, MOST, a == LEAST);
}

fn abs_i32(a: vec4<i32>) -> vec4<i32> {
    return select(a, neg_i32(a), a < vec4<i32>(0));
}

// Quotients that 32 bits cannot hold, and those by zero.
fn no_quotient(a: vec4<i32>, b: vec4<i32>) -> vec4<bool> {
    return (b == vec4<i32>(0)) | ((a == LEAST) & (b == vec4<i32>(-1)));
}

fn floor_div_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    let none = no_quotient(a, b);
    let divisor = select(b, vec4<i32>(1), none);
    let quotient = a / divisor;
    let rest = a - quotient * divisor;
    let down = (rest != vec4<i32>(0)) & ((a < vec4<i32>(0)) != (divisor < vec4<i32>(0)));
    let made = quotient - select(vec4<i32>(0), vec4<i32>(1), down);
    return select(made, select(MOST, vec4<i32>(0), b == vec4<i32>(0)), none);
}

fn rem_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    let none = no_quotient(a, b);
    let divisor = select(b, vec4<i32>(1), none);
    let rest = a - (a / divisor) * divisor;
    let moved = (rest != vec4<i32>(0)) & ((rest < vec4<i32>(0)) != (divisor < vec4<i32>(0)));
    return select(select(rest, rest + divisor, moved), vec4<i32>(0), none);
}

fn floor_div_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let none = b == vec4<u32>(0u);
    return select(a / select(b, vec4<u32>(1u), none), vec4<u32>(0u), none);
}

fn rem_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let none = b == vec4<u32>(0u);
    let divisor = select(b, vec4<u32>(1u), none);
    return select(a - (a / divisor) * divisor, vec4<u32>(0u), none);
}

// By squaring, saturating; a negative power of anything but 1 is 0.
fn pow_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    var made = vec4<i32>(1);
    var square = a;
    var rest = max(b, vec4<i32>(0));
    for (var k = 0u; k < 31u; k++) {
        made = select(made, mul_i32(made, square), (rest & vec4<i32>(1)) == vec4<i32>(1));
        square = mul_i32(square, square);
        rest = rest >> vec4<u32>(1u);
    }
    let one = select(vec4<i32>(0), vec4<i32>(1), a == vec4<i32>(1));
    return select(made, one, b < vec4<i32>(0));
}

fn pow_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    var made = vec4<u32>(1u);
    var square = a;
    var rest = b;
    for (var k = 0u; k < 32u; k++) {
        made = select(made, mul_u32(made, square), (rest & vec4<u32>(1u)) == vec4<u32>(1u));
        square = mul_u32(square, square);
        rest = rest >> vec4<u32>(1u);
    }
    return made;
}

// By more bits than there are: none is left, but the sign's to the right.
fn shl_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    return select(vec4<u32>(0u), a << (b & vec4<u32>(31u)), b < vec4<u32>(32u));
}

fn shl_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    return bitcast<vec4<i32>>(shl_u32(bitcast<vec4<u32>>(a), bitcast<vec4<u32>>(b)));
}

fn shr_u32(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    return select(vec4<u32>(0u), a >> (b & vec4<u32>(31u)), b < vec4<u32>(32u));
}

fn shr_i32(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    return a >> min(bitcast<vec4<u32>>(b), vec4<u32>(31u));
}

fn nan_bits(bits: vec4<u32>) -> vec4<bool> {
    return (bits & MAGNITUDE) > INFINITE;
}

fn is_nan_f32(a: vec4<f32>) -> vec4<bool> {
    return nan_bits(bitcast<vec4<u32>>(a));
}

// An integer whose order is that of the floats: -0 before +0, NaN outside of the infinities.
fn order_bits(bits: vec4<u32>) -> vec4<i32> {
    let v = bitcast<vec4<i32>>(bits);
    return v ^ ((v >> vec4<u32>(31u)) & MOST);
}

// The same where zeros of both signs are equal.
fn number_order(a: vec4<f32>) -> vec4<i32> {
    let bits = bitcast<vec4<u32>>(a);
    return order_bits(select(bits, vec4<u32>(0u), (bits & MAGNITUDE) == vec4<u32>(0u)));
}

fn both_numbers(a: vec4<f32>, b: vec4<f32>) -> vec4<bool> {
    return !(is_nan_f32(a) | is_nan_f32(b));
}

fn eq_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<bool> {
    return both_numbers(a, b) & (number_order(a) == number_order(b));
}

fn lt_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<bool> {
    return both_numbers(a, b) & (number_order(a) < number_order(b));
}

fn le_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<bool> {
    return both_numbers(a, b) & (number_order(a) <= number_order(b));
}

// The first where it is NaN or `first` says so, else the second; chosen as bits, so that nothing is recomputed.
fn chosen_f32(a: vec4<f32>, b: vec4<f32>, first: vec4<bool>) -> vec4<f32> {
    let x = bitcast<vec4<u32>>(a);
    let y = bitcast<vec4<u32>>(b);
    return bitcast<vec4<f32>>(select(y, x, nan_bits(x) | (first & !nan_bits(y))));
}

fn min_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return chosen_f32(a, b, order_bits(bitcast<vec4<u32>>(a)) <= order_bits(bitcast<vec4<u32>>(b)));
}

fn max_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return chosen_f32(a, b, order_bits(bitcast<vec4<u32>>(a)) >= order_bits(bitcast<vec4<u32>>(b)));
}

fn neg_f32(a: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(a) ^ SIGN);
}

fn abs_f32(a: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(a) & MAGNITUDE);
}

// A whole number beside what it was rounded from, which has its sign and, from 2^23 on, is whole, infinite or NaN itself.
fn whole_f32(whole: vec4<f32>, origin: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(origin);
    let made = (bitcast<vec4<u32>>(whole) & MAGNITUDE) | (bits & SIGN);
    return bitcast<vec4<f32>>(select(made, bits, (bits & MAGNITUDE) >= vec4<u32>(0x4b000000u)));
}

fn rint_f32(a: vec4<f32>) -> vec4<f32> {
    return whole_f32(round(a), a);
}

// To the nearest whole number, ties to even, held to the range; NaN gives 0.
fn i32_of_f32(a: vec4<f32>) -> vec4<i32> {
    let bits = bitcast<vec4<u32>>(a);
    let size = bits & MAGNITUDE;
    let beyond = size >= vec4<u32>(0x4f000000u); // 2^31
    let safe = vec4<i32>(select(round(a), vec4<f32>(0.0), beyond));
    let held = select(safe, select(MOST, LEAST, bits >= SIGN), beyond);
    return select(held, vec4<i32>(0), nan_bits(bits));
}

fn u32_of_f32(a: vec4<f32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(a);
    let beyond = (bits & MAGNITUDE) >= vec4<u32>(0x4f800000u); // 2^32
    let negative = bits >= SIGN;
    let safe = vec4<u32>(select(round(a), vec4<f32>(0.0), beyond | negative));
    return select(select(safe, MOST_U, beyond & !negative), vec4<u32>(0u), nan_bits(bits));
}

fn bool_of_f32(a: vec4<f32>) -> vec4<u32> {
    return truth((bitcast<vec4<u32>>(a) & MAGNITUDE) != vec4<u32>(0u));
}

// The bits of the nearest half, ties to even; integers all the way, so that every device rounds alike.
fn half_of_f32(v: vec4<f32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(v);
    let sign = (bits >> vec4<u32>(16u)) & vec4<u32>(0x8000u);
    let size = bits & MAGNITUDE;
    let moved = size - vec4<u32>(0x38000000u);
    let normal = (moved + vec4<u32>(0xfffu) + ((moved >> vec4<u32>(13u)) & vec4<u32>(1u))) >> vec4<u32>(13u);
    let shift = clamp(vec4<u32>(126u) - (size >> vec4<u32>(23u)), vec4<u32>(1u), vec4<u32>(31u));
    let mantissa = (size & vec4<u32>(0x7fffffu)) | vec4<u32>(0x800000u);
    let kept = mantissa >> shift;
    let rest = mantissa - (kept << shift);
    let tie = vec4<u32>(1u) << (shift - vec4<u32>(1u));
    let up = (rest > tie) | ((rest == tie) & ((kept & vec4<u32>(1u)) == vec4<u32>(1u)));
    let small = select(kept + truth(up), vec4<u32>(0u), size < vec4<u32>(0x33000000u));
    var half = select(normal, small, size < vec4<u32>(0x38800000u));
    half = select(half, vec4<u32>(0x7c00u), size >= vec4<u32>(0x47800000u));
    half = select(half, vec4<u32>(0x7e00u), size > INFINITE);
    return sign | half;
}

fn f32_of_half(h: vec4<u32>) -> vec4<f32> {
    let sign = (h & vec4<u32>(0x8000u)) << vec4<u32>(16u);
    let mantissa = h & vec4<u32>(0x3ffu);
    let exponent = (h >> vec4<u32>(10u)) & vec4<u32>(31u);
    let normal = ((exponent + vec4<u32>(112u)) << vec4<u32>(23u)) | (mantissa << vec4<u32>(13u));
    let small = bitcast<vec4<u32>>(vec4<f32>(mantissa) * vec4<f32>(5.9604644775390625e-8));
    var bits = select(normal, small, exponent == vec4<u32>(0u));
    bits = select(bits, INFINITE | (mantissa << vec4<u32>(13u)), exponent == vec4<u32>(31u));
    return bitcast<vec4<f32>>(sign | bits);
}

fn rounded_half(v: vec4<f32>) -> vec4<f32> {
    return f32_of_half(half_of_f32(v));
}
