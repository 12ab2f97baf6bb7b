//! Small integer geometry, every case: edges, runs, grids.

use stackmill::grid::{Dims, Edge, Grid, Region, Runs, indices};

/// Every folded index is among those that are needed, and nothing else is, unless the span leaves by a whole axis.
#[test]
fn needs_are_what_folds_read() {
    for edge in Edge::ALL {
        for n in 0..8usize {
            for start in -18isize..18 {
                for stop in start..start + 18 {
                    let mut read: Vec<usize> = (start..stop).filter_map(|i| edge.fold(i, n)).collect();
                    read.sort_unstable();
                    read.dedup();
                    let needs = edge.needs(start, stop, n);
                    let listed: Vec<usize> = needs.ranges().iter().flat_map(Clone::clone).collect();
                    let place = format!("{} n {n} [{start}, {stop}): reads {read:?}, needs {listed:?}", edge.name());
                    assert!(read.iter().all(|i| needs.position(*i).is_some()), "{place}");
                    assert!(listed.iter().all(|i| *i < n), "{place}");
                    // A span that leaves by as much as the axis, or does not touch it, may ask for more.
                    let len = n.cast_signed();
                    let near = start > -(len - 1) && stop < 2 * len - 1 && start < len && stop > 0;
                    assert!(!near || listed == read, "{place}");
                }
            }
        }
    }
}

/// Folding is the identity inside, stays inside, and follows SciPy's pictures outside.
#[test]
fn folds_follow_the_pictures() {
    let pictures = [
        (Edge::Reflect, [3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]),
        (Edge::Mirror, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]),
        (Edge::Nearest, [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3]),
        (Edge::Wrap, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]),
    ];
    for (edge, picture) in pictures {
        let folded: Vec<usize> = (-4..8).map(|i| edge.fold(i, 4).unwrap()).collect();
        assert_eq!(folded, picture, "{}", edge.name());
        // Far outside by whole periods.
        let period = if edge == Edge::Mirror { 6 } else { 8 };
        let far: Vec<usize> = (-4..8).map(|i| edge.fold(i + 100 * period, 4).unwrap()).collect();
        assert!(edge == Edge::Nearest || far == picture, "{} far away: {far:?}", edge.name());
        assert!((-9..9).all(|i| edge.fold(i, 1) == Some(0) && edge.fold(i, 0).is_none()), "{}", edge.name());
    }
    assert!((-9..9).all(|i: isize| Edge::Constant.fold(i, 4) == usize::try_from(i).ok().filter(|i| *i < 4)));
}

#[test]
fn boxes_of_a_grid_tile_the_array() {
    for n in 0..9usize {
        for unit in 1..10usize {
            let grid = Grid::new(Dims::from([n, 3]), Dims::from([unit, 2]));
            let mut covered = vec![0; n * 3];
            for index in indices(Region::whole(grid.counts())) {
                for place in indices(grid.region(&index)) {
                    covered[place[0] * 3 + place[1]] += 1;
                }
            }
            assert!(covered.iter().all(|c| *c == 1), "n {n} unit {unit}");
            for start in 0..n {
                for end in start..=n {
                    let region = Region::of(&[start..end, 1..3]);
                    let touched: Vec<Dims> = indices(grid.touching(&region)).collect();
                    let meeting: Vec<Dims> = indices(Region::whole(grid.counts()))
                        .filter(|index| grid.region(index).intersection(&region).is_some())
                        .collect();
                    assert_eq!(touched, meeting, "n {n} unit {unit} {region}");
                }
            }
        }
    }
}

/// Runs hold what was added, in order, and never fall into more than two pieces.
#[test]
fn runs_hold_what_was_added() {
    for bits in 0u32..1 << 9 {
        let mut runs = Runs::default();
        let members: Vec<usize> = (0..9).filter(|i| bits >> i & 1 == 1).collect();
        for i in members.iter().rev() {
            runs.add(*i..*i + 1);
        }
        assert!(runs.ranges().len() <= 2, "{members:?}: {runs:?}");
        assert!(members.iter().all(|i| runs.position(*i).is_some()), "{members:?}: {runs:?}");
        let pieces = (0..9).filter(|i| bits >> i & 1 == 1 && (*i == 0 || bits >> (i - 1) & 1 == 0)).count();
        assert!(pieces > 2 || runs.count() == members.len(), "{members:?}: {runs:?}");
        let listed: Vec<usize> = runs.ranges().iter().flat_map(Clone::clone).collect();
        assert!(listed.iter().enumerate().all(|(k, i)| runs.position(*i) == Some(k)), "{runs:?}");
    }
}

#[test]
fn linear_numbers_and_indices_are_inverse() {
    let dims = Dims::from([3, 1, 4, 2]);
    for k in 0..dims.count() {
        assert_eq!(dims.linear_of(&dims.index_of(k)), k);
    }
    assert_eq!(indices(Region::whole(dims)).count(), 24);
    assert_eq!(indices(Region::whole(Dims::from([3, 0, 2]))).count(), 0);
}
