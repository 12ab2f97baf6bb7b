use ndarray::{Array3, ArrayD};
use stackmill::Array;
use stackmill::session::Options;

fn noise(shape: (usize, usize, usize)) -> Array3<u16> {
    let mut s = 12345u32;
    Array3::from_shape_fn(shape, |_| {
        s = s.wrapping_mul(1664525).wrapping_add(1013904223);
        (s >> 20) as u16
    })
}
fn opts(tile: &[usize]) -> Options {
    Options { memory: Some(64 << 20), threads: Some(2), tile: Some(tile.to_vec()), ..Options::default() }
}

#[test]
fn a_condition_narrows_no_computed_number() {
    let x = Array::from_ndarray(&ndarray::arr1(&[1.0f64, 1.0 + 1e-12]));
    let (least, most) = (x.min(), x.max());
    let chosen = x.gt(0).where_(&most, &least);
    assert_eq!(chosen.dtype().unwrap(), stackmill::Dtype::F64);
    assert_eq!(chosen.compute().unwrap().values::<f64>().unwrap(), [1.0 + 1e-12; 2]);
    // Numbers that are written follow the condition where nothing else is there, arrays where there are any.
    assert_eq!(x.gt(0).where_(1.5, 0.5).dtype().unwrap(), stackmill::Dtype::F32);
    assert_eq!(x.gt(0).where_(&x, 0.5).dtype().unwrap(), stackmill::Dtype::F64);
    let small = Array::from_ndarray(&ndarray::arr1(&[1u8, 2]));
    assert_eq!(x.gt(0).where_(&small, &most).dtype().unwrap(), stackmill::Dtype::F32);
}

#[test]
fn smoke() {
    let a = noise((7, 33, 41));
    let x = Array::from_ndarray(&a);
    let tilings = [[7usize, 33, 41], [1, 33, 41], [2, 5, 41], [3, 7, 11], [7, 1, 41], [5, 16, 8]];
    let ys: Vec<(&str, Array)> = vec![
        ("add", &x + 1),
        ("sub", &x - &x.flip()),
        ("median", x.median([1, 3, 3])),
        ("median3", x.median(3)),
        ("tophat", x.white_tophat([1, 15, 15])),
        ("gauss", x.gaussian(1.5)),
        ("gaussf", x.astype(stackmill::dtype::Dtype::F32).gaussian([0.0, 2.0, 9.0])),
        ("mean", &x - x.mean()),
        ("std", &x / x.std_with(stackmill::ops::reduce::Std { axis: 0.into(), ..Default::default() })),
        ("sum", x.sum()),
        ("max0", x.max_with(stackmill::ops::reduce::Max { axis: 0.into(), keepdims: false })),
        ("argmax", x.argmax()),
        ("cumsum", x.cumsum(0).flip()),
        ("sobel", x.sobel_magnitude()),
        ("thr", x.median([1, 3, 3]).white_tophat([1, 15, 15]).gt(60)),
        (
            "wrap",
            x.gaussian_with(3.0, stackmill::ops::smooth::Gaussian { mode: stackmill::grid::Edge::Wrap, ..Default::default() }),
        ),
        (
            "slice",
            x.index(&[
                (1..6).into(),
                stackmill::graph::Index::Range(stackmill::graph::Slice { start: None, stop: None, step: Some(-3) }),
                stackmill::graph::Index::Ellipsis,
            ]),
        ),
        (
            "varf",
            x.astype(stackmill::dtype::Dtype::F32)
                .var_with(stackmill::ops::reduce::Var { axis: [0, 2].into(), ..Default::default() }),
        ),
    ];
    for (name, y) in ys {
        let rank = y.shape().unwrap_or_else(|e| panic!("{name}: {e}")).len();
        let first = y
            .compute_with(&Options { memory: Some(64 << 20), threads: Some(2), ..Options::default() })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        for t in &tilings {
            if rank != 3 {
                continue;
            }
            let t: Vec<usize> = t.iter().zip(y.shape().unwrap().iter()).map(|(a, b)| *a.min(b)).collect();
            let other = y.compute_with(&opts(&t));
            let other = match other {
                Ok(o) => o,
                Err(e) => panic!("{name} {t:?}: {e}"),
            };
            assert!(other.tile.data.bytes() == first.tile.data.bytes(), "{name} {t:?}");
        }
    }
    let m = x.mean().compute().unwrap().values::<f64>().unwrap()[0];
    let want = a.iter().map(|v| f64::from(*v)).sum::<f64>() / a.len() as f64;
    assert!((m - want).abs() < 1e-9, "{m} {want}");
    let s = x.std().compute().unwrap().values::<f64>().unwrap()[0];
    let want = (a.iter().map(|v| (f64::from(*v) - want).powi(2)).sum::<f64>() / a.len() as f64).sqrt();
    assert!((s - want).abs() < 1e-9, "{s} {want}");
    let f: ArrayD<i32> = (&x - 5000).compute().unwrap().to_ndarray().unwrap();
    assert_eq!(f[[1, 2, 3]], i32::from(a[[1, 2, 3]]) - 5000);
    println!("{}", (&x.median([1, 3, 3]).white_tophat([1, 15, 15]) - x.mean()).explain().unwrap());
}
