// Elementary functions on four numbers, in the steps of the CPU's: every device makes the same approximation. What decides
// about NaN, infinities, zeros and signs looks at bits. It does not know formulas. Denormals may come out as zero.

// Bits that are no constant expression, so that they may be infinite or NaN: `p.grid.w` is zero.
fn m_bits(bits: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(bits | p.grid.w));
}

fn m_size(x: vec4<f32>) -> vec4<u32> {
    return bitcast<vec4<u32>>(x) & MAGNITUDE;
}

fn m_is_negative(x: vec4<f32>) -> vec4<bool> {
    return bitcast<vec4<u32>>(x) >= SIGN;
}

// The numbers held to a magnitude that is given as bits; NaN becomes a number too.
fn m_within(x: vec4<f32>, most: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>((bitcast<vec4<u32>>(x) & SIGN) | min(m_size(x), vec4<u32>(most)));
}

// 2^k of a normal exponent.
fn m_power_of_2(k: vec4<i32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(k + vec4<i32>(127)) << vec4<u32>(23u));
}

// x 2^k for k from twice the least to twice the largest exponent, rounded once.
fn m_scale(x: vec4<f32>, k: vec4<i32>) -> vec4<f32> {
    let half = k >> vec4<u32>(1u);
    return x * m_power_of_2(half) * m_power_of_2(k - half);
}

// The leading half of the bits, so that a product of two such halves is exact.
fn m_split(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) & vec4<u32>(0xfffff000u));
}

// e^r - 1 for |r| up to ln 2 / 2 and a little more.
fn m_expm1_near_0(r: vec4<f32>) -> vec4<f32> {
    let c = 1.0f / 120.0f + r * (1.0f / 720.0f + r * (1.0f / 5040.0f));
    return r + kept(r * r * (0.5f + r * (1.0f / 6.0f + r * (1.0f / 24.0f + r * c))));
}

// The magnitude's bits, a denormal multiplied by 2^24 by integers alone.
fn m_normal(size: vec4<u32>) -> vec4<u32> {
    let raised = bitcast<vec4<u32>>(vec4<f32>(size)) - vec4<u32>(125u << 23u);
    return select(size, raised, size < vec4<u32>(0x00800000u));
}

fn exp_f32(x: vec4<f32>) -> vec4<f32> {
    let near = m_within(x, 0x42d20000u); // 105
    let half = select(vec4<f32>(0.5), vec4<f32>(-0.5), near < vec4<f32>(0.0));
    let k = vec4<i32>(near * (1.0f / 0.6931472f) + half);
    let n = vec4<f32>(k);
    let r = kept(near - n * 0.69311525f) - n * 3.1946184e-5f;
    let power = m_scale(1.0f + kept(m_expm1_near_0(r)), k);
    let bounded = select(power, m_bits(0x7f800000u), near > vec4<f32>(88.75));
    return select(bounded, m_bits(0x7fc00000u), is_nan_f32(x));
}

fn log_f32(x: vec4<f32>) -> vec4<f32> {
    let size = m_size(x);
    let shifted = m_normal(size) + vec4<u32>(0x3f800000u - 0x3f3504f3u);
    let exponent = vec4<i32>(shifted >> vec4<u32>(23u)) - vec4<i32>(127);
    let n = vec4<f32>(select(exponent, exponent - vec4<i32>(24), size < vec4<u32>(0x00800000u)));
    let m = bitcast<vec4<f32>>((shifted & vec4<u32>(0x7fffffu)) + vec4<u32>(0x3f3504f3u));
    let f = m - 1.0f;
    let s = near_quotient(f, 2.0f + f);
    let z = s * s;
    let half_square = 0.5f * f * f;
    let rest = z * (2.0f / 3.0f + z * (2.0f / 5.0f + z * (2.0f / 7.0f + z * (2.0f / 9.0f))));
    let below = kept(half_square - (s * (half_square + rest) + n * 3.1946184e-5f));
    let finite = n * 0.69311525f - kept(below - f);
    let bounded = select(finite, m_bits(0x7f800000u), size == INFINITE);
    let none = (size > INFINITE) | m_is_negative(x);
    return select(select(bounded, m_bits(0x7fc00000u), none), m_bits(0xff800000u), size == vec4<u32>(0u));
}

// log2 of a magnitude in two floats.
fn m_log2(size: vec4<u32>) -> array<vec4<f32>, 2> {
    let shifted = m_normal(size) + vec4<u32>(0x3f800000u - 0x3f3504f3u);
    let exponent = vec4<i32>(shifted >> vec4<u32>(23u)) - vec4<i32>(127);
    let n = vec4<f32>(select(exponent, exponent - vec4<i32>(24), size < vec4<u32>(0x00800000u)));
    let f = bitcast<vec4<f32>>((shifted & vec4<u32>(0x7fffffu)) + vec4<u32>(0x3f3504f3u)) - 1.0f;
    let sum = 2.0f + f;
    let s = near_quotient(f, sum);
    let s_high = m_split(s);
    let sum_high = m_split(sum);
    let s_low = near_quotient(kept(f - s_high * sum_high) - s_high * (f - kept(sum_high - 2.0f)), sum);
    let q = s * s;
    let tail = 3.0f / 9.0f + q * (3.0f / 11.0f + q * (3.0f / 13.0f + q * (3.0f / 15.0f)));
    let rest = q * q * (3.0f / 5.0f + q * (3.0f / 7.0f + q * tail)) + s_low * (s_high + s);
    let square = s_high * s_high;
    let t_high = m_split(3.0f + square + rest);
    let t_low = rest - kept(kept(t_high - 3.0f) - square);
    let u = kept(s_high * t_high);
    let v = s_low * t_high + t_low * s;
    let p_high = m_split(u + v);
    let p_low = v - kept(p_high - u);
    let z_high = kept(0.9616699f * p_high);
    let z_low = 1.2677205e-4f * p_high + p_low * 0.9617967f;
    let log_high = m_split((z_high + z_low) + n);
    return array<vec4<f32>, 2>(log_high, z_low - kept(kept(log_high - n) - z_high));
}

// 2 to a power given in two floats, of which the first has few bits.
fn m_exp2(p_high: vec4<f32>, p_low: vec4<f32>) -> vec4<f32> {
    let z = p_high + p_low;
    let inside = clamp(z, vec4<f32>(-152.0), vec4<f32>(129.0));
    let k = vec4<i32>(inside + select(vec4<f32>(0.5), vec4<f32>(-0.5), inside < vec4<f32>(0.0)));
    let t = p_high - vec4<f32>(k);
    let t_high = m_split(p_low + t);
    let u = kept(t_high * 0.69311525f);
    let v = (p_low - kept(t_high - t)) * 0.6931472f + t_high * 3.1946184e-5f;
    let w = kept(u + v);
    let error = v - kept(w - u);
    let power = m_scale(1.0f + kept(m_expm1_near_0(w) + (error + error * w)), k);
    let bounded = select(power, m_bits(0x7f800000u), z >= vec4<f32>(129.0));
    return select(bounded, vec4<f32>(0.0), z <= vec4<f32>(-152.0));
}

fn pow_f32(x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
    let size = m_size(x);
    let none = is_nan_f32(x) | is_nan_f32(y);
    let log = m_log2(select(size, vec4<u32>(0x3f800000u), (size == vec4<u32>(0u)) | (size >= INFINITE)));
    let near = m_within(y, 0x4f800000u); // 2^32
    let y_high = m_split(near);
    var power = m_exp2(kept(y_high * log[0]), (near - y_high) * log[0] + near * log[1]);

    // The special cases, the strongest last.
    let zero = vec4<u32>(0u);
    let vanishes = size == zero;
    let explodes = size == INFINITE;
    let up = !m_is_negative(y) & (m_size(y) != zero);
    let down = m_is_negative(y) & (m_size(y) != zero);
    power = select(power, vec4<f32>(0.0), (vanishes & up) | (explodes & down));
    power = select(power, m_bits(0x7f800000u), (vanishes & down) | (explodes & up));
    let even = m_size(y) >= vec4<u32>(0x4b800000u);
    let ay = select(bitcast<vec4<f32>>(m_size(y)), vec4<f32>(0.0), even);
    let whole = vec4<i32>(ay);
    let is_whole = even | (m_size(vec4<f32>(whole)) == m_size(ay));
    let odd = !even & is_whole & ((whole & vec4<i32>(1)) == vec4<i32>(1));
    power = select(power, neg_f32(power), m_is_negative(x) & odd);
    power = select(power, m_bits(0x7fc00000u), m_is_negative(x) & !vanishes & !explodes & !is_whole);
    power = select(power, m_bits(0x7fc00000u), none);
    let one = (m_size(y) == zero) | (bitcast<vec4<u32>>(x) == vec4<u32>(0x3f800000u));
    return select(power, vec4<f32>(1.0), one);
}

// Word `k` of 2/pi, as a binary fraction after a word of zeros, from a word on.
fn m_two_over_pi(k: i32, word: vec4<u32>) -> vec4<u32> {
    let two_over_pi = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
    var found = vec4<u32>(two_over_pi[k]);
    for (var at = 1; at <= 4; at++) {
        found = select(found, vec4<u32>(two_over_pi[k + at]), word >= vec4<u32>(u32(at)));
    }
    return found;
}

fn m_join(high: vec4<u32>, low: vec4<u32>, shift: vec4<u32>) -> vec4<u32> {
    let below = low >> ((vec4<u32>(32u) - shift) & vec4<u32>(31u));
    return (high << shift) | select(below, vec4<u32>(0u), shift == vec4<u32>(0u));
}

struct Turn {
    quarter: vec4<u32>,
    rest: vec4<f32>,
    low: vec4<f32>,
}

// Quarter turn 0 to 3 and the rest in two floats, of a finite magnitude: Payne and Hanek's reduction in integers.
fn m_reduce(size: vec4<u32>) -> Turn {
    let mantissa = (size & vec4<u32>(0x7fffffu)) | vec4<u32>(0x800000u);
    let exponent = size >> vec4<u32>(23u);
    let place = select(exponent - vec4<u32>(120u), vec4<u32>(6u), exponent < vec4<u32>(126u));
    let word = place >> vec4<u32>(5u);
    let shift = place & vec4<u32>(31u);
    let b = m_two_over_pi(1, word);
    let c = m_two_over_pi(2, word);
    let first = m_join(m_two_over_pi(0, word), b, shift);
    let second = m_join(b, c, shift);
    let third = m_join(c, m_two_over_pi(3, word), shift);
    let middle_product = mantissa * second;
    let lower = middle_product + high_u32(mantissa, third);
    let upper = mantissa * first + high_u32(mantissa, second) + truth(lower < middle_product);
    // The product counts 2^-62 quarter turns, modulo 4.
    let rounded = upper + vec4<u32>(0x20000000u);
    let signed = bitcast<vec4<i32>>(rounded & vec4<u32>(0x3fffffffu)) - vec4<i32>(0x20000000);
    let digits = vec4<u32>(0x1fffffu);
    let middle_bits = ((lower >> vec4<u32>(21u)) | (bitcast<vec4<u32>>(signed) << vec4<u32>(11u))) & digits;
    let high = vec4<f32>(signed >> vec4<u32>(10u)) * 9.5367431640625e-7f;
    let middle = vec4<f32>(vec4<i32>(middle_bits)) * 4.547473508864641e-13f;
    let low = vec4<f32>(vec4<i32>(lower & digits)) * 2.168404344971009e-19f;
    let turn = high + middle;
    let turn_rest = kept(kept(high - turn) + middle) + low;
    let t = m_split(turn);
    let r = turn * 1.5707964f;
    let product_rest = kept(kept(t * 1.5703125f - r) + (turn - t) * 1.5703125f) + turn * 4.838268e-4f;
    let near = size < vec4<u32>(0x3f490fdbu);
    let rest = select(r, bitcast<vec4<f32>>(size), near);
    let below = select(product_rest + turn_rest * 1.5707964f, vec4<f32>(0.0), near);
    return Turn(select(rounded >> vec4<u32>(30u), vec4<u32>(0u), near), rest, below);
}

fn m_sin_near_0(r: vec4<f32>, low: vec4<f32>) -> vec4<f32> {
    let z = r * r;
    let series = -1.0f / 6.0f + z * (1.0f / 120.0f + z * (-1.0f / 5040.0f + z * (1.0f / 362880.0f)));
    return r + kept(r * z * series + low * (1.0f - 0.5f * z));
}

fn m_cos_near_0(r: vec4<f32>, low: vec4<f32>) -> vec4<f32> {
    let z = r * r;
    let series = 1.0f / 24.0f + z * (-1.0f / 720.0f + z * (1.0f / 40320.0f + z * (-1.0f / 3628800.0f)));
    let head = kept(1.0f - 0.5f * z);
    return head + kept(kept((1.0f - head) - 0.5f * z) + (z * z * series - r * low));
}

fn m_wave(size: vec4<u32>, quarters: u32, sign: vec4<u32>) -> vec4<f32> {
    let none = size >= INFINITE;
    let turn = m_reduce(select(size, vec4<u32>(0u), none));
    let quarter = turn.quarter + vec4<u32>(quarters);
    let flat = (quarter & vec4<u32>(1u)) == vec4<u32>(0u);
    let value = select(m_cos_near_0(turn.rest, turn.low), m_sin_near_0(turn.rest, turn.low), flat);
    let bits = bitcast<vec4<u32>>(value) ^ ((quarter & vec4<u32>(2u)) << vec4<u32>(30u)) ^ sign;
    return select(bitcast<vec4<f32>>(bits), m_bits(0x7fc00000u), none);
}

fn sin_f32(x: vec4<f32>) -> vec4<f32> {
    return m_wave(m_size(x), 0u, bitcast<vec4<u32>>(x) & SIGN);
}

// A quarter turn later.
fn cos_f32(x: vec4<f32>) -> vec4<f32> {
    return m_wave(m_size(x), 1u, vec4<u32>(0u));
}
