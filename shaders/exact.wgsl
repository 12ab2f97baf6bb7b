// Sums, quotients, roots, remainders and floors of floats by integers: IEEE's bits on every device, denormals included, whatever
// its own division rounds to and whether or not it flushes denormals. Its quotients and roots are a first guess at numbers that
// are all normal; what a guess lacks is found in integers. It does not know formulas.

const UNIT = vec4<u32>(0x00800000u);
const QUIET = vec4<u32>(0x7fc00000u);

struct Digits {
    mantissa: vec4<u32>,
    exponent: vec4<i32>,
}

// A magnitude as mantissa 2^(exponent - 150), with a mantissa of 24 bits that begins with a one: denormals are moved up. That of
// zero is 0.
fn e_digits(size: vec4<u32>) -> Digits {
    let tiny = size < UNIT;
    let up = select(vec4<u32>(0u), countLeadingZeros(size) - vec4<u32>(8u), tiny);
    let mantissa = select((size & vec4<u32>(0x7fffffu)) | UNIT, size << up, tiny);
    let exponent = select(bitcast<vec4<i32>>(size >> vec4<u32>(23u)), vec4<i32>(1) - bitcast<vec4<i32>>(up), tiny);
    return Digits(mantissa, exponent);
}

// The magnitude nearest to digits 2^(exponent - 156), ties to even. The digits are 30 bits and begin with a one; the last is one
// too where anything follows it.
//   exponent > 0: six bits are dropped. The first of the 24 that stay adds one to the field of the exponent, hence one less
//                 there; a carry out of them adds another, up to infinity's.
//   otherwise:    a denormal drops 1 - exponent more, and from 31 on all: less than half of its last bit is left.
fn e_rounded(digits: vec4<u32>, exponent: vec4<i32>) -> vec4<u32> {
    let dropped = bitcast<vec4<u32>>(clamp(vec4<i32>(7) - exponent, vec4<i32>(6), vec4<i32>(31)));
    let stay = digits >> dropped;
    let rest = digits - (stay << dropped);
    let half = vec4<u32>(1u) << (dropped - vec4<u32>(1u));
    let up = (rest > half) | ((rest == half) & ((stay & vec4<u32>(1u)) == vec4<u32>(1u)));
    let field = bitcast<vec4<u32>>(clamp(exponent - vec4<i32>(1), vec4<i32>(0), vec4<i32>(254))) << vec4<u32>(23u);
    return min(field + stay + truth(up), INFINITE);
}

// a + b of finite numbers. Both get three bits more; what the smaller one loses below those sets its last bit. Where it loses any,
// it is less than an eighth of the larger one, so the sum begins at most one bit lower than that: it is rounded at the second of
// the three bits or above, and the last one only says whether something follows.
fn sum_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let x = bitcast<vec4<u32>>(a);
    let y = bitcast<vec4<u32>>(b);
    let swapped = (x & MAGNITUDE) < (y & MAGNITUDE);
    let larger = select(x, y, swapped);
    let smaller = select(y, x, swapped);
    let high = e_digits(larger & MAGNITUDE);
    let low = e_digits(smaller & MAGNITUDE);
    let apart = bitcast<vec4<u32>>(min(high.exponent - low.exponent, vec4<i32>(31)));
    let first = high.mantissa << vec4<u32>(3u);
    let raised = low.mantissa << vec4<u32>(3u);
    let lowered = raised >> apart;
    let second = lowered | truth((lowered << apart) != raised);
    let sum = select(first + second, first - second, ((larger ^ smaller) & SIGN) != vec4<u32>(0u));
    let nothing = sum == vec4<u32>(0u);
    let up = countLeadingZeros(sum) - vec4<u32>(2u);
    let size = e_rounded(sum << up, high.exponent + vec4<i32>(3) - bitcast<vec4<i32>>(up));
    let sign = select(larger, larger & smaller, nothing) & SIGN;
    return bitcast<vec4<f32>>(select(size, vec4<u32>(0u), nothing) | sign);
}

// a / b. With mantissas m and n, and k = 24 (25 where m < n), the quotient Q = m 2^k / n lies from 2^24 to 2^25: 24 bits and one
// more to round by.
//   guess    m (1 / n) 2^k, each step within 2.5 ulp or better, is less than 16 off
//   rest     m 2^k - guess n: modulo 2^32, but less than 2^31 in size for guesses up to 127 off, so it is that number
//   step     floor(rest / n) in floats: at most 127, so its error is far below one, and the floor at most one off
//   floor(Q) = guess + step, or one more or less: then 0 <= rest < n
// All floats here are normal or zero, so that nothing is flushed; a guess 32 ulp off would still be made right.
fn div_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let x = bitcast<vec4<u32>>(a) & MAGNITUDE;
    let y = bitcast<vec4<u32>>(b) & MAGNITUDE;
    let dividend = e_digits(x);
    let divisor = e_digits(y);
    // Zeros divide as something else, as infinities and NaN do: what they give is chosen below.
    let m = max(dividend.mantissa, UNIT);
    let n = max(divisor.mantissa, UNIT);
    let less = m < n;
    let k = select(vec4<u32>(24u), vec4<u32>(25u), less);
    let inverse = near_quotient(vec4<f32>(1.0), vec4<f32>(n));
    let guess = vec4<u32>(vec4<f32>(m) * inverse * select(vec4<f32>(16777216.0), vec4<f32>(33554432.0), less));
    let lacking = bitcast<vec4<i32>>((m << k) - guess * n);
    let step = bitcast<vec4<u32>>(vec4<i32>(floor(vec4<f32>(lacking) * inverse)));
    let rest = bitcast<vec4<i32>>(bitcast<vec4<u32>>(lacking) - step * n);
    let below = truth(rest < vec4<i32>(0));
    let above = truth(rest >= bitcast<vec4<i32>>(n));
    let quotient = guess + step + above - below;
    let left = bitcast<vec4<u32>>(rest) + (below - above) * n;
    let exponent = dividend.exponent - divisor.exponent + vec4<i32>(151) - bitcast<vec4<i32>>(k);
    let zero = vec4<u32>(0u);
    var size = e_rounded((quotient << vec4<u32>(5u)) | truth(left != zero), exponent);
    size = select(size, zero, (x == zero) | (y == INFINITE));
    size = select(size, INFINITE, (y == zero) | (x == INFINITE));
    let none = (x > INFINITE) | (y > INFINITE) | ((x == y) & ((x == zero) | (x == INFINITE)));
    let sign = (bitcast<vec4<u32>>(a) ^ bitcast<vec4<u32>>(b)) & SIGN;
    return bitcast<vec4<f32>>(select(size | sign, QUIET, none));
}

// The square root. With k = 25 or 26, so that exponent and k are even together, S = sqrt(m 2^k) lies from 2^24 to 2^25.
//   guess    the root of the float m 2^k, which is exact: less than 32 off up to 16 ulp
//   rest     m 2^k - guess^2 = (S - guess) (S + guess): less than 32 2^26 in size, so known modulo 2^32
//   step     floor(rest / (2 guess)): at most 32, (S - guess)^2 / (2 guess) < 2^-14 and rounding away: at most one off
//   floor(S) = guess + step, or one more or less: then 0 <= rest <= 2 floor(S)
// Never a tie: floor(S) would be odd, and its square is not m 2^k.
fn sqrt_f32(a: vec4<f32>) -> vec4<f32> {
    let x = bitcast<vec4<u32>>(a);
    let digits = e_digits(x & MAGNITUDE);
    let m = max(digits.mantissa, UNIT);
    let odd = bitcast<vec4<u32>>(digits.exponent) & vec4<u32>(1u);
    let k = vec4<u32>(26u) - odd;
    let square = m << k;
    let scale = select(vec4<f32>(67108864.0), vec4<f32>(33554432.0), odd == vec4<u32>(1u));
    let near = near_root(vec4<f32>(m) * scale);
    let guess = vec4<u32>(near);
    let lacking = bitcast<vec4<i32>>(square - guess * guess);
    let step = vec4<i32>(floor(near_quotient(vec4<f32>(lacking), near + near)));
    let found = guess + bitcast<vec4<u32>>(step);
    let rest = bitcast<vec4<i32>>(square - found * found);
    let twice = bitcast<vec4<i32>>(found + found);
    let root = found + truth(rest > twice) - truth(rest < vec4<i32>(0));
    let exponent = ((digits.exponent - vec4<i32>(150) - bitcast<vec4<i32>>(k)) >> vec4<u32>(1u)) + vec4<i32>(151);
    var size = e_rounded((root << vec4<u32>(5u)) | truth(square != root * root), exponent);
    size = select(size, x, (x == INFINITE) | ((x & MAGNITUDE) == vec4<u32>(0u)));
    let none = ((x & MAGNITUDE) > INFINITE) | ((x > SIGN));
    return bitcast<vec4<f32>>(select(size, QUIET, none));
}

// A magnitude as a whole mantissa of 24 bits and the exponent of its last bit.
fn e_mantissa(size: u32) -> vec2<i32> {
    if (size >= 0x00800000u) {
        return vec2<i32>(i32((size & 0x7fffffu) | 0x800000u), i32(size >> 23u));
    }
    let shift = countLeadingZeros(size) - 8u;
    return vec2<i32>(i32(size << shift), 1 - i32(shift));
}

// The exact remainder of two finite magnitudes, the first not below the second, by long division of eight bits a step.
fn e_long_division(a: u32, b: u32) -> u32 {
    let dividend = e_mantissa(a);
    let divisor = e_mantissa(b);
    var rest = u32(dividend.x) % u32(divisor.x);
    var left = dividend.y - divisor.y;
    for (var step = 0; step < 36 && left > 0; step++) {
        let bits = u32(min(left, 8));
        rest = (rest << bits) % u32(divisor.x);
        left -= 8;
    }
    if (rest == 0u) {
        return 0u;
    }
    let shift = i32(countLeadingZeros(rest)) - 8;
    let exponent = divisor.y - shift;
    let normal = ((rest << u32(shift)) & 0x7fffffu) | (u32(max(exponent, 0)) << 23u);
    let tiny = (rest << u32(shift)) >> u32(clamp(1 - exponent, 0, 31));
    return select(tiny, normal, exponent > 0);
}

fn e_fmod(a: u32, b: u32) -> u32 {
    let x = a & 0x7fffffffu;
    let y = b & 0x7fffffffu;
    if (x >= 0x7f800000u || y > 0x7f800000u || y == 0u) {
        return 0x7fc00000u;
    }
    if (x < y) {
        return a;
    }
    return e_long_division(x, y) | (a & 0x80000000u);
}

// What a truncated division leaves, exactly; the sign of the first.
fn fmod_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let x = bitcast<vec4<u32>>(a);
    let y = bitcast<vec4<u32>>(b);
    return bitcast<vec4<f32>>(vec4<u32>(e_fmod(x.x, y.x), e_fmod(x.y, y.y), e_fmod(x.z, y.z), e_fmod(x.w, y.w)));
}

// Whether a remainder lies on the other side of zero than the divisor.
fn e_is_beyond(rest: vec4<f32>, b: vec4<f32>) -> vec4<bool> {
    let bits = bitcast<vec4<u32>>(rest);
    return ((bits & MAGNITUDE) != vec4<u32>(0u)) & (((bits ^ bitcast<vec4<u32>>(b)) & SIGN) != vec4<u32>(0u));
}

fn rem_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let rest = fmod_f32(a, b);
    let bits = bitcast<vec4<u32>>(rest);
    let divisor = bitcast<vec4<u32>>(b);
    let sum = select(bitcast<vec4<u32>>(sum_f32(rest, b)), divisor, (divisor & MAGNITUDE) == INFINITE);
    var found = select(bits, sum, e_is_beyond(rest, b));
    found = select(found, divisor & SIGN, (bits & MAGNITUDE) == vec4<u32>(0u));
    return bitcast<vec4<f32>>(select(found, QUIET, nan_bits(bits)));
}

// NumPy's steps: from the exact remainder, so that a rounded quotient never reaches the next whole number. The quotient is zero
// or at least 1, and below 2^23 where it has a fraction: its floor, what that cuts off and the next whole number are exact.
fn floor_div_f32(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let zero = vec4<u32>(0u);
    let x = bitcast<vec4<u32>>(a);
    let y = bitcast<vec4<u32>>(b);
    let rest = fmod_f32(a, b);
    let quotient = div_f32(sum_f32(a, neg_f32(rest)), b);
    let exact = select(quotient, sum_f32(quotient, vec4<f32>(-1.0)), e_is_beyond(rest, b));
    let size = bitcast<vec4<u32>>(exact) & MAGNITUDE;
    let down = near_floor(exact);
    let near = select(down, down + 1.0f, exact - down > vec4<f32>(0.5));
    var found = select(bitcast<vec4<u32>>(near), bitcast<vec4<u32>>(exact), size >= vec4<u32>(0x4b000000u));
    found = select(found, (x ^ y) & SIGN, size == zero);
    found = select(found, QUIET, nan_bits(bitcast<vec4<u32>>(rest)));
    let by_zero = select(((x ^ y) & SIGN) | INFINITE, QUIET, nan_bits(x) | ((x & MAGNITUDE) == zero));
    return bitcast<vec4<f32>>(select(found, by_zero, (y & MAGNITUDE) == zero));
}

// 1 for denormals of a sign, which a device may take for 0; otherwise 0.
fn tiny_unit(a: vec4<f32>, sign: vec4<u32>) -> vec4<f32> {
    let size = bitcast<vec4<u32>>(a) ^ sign;
    return vec4<f32>(truth((size > vec4<u32>(0u)) & (size < vec4<u32>(0x00800000u))));
}

fn floor_f32(a: vec4<f32>) -> vec4<f32> {
    return whole_f32(max(abs(near_floor(a)), tiny_unit(a, SIGN)), a);
}

fn ceil_f32(a: vec4<f32>) -> vec4<f32> {
    return whole_f32(max(abs(near_ceil(a)), tiny_unit(a, vec4<u32>(0u))), a);
}
