//! The null device: computes nothing, counts everything, fails where it is told to. Tests runs without kernels.
//! It does not know what a stage means; its results are zeros.

use super::{Device, Host, InputData, Launched, Partial};
use crate::error::{Error, Result};
use crate::grid::Region;
use crate::plan::Pass;
use crate::tile::Tile;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A device without kernels.
#[derive(Default)]
pub struct Null {
    launches: AtomicUsize,
    fails_at: Option<usize>,
}

impl Null {
    /// A device that fails at this launch, counted from 0.
    #[must_use]
    pub fn failing_at(launch: usize) -> Null {
        Null { launches: AtomicUsize::new(0), fails_at: Some(launch) }
    }

    /// How many tiles were launched.
    #[must_use]
    pub fn launches(&self) -> usize {
        self.launches.load(Ordering::Relaxed)
    }
}

impl Device for Null {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], _: Host<'_>) -> Result<Launched> {
        let number = self.launches.fetch_add(1, Ordering::Relaxed);
        if self.fails_at == Some(number) {
            return Err(Error::machine(format!("the null device failed at launch {number}, as told")));
        }
        if inputs.len() != pass.program.inputs.len() {
            return Err(Error::bug("a tile came without its inputs"));
        }
        let zeros = |value: usize| pass.program.info(value).map(|info| Tile::zeroed(info.dtype, tile.shape));
        let tiles = pass.program.sinks.iter().map(|s| zeros(s.value)).collect::<Result<_>>()?;
        let outputs = |axes: &[usize]| (0..tile.shape.len()).filter(|a| !axes.contains(a)).map(|a| tile.shape[a]).product();
        let partial = |(fold, end): (usize, &crate::plan::FoldEnd)| Partial {
            fold,
            region: *tile,
            state: end.fold.start(outputs(&end.fold.axes())),
        };
        Ok(Launched { tiles, partials: pass.program.folds.iter().enumerate().map(partial).collect(), busy: None })
    }
}
