//! Functions of tiles that the engine does not know: halos, edges, dropped and new axes, several arrays, however they are cut.

use ndarray::{Array3, ArrayD, Axis as Along, IxDyn};
use stackmill::graph::{Array, Body, Origin, Stage, Tiles, Walk};
use stackmill::grid::{Dims, Edge, Region, indices};
use stackmill::plan::bytes_touched;
use stackmill::session::{Options, Session};
use stackmill::storage::Info;
use stackmill::tile::View;
use stackmill::{Dtype, Error, Result};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Something that is done with the inputs of a tile, as arrays of f64.
type Function = fn(&[ArrayD<f64>]) -> ArrayD<f64>;

struct Called {
    walks: Vec<Vec<Walk>>,
    edge: (Edge, f64),
    function: Function,
    calls: Arc<AtomicUsize>,
}

fn numbers(view: &View<'_>) -> ArrayD<f64> {
    let at = |index: Dims| {
        let place = view.element(&index) * 8;
        f64::from_ne_bytes(view.bytes[place..place + 8].try_into().unwrap())
    };
    let all = indices(Region::whole(view.shape)).map(at).collect();
    ArrayD::from_shape_vec(IxDyn(&view.shape), all).unwrap()
}

impl Tiles for Called {
    fn walks(&self, k: usize) -> &[Walk] {
        &self.walks[k]
    }
    fn edge(&self) -> (Edge, f64) {
        self.edge
    }
    fn run(&self, inputs: &[View<'_>], part: &Region, out: &mut [u8]) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let made = (self.function)(&inputs.iter().map(numbers).collect::<Vec<_>>());
        if made.shape() != &part.shape[..] {
            return Err(Error::caller(format!("made {:?} of {}", made.shape(), part.shape)));
        }
        out.chunks_exact_mut(8).zip(made.iter()).for_each(|(bytes, v)| bytes.copy_from_slice(&v.to_ne_bytes()));
        Ok(())
    }
    fn words(&self) -> String {
        "called".to_owned()
    }
}

fn walk(axis: Option<usize>, before: usize, after: usize) -> Walk {
    Walk { axis, before, after }
}

fn called(
    inputs: &[&Array],
    shape: &[usize],
    walks: Vec<Vec<Walk>>,
    edge: (Edge, f64),
    function: Function,
) -> (Array, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let tiles = Called { walks, edge, function, calls: calls.clone() };
    let origin = Origin { op: "called".to_owned(), part: String::new(), line: Location::caller() };
    let info = Ok(Info::new(Dims::from(shape), Dtype::F64));
    let arrays = inputs.iter().map(|a| (*a).clone()).collect();
    (Array::from_stage(Stage::Tiles(Arc::new(tiles)), arrays, info, origin), calls)
}

fn noise(shape: (usize, usize, usize)) -> Array3<f64> {
    let mut state = 7u32;
    Array3::from_shape_fn(shape, |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 20)
    })
}

fn options(tile: &[usize]) -> Options {
    Options { memory: Some(64 << 20), threads: Some(2), tile: Some(tile.to_vec()), ..Options::default() }
}

fn made(array: &Array, tile: &[usize]) -> ArrayD<f64> {
    array.compute_with(&options(tile)).unwrap().to_ndarray().unwrap()
}

/// `2 x[z - 1, y, x] + x[z + 2, y, x - 3]`, out of a tile with its halo.
fn neighbours(inputs: &[ArrayD<f64>]) -> ArrayD<f64> {
    let x = inputs[0].view().into_dimensionality::<ndarray::Ix3>().unwrap();
    let (z, y, w) = x.dim();
    let near = x.slice(ndarray::s![..z - 3, .., 3..]);
    let far = x.slice(ndarray::s![3.., .., ..w - 3]);
    assert_eq!(near.dim(), (z - 3, y, w - 3));
    (&near * 2.0 + far).into_dyn()
}

#[test]
fn halos_and_edges_are_those_of_the_whole_array() {
    let a = noise((5, 6, 7));
    let x = Array::from_ndarray(&a);
    for edge in Edge::ALL {
        let at = |z: isize, y: usize, w: isize| match (edge.fold(z, 5), edge.fold(w, 7)) {
            (Some(z), Some(w)) => a[[z, y, w]],
            _ => -3.0,
        };
        let whole = Array3::from_shape_fn((5, 6, 7), |(z, y, w)| {
            let (z, w) = (z as isize, w as isize);
            2.0 * at(z - 1, y, w) + at(z + 2, y, w - 3)
        });
        let walks = vec![vec![walk(Some(0), 1, 2), walk(Some(1), 0, 0), walk(Some(2), 3, 0)]];
        let (y, _) = called(&[&x], &[5, 6, 7], walks, (edge, -3.0), neighbours);
        for tile in [[5, 6, 7], [1, 6, 7], [2, 4, 3], [3, 1, 1]] {
            assert_eq!(made(&y, &tile), whole.clone().into_dyn(), "{} in tiles {tile:?}", edge.name());
        }
        // What follows a function reads past the tile, where the edge folds what the function made.
        let after = y.gaussian(1.0);
        let (whole, _) = (Array::from_ndarray(&whole).gaussian(1.0), ());
        assert_eq!(made(&after, &[2, 4, 3]), made(&whole, &[5, 6, 7]), "{}", edge.name());
    }
}

#[test]
fn axes_go_and_come_and_thin_arrays_are_repeated() {
    let (a, b) = (noise((5, 6, 7)), noise((1, 1, 7)));
    let (x, y) = (Array::from_ndarray(&a), Array::from_ndarray(&b));
    let most = |inputs: &[ArrayD<f64>]| inputs[0].map_axis(Along(0), |v| v.iter().copied().fold(f64::MIN, f64::max));
    let walks = vec![vec![walk(None, 0, 0), walk(Some(0), 0, 0), walk(Some(1), 0, 0)]];
    let (dropped, _) = called(&[&x], &[6, 7], walks, (Edge::Reflect, 0.0), most);
    let theirs = a.map_axis(Along(0), |v| v.iter().copied().fold(f64::MIN, f64::max)).into_dyn();
    assert_eq!(made(&dropped, &[2, 3]), theirs);

    let both = |inputs: &[ArrayD<f64>]| ndarray::stack(Along(0), &[inputs[0].view(), (&inputs[0] * 2.0).view()]).unwrap();
    let walks = vec![vec![walk(Some(1), 0, 0), walk(Some(2), 0, 0), walk(Some(3), 0, 0)]];
    let (two, _) = called(&[&x], &[2, 5, 6, 7], walks, (Edge::Reflect, 0.0), both);
    let second = two.index(&[stackmill::graph::Index::At(1)]);
    assert_eq!(made(&second, &[2, 3, 4]), (&a * 2.0).into_dyn(), "a new axis is made whole, whatever is looked at");

    let sum = |inputs: &[ArrayD<f64>]| &inputs[0] + &inputs[1];
    let all = || vec![walk(Some(0), 0, 0), walk(Some(1), 0, 0), walk(Some(2), 0, 0)];
    let (sums, _) = called(&[&x, &y], &[5, 6, 7], vec![all(), all()], (Edge::Reflect, 0.0), sum);
    assert_eq!(made(&sums, &[2, 4, 3]), (&a + &b).into_dyn());
}

#[test]
fn a_tile_is_one_call_and_its_copies_are_priced() {
    let a = noise((8, 64, 64));
    let x = Array::from_ndarray(&a);
    let all = vec![vec![walk(Some(0), 0, 0), walk(Some(1), 0, 0), walk(Some(2), 0, 0)]];
    let (y, calls) = called(&[&x], &[8, 64, 64], all, (Edge::Reflect, 0.0), |inputs| inputs[0].clone());
    made(&y, &[4, 64, 64]);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let (session, _) = Session::in_memory(&y, &options(&[8, 64, 64])).unwrap();
    let tile = 8 * 64 * 64 * 8;
    assert!(session.plan().passes[0].costs.scratch >= 2 * 4 * tile, "what it reads twice, what it gives twice, on two threads");
    assert_eq!(bytes_touched(&y).unwrap(), 2 * tile);
    let view = y.index(&[stackmill::graph::Index::At(3)]);
    assert_eq!(bytes_touched(&view).unwrap(), 2 * tile / 8);
    assert!(matches!(y.node().body, Body::Stage(Stage::Tiles(_))));
}

#[test]
fn what_a_function_says_stops_the_run() {
    let x = Array::from_ndarray(&noise((4, 8, 8)));
    let all = vec![vec![walk(Some(0), 0, 0), walk(Some(1), 0, 0), walk(Some(2), 0, 0)]];
    let (y, _) = called(&[&x], &[4, 8, 8], all, (Edge::Reflect, 0.0), |inputs| {
        inputs[0].slice(ndarray::s![.., .., ..1]).to_owned().into_dyn()
    });
    let error = y.compute_with(&options(&[2, 8, 8])).unwrap_err();
    assert!(error.what().contains("made [2, 8, 1] of (2, 8, 8)"), "{error}");
    assert!(error.places().iter().any(|p| p.starts_with("tile [")), "{error}");
}
