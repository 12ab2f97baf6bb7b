//! A run that is stopped ends within a block, not within a tile; and its progress moves within tiles too.

mod rig;

use rig::{Chunks, Zeros, machine};
use stackmill::device::cpu::Cpu;
use stackmill::graph::Array;
use stackmill::plan::{Machine, Output, plan};
use stackmill::{Dtype, Error};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// One tile of several seconds, in blocks of some milliseconds.
fn slow() -> (Machine, Vec<Output>) {
    let x = Array::from_source(Zeros::new(&[48, 512, 512], Dtype::F32, &[16, 128, 128]));
    let array = x.median([5, 5, 5]).median([5, 5, 5]);
    let outputs = vec![Output { sink: Chunks::of(&array, &[48, 512, 512]), array }];
    (Machine { tile: Some(vec![48, 512, 512]), ..machine(2 << 30) }, outputs)
}

#[test]
fn a_stop_inside_a_tile_is_heard_and_progress_moves_there() {
    let (machine, outputs) = slow();
    let planned = plan(&outputs, &machine).unwrap();
    assert_eq!(planned.passes[0].sweep.tiles(), 1);
    let (stopped, seen) = (Cell::new(None::<Instant>), RefCell::new(Vec::new()));
    let error = rig::play(&planned, &outputs, &Cpu::default(), &|progress| {
        let share = progress.bytes.0 as f64 / progress.bytes.1 as f64;
        assert_eq!(progress.tiles, (0, 1));
        seen.borrow_mut().push(share);
        if share > 0.05 {
            stopped.set(Some(Instant::now()));
            return Err(Error::caller("stopped"));
        }
        Ok(())
    })
    .unwrap_err();
    assert!(error.to_string().contains("stopped"), "{error}");
    let took = stopped.get().expect("it went on beyond a twentieth").elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} after it was stopped");
    let seen = seen.into_inner();
    assert!(seen.is_sorted() && seen.iter().filter(|share| **share > 0.0).count() > 0, "{seen:?}");
    assert!(seen.last().unwrap() < &0.9, "it was not done anyway: {seen:?}");
}
