//! The elementary functions against the standard library in f64, measured in units in the last place.

use stackmill::simd::math::{
    cos_f32, cos_f64, exp_f32, exp_f64, log_f32, log_f64, pow_f32, pow_f64, sin_f32, sin_f64, tan_f32, tanh_f32,
};
use stackmill::simd::vectorized;

/// Distance of `found` from the exact `right` in ulps of f32 at `right`; 0 where both are NaN or round alike.
fn ulps_f32(found: f32, right: f64) -> f64 {
    let rounded = right as f32;
    if found.is_nan() && rounded.is_nan() || found.to_bits() == rounded.to_bits() {
        return 0.0;
    }
    if !found.is_finite() || !rounded.is_finite() {
        // An overflow one step early or late is a step of the largest exponent.
        let clamp = |v: f64| v.clamp(-2f64.powi(128), 2f64.powi(128));
        return if found.is_nan() || rounded.is_nan() {
            f64::INFINITY
        } else {
            (clamp(f64::from(found)) - clamp(right)).abs() / 2f64.powi(104)
        };
    }
    let exponent = (right.abs().log2().floor() as i32).clamp(-126, 127);
    (f64::from(found) - right).abs() / 2f64.powi(exponent - 23)
}

fn ulps_f64(found: f64, right: f64) -> u64 {
    if found.is_nan() && right.is_nan() {
        return 0;
    }
    let order = |v: f64| if v.is_sign_negative() { -((v.to_bits() & !(1 << 63)) as i64) } else { v.to_bits() as i64 };
    if found.is_nan() || right.is_nan() { u64::MAX } else { order(found).abs_diff(order(right)) }
}

const SPECIAL: [f32; 34] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    1e-45,
    -1e-45,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    0.99999994,
    1.0000001,
    88.72283,
    88.72284,
    -87.33655,
    -103.97208,
    -103.97209,
    16777215.0,
    16777216.0,
    -16777217.0,
    std::f32::consts::FRAC_PI_4,
    std::f32::consts::FRAC_PI_2,
    std::f32::consts::PI,
    1e5,
    2.5,
];

fn sweep(name: &str, limit: f64, ours: fn(f32) -> f32, right: fn(f64) -> f64) {
    let (mut worst, mut at) = (0.0, 0.0);
    let every = (0..=u32::MAX).step_by(997).map(f32::from_bits).chain(SPECIAL);
    for x in every {
        let off = ulps_f32(ours(x), right(f64::from(x)));
        if off > worst || off.is_nan() {
            (worst, at) = (off, x);
        }
    }
    println!("{name}: at most {worst:.3} ulp, at {at:e}");
    assert!(worst <= limit, "{name}({at:e}) = {:e}, right is {:e}: {worst} ulp", ours(at), right(f64::from(at)));
}

#[test]
fn exp_f32_is_near() {
    sweep("exp_f32", 4.0, exp_f32, f64::exp);
}

#[test]
fn log_f32_is_near() {
    sweep("log_f32", 4.0, log_f32, f64::ln);
}

#[test]
fn trig_f32_is_near() {
    sweep("sin_f32", 4.0, sin_f32, f64::sin);
    sweep("cos_f32", 4.0, cos_f32, f64::cos);
    sweep("tan_f32", 4.0, tan_f32, f64::tan);
}

#[test]
fn tanh_f32_is_near() {
    sweep("tanh_f32", 4.0, tanh_f32, f64::tanh);
}

#[test]
fn signed_zeros_survive() {
    for f in [sin_f32, tan_f32, tanh_f32] {
        assert_eq!(f(-0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!(f(0.0).to_bits(), 0);
    }
    assert_eq!(sin_f64(-0.0).to_bits(), (-0.0f64).to_bits());
    assert_eq!(log_f32(1.0).to_bits(), 0);
}

/// A fixed stream of bit patterns.
fn patterns(count: usize) -> impl Iterator<Item = u64> {
    let mut state = 7u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 29
    })
}

#[test]
fn pow_f32_is_near() {
    let any = patterns(2_000_000).map(|p| (f32::from_bits(p as u32), f32::from_bits((p >> 32) as u32)));
    // x anywhere, y such that the power is finite; then x near 1.
    let inside = patterns(2_000_000).map(|p| {
        let x = f32::from_bits(p as u32 & 0x7fff_ffff);
        (x, ((p >> 40) as f32 / 16_777_216.0 - 0.5) * 300.0 / x.log2())
    });
    let near_1 = patterns(2_000_000).map(|p| (0.5 + (p as u32) as f32 / 4.0e9, (p >> 40) as f32 / 60_000.0 - 140.0));
    let special = SPECIAL.into_iter().flat_map(|x| SPECIAL.into_iter().map(move |y| (x, y)));
    let (mut worst, mut at) = (0.0, (0.0, 0.0));
    for (x, y) in any.chain(inside).chain(near_1).chain(special) {
        let off = ulps_f32(pow_f32(x, y), f64::from(x).powf(f64::from(y)));
        if off > worst || off.is_nan() {
            (worst, at) = (off, (x, y));
        }
    }
    println!("pow_f32: at most {worst:.3} ulp, at {at:?}");
    assert!(worst <= 4.0, "pow_f32{at:?} = {:e}: {worst} ulp", pow_f32(at.0, at.1));
}

#[test]
fn special_powers_are_those_of_the_standard() {
    for x in SPECIAL {
        for y in SPECIAL {
            let (x, y) = (f64::from(x), f64::from(y));
            let (found, right) = (pow_f64(x, y), x.powf(y));
            assert!(ulps_f64(found, right) <= 2, "pow_f64({x:e}, {y:e}) = {found:e}, right is {right:e}");
            if right == 0.0 || right.is_infinite() {
                assert_eq!(found.to_bits(), right.to_bits(), "pow_f64({x:e}, {y:e})");
            }
        }
    }
}

fn sweep_f64(name: &str, ours: fn(f64) -> f64, right: fn(f64) -> f64, values: impl Iterator<Item = f64>) {
    let (mut worst, mut at) = (0, 0.0);
    for x in values.chain(SPECIAL.map(f64::from)) {
        let off = ulps_f64(ours(x), right(x));
        if off > worst {
            (worst, at) = (off, x);
        }
    }
    println!("{name}: at most {worst} ulp from std, at {at:e}");
    assert!(worst <= 4, "{name}({at:e}) = {:e}, std has {:e}: {worst} ulp", ours(at), right(at));
}

#[test]
fn f64_is_near_std() {
    const COUNT: usize = 1_000_000;
    let any = || patterns(COUNT).map(f64::from_bits);
    let within = |reach: f64| patterns(COUNT).map(move |p| ((p >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * reach);
    sweep_f64("exp_f64", exp_f64, f64::exp, any().chain(within(750.0)).chain(within(1.0)));
    sweep_f64("log_f64", log_f64, f64::ln, any().chain(within(2.0)).chain(within(1e-310)));
    sweep_f64("sin_f64", sin_f64, f64::sin, any().chain(within(10.0)).chain(within(1e6)).chain(within(1e15)));
    sweep_f64("cos_f64", cos_f64, f64::cos, any().chain(within(10.0)).chain(within(1e6)).chain(within(1e15)));
}

#[test]
fn pow_f64_is_near_std() {
    let any = patterns(1_000_000).zip(patterns(1_000_000).skip(1)).map(|(a, b)| (f64::from_bits(a), f64::from_bits(b)));
    let inside = patterns(1_000_000).zip(patterns(1_000_000).skip(1)).map(|(a, b)| {
        let x = f64::from_bits(a & (u64::MAX >> 1));
        (x, ((b >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 2200.0 / x.log2())
    });
    let near_1 = patterns(1_000_000)
        .zip(patterns(1_000_000).skip(1))
        .map(|(a, b)| (0.5 + (a >> 11) as f64 / (1u64 << 53) as f64, ((b >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 1500.0));
    let (mut worst, mut at) = (0, (0.0, 0.0));
    for (x, y) in any.chain(inside).chain(near_1) {
        let off = ulps_f64(pow_f64(x, y), x.powf(y));
        if off > worst {
            (worst, at) = (off, (x, y));
        }
    }
    println!("pow_f64: at most {worst} ulp from std, at {at:?}");
    assert!(worst <= 4, "pow_f64{at:?} = {:e}, std has {:e}", pow_f64(at.0, at.1), at.0.powf(at.1));
}

#[test]
fn exp_and_log_do_not_step_back() {
    let spots = [-87.0f32, -1.0, -0.346_573_6, 0.0, 0.346_573_6, 1.0, 10.0, 88.0];
    for x in spots {
        let up = f32::from_bits(if x < 0.0 { x.to_bits() - 1 } else { x.to_bits() + 1 });
        assert!(exp_f32(x) <= exp_f32(up), "exp at {x}");
        assert!(log_f32(x.abs()) <= log_f32(x.abs().next_up()), "log at {x}");
    }
}

#[inline(always)]
fn gamma(v: f32) -> f32 {
    pow_f32(v, 2.2)
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let x: Vec<f32> = (0..=u32::MAX).step_by(99_991).map(f32::from_bits).collect();
    let functions: [fn(f32) -> f32; 6] = [exp_f32, log_f32, sin_f32, cos_f32, tanh_f32, gamma];
    let bits = |v: f32| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() };
    macro_rules! both {
        ($($at:literal $f:expr),*) => {$(
            let mut wide = vec![0f32; x.len()];
            vectorized(
                #[inline(always)]
                || for (o, v) in wide.iter_mut().zip(&x) {
                    *o = $f(*v);
                },
            );
            for (x, wide) in x.iter().zip(&wide) {
                assert_eq!(bits(*wide), bits(functions[$at](*x)), "function {} at {x:e}", $at);
            }
        )*};
    }
    both!(0 exp_f32, 1 log_f32, 2 sin_f32, 3 cos_f32, 4 tanh_f32, 5 gamma);
}
