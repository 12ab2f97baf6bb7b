//! What IEEE 754 and NumPy say of two floats, found with integers alone but for roundings of the CPU's own. It knows no device.

/// A finite magnitude, not 0, as mantissa · 2^exponent.
fn split(v: f32) -> (u64, i32) {
    let (field, low) = ((v.to_bits() >> 23) & 255, v.to_bits() & 0x7f_ffff);
    if field == 0 { (low.into(), -149) } else { ((low | 0x80_0000).into(), i32::try_from(field).unwrap() - 150) }
}

/// 2^n modulo m < 2^24.
fn power_of_2(n: i32, m: u64) -> u64 {
    (0..n).step_by(32).fold(1 % m, |rest, done| (rest << (n - done).min(32)) % m)
}

/// What a truncated division of finite numbers leaves, with the sign of the first; the second is not 0.
fn truncated_rest(a: f32, b: f32) -> f32 {
    if a == 0.0 {
        return a;
    }
    let ((ma, ea), (mb, eb)) = (split(a), split(b));
    let (rest, exponent) = if ea >= eb {
        (ma % mb * power_of_2(ea - eb, mb) % mb, eb)
    } else {
        // The divisor counts more than 2^64 units of the dividend's last place, or fewer.
        (mb.checked_shl((eb - ea).unsigned_abs()).filter(|d| *d >> (eb - ea) == mb).map_or(ma, |divisor| ma % divisor), ea)
    };
    // At most 24 bits above 2^-149: exact in f64 and then in f32.
    let size = rest as f64 * 2f64.powi(exponent);
    (size as f32).copysign(a)
}

/// `a % b` as NumPy has it: the exact rest, and where it lies on the other side of zero than the divisor their sum, rounded.
pub fn remainder(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() || a.is_infinite() || b == 0.0 {
        return f32::NAN;
    }
    let rest = if b.is_infinite() { a } else { truncated_rest(a, b) };
    match rest {
        0.0 => 0f32.copysign(b),
        _ if rest.is_sign_negative() == b.is_sign_negative() => rest,
        _ => rest + b,
    }
}

/// `a // b` as NumPy has it: the quotient without the exact rest, rounded, and then down.
pub fn floor_divide(a: f32, b: f32) -> f32 {
    if b == 0.0 || a.is_nan() || b.is_nan() || a.is_infinite() {
        return if b == 0.0 { a / b } else { f32::NAN };
    }
    let rest = if b.is_infinite() { a } else { truncated_rest(a, b) };
    let beyond = rest != 0.0 && rest.is_sign_negative() != b.is_sign_negative();
    let quotient = (a - rest) / b - if beyond { 1.0 } else { 0.0 };
    let down = quotient.floor();
    match quotient {
        0.0 => 0f32.copysign(a / b),
        _ if quotient - down > 0.5 => down + 1.0,
        _ => down,
    }
}

/// The whole number below a / b, where it is below 2^22 in size: there NumPy's is that number.
pub fn whole_quotient(a: f32, b: f32) -> Option<f32> {
    if !a.is_finite() || !b.is_finite() || a == 0.0 || b == 0.0 {
        return None;
    }
    let ((ma, ea), (mb, eb)) = (split(a), split(b));
    let (apart, negative) = (ea - eb, a.is_sign_negative() != b.is_sign_negative());
    let (dividend, divisor) = match apart {
        47.. => return None,
        0.. => (u128::from(ma) << apart, u128::from(mb)),
        // Beyond 2^64 the quotient is below 1 whatever the mantissas are.
        _ => (u128::from(ma), u128::from(mb) << (-apart).min(64)),
    };
    let (size, is_whole) = (dividend / divisor, dividend % divisor == 0);
    let size = size + u128::from(negative && !is_whole);
    (size < 1 << 22).then(|| if negative { -(size as f32) } else { size as f32 })
}

/// Values at the edges of the range, of whole numbers, of powers of two; both signs of each.
pub fn special() -> Vec<f32> {
    let near = |exponent: u32| [(exponent << 23) - 1, exponent << 23, (exponent << 23) + 1];
    let exponents = [1, 2, 23, 24, 25, 26, 64, 103, 104, 126, 127, 128, 129, 148, 149, 150, 151, 152, 174, 230, 252, 253, 254];
    let mut bits: Vec<u32> = exponents.into_iter().flat_map(near).collect();
    bits.extend([0, 1, 2, 3, 0x116c2, 0x40_0000, 0x7f_fffe, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000, 0x7f80_0001]);
    let plain = [1.0 / 3.0, 2.0 / 3.0, 0.1, 0.7, 1.5, 2.5, 3.0, 5.0, 7.0, 9.0, 10.0, 11.0, 255.5, 1e10, 1e20, 1e-20, 1e-30, 3e38];
    let positive = bits.into_iter().map(f32::from_bits).chain(plain);
    positive.flat_map(|v| [v, f32::from_bits(v.to_bits() ^ 0x8000_0000)]).collect()
}

#[test]
fn the_oracle_knows_what_is_known() {
    // numpy.floor_divide, numpy.remainder of float32.
    for (a, b, floor, rest) in [
        (7.0, 2.0, 3.0, 1.0),
        (-7.0, 2.0, -4.0, 1.0),
        (7.0, -2.0, -4.0, -1.0),
        (1.0, 0.1, 9.0, 0.099_999_99),
        (5.0, f32::NEG_INFINITY, -1.0, f32::NEG_INFINITY),
        (3e38, 7.0, 4.285_714e37, 1.0),
        (1e-45, 3.0, 0.0, 1e-45),
        (-1e-45, 3.0, -1.0, 3.0),
        (3e38, 1e-45, f32::INFINITY, 0.0),
    ] {
        assert_eq!((floor_divide(a, b), remainder(a, b)), (floor, rest), "{a:e} and {b:e}");
        assert_eq!(whole_quotient(a, b).unwrap_or(floor), floor, "{a:e} and {b:e}");
        assert!(b.is_infinite() || truncated_rest(a, b) == a % b, "{a:e} and {b:e}");
    }
}
