//! What small arrays cannot show: rows longer than a kernel's strips, values of an earlier pass, fused formulas.

use super::data::{Data, Values};
use super::{computed, options};
use stackmill::dtype::Dtype;
use stackmill::graph::Array;
use stackmill::ops::reduce::Mean;

fn pixel(row: usize, x: usize) -> u16 {
    (row * 7919 + x * 104_729 % 40_009) as u16
}

/// Kernels work in strips of some hundred elements: every element of a long row is made, in every strip and at its end.
#[test]
fn rows_longer_than_strips_are_whole() {
    for width in [511usize, 1025, 2500] {
        let x = ndarray::Array2::from_shape_fn((3, width), |(r, x)| pixel(r, x));
        let array = Array::from_ndarray(&x);
        let near = |k: isize| k.clamp(0, width as isize - 1) as usize;
        let affine = computed(&((&array - 7) * 3), None).to_ndarray::<i32>().unwrap();
        let greatest = computed(&array.maximum_filter([1, 3]), None).to_ndarray::<u16>().unwrap();
        let median = computed(&array.median([1, 3]), None).to_ndarray::<u16>().unwrap();
        let slope = computed(&array.sobel(), None).to_ndarray::<f32>().unwrap();
        for ((row, k), value) in x.indexed_iter() {
            let at = |d: isize| x[[row, near(k as isize + d)]];
            let mut window = [at(-1), *value, at(1)];
            window.sort_unstable();
            let place = format!("row {row} column {k} of {width}");
            assert_eq!(affine[[row, k]], (i32::from(*value) - 7) * 3, "{place}");
            assert_eq!((median[[row, k]], greatest[[row, k]]), (window[1], window[2]), "{place}");
            let column = |d: isize| {
                let of = |r: usize| f32::from(x[[r, near(k as isize + d)]]);
                of(row.saturating_sub(1)) + 2.0 * of(row) + of((row + 1).min(2))
            };
            assert_eq!(slope[[row, k]], column(1) - column(-1), "{place}");
        }
    }
}

/// A reduction used in the same expression is the reduction computed before, element for element.
#[test]
fn late_values_meet_their_elements() {
    let values = Values::new(Dtype::U16, &[6, 7, 8], Data::Plain, 11);
    let x = values.lent();
    for axis in 0..3i64 {
        let mean = x.mean_with(Mean { axis: axis.into(), keepdims: true });
        let before = Array::from_ndarray(&computed(&mean, None).to_ndarray::<f64>().unwrap());
        let apart = computed(&(&x - &before), None);
        for tile in [[6, 7, 8], [2, 3, 5], [1, 7, 1]] {
            let together = computed(&(&x - &mean), Some(&tile));
            assert!(apart.tile.data.bytes() == together.tile.data.bytes(), "axis {axis} tile {tile:?}");
        }
    }
    let numbers: Vec<f64> = values.numbers.iter().map(|n| n.to_f64()).collect();
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let found = computed(&(&x - x.mean()), Some(&[4, 2, 3])).to_ndarray::<f32>().unwrap();
    assert!(found.iter().zip(&numbers).all(|(f, v)| (f64::from(*f) - (v - mean)).abs() < 1e-2));
}

/// A function of arrays and what to call it.
type Named = (&'static str, fn(&Array) -> Array);

/// A formula fused with the next gives what each gives alone, at the limits of every dtype.
#[test]
fn fused_formulas_are_the_formulas() {
    let firsts: [Named; 6] = [
        ("abs", |x| x.abs()),
        ("-", |x| -x),
        ("+ 100", |x| x + 100),
        ("* x", |x| x * x),
        ("rint", |x| x.rint()),
        ("as u8", |x| x.astype(Dtype::U8)),
    ];
    for dtype in Dtype::ALL {
        let x = Values::new(dtype, &[4, 9], Data::Special, 5).lent();
        for (name, first) in firsts {
            let alone = computed(&first(&x), None).tile;
            let stored = Values::of_bytes(alone.dtype, &alone.shape, alone.data.bytes()).lent();
            for goal in Dtype::ALL {
                let fused = first(&x).astype(goal).compute_with(&options(None)).unwrap();
                let apart = stored.astype(goal).compute_with(&options(None)).unwrap();
                assert!(fused.tile.data.bytes() == apart.tile.data.bytes(), "{dtype}: {name}, then as {goal}");
            }
        }
    }
}
