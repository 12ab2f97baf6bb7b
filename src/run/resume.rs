//! What an unfinished run left: its outputs are opened again, and every commit unit that its journal tells of is read back and compared
//! with its checksum, by all workers, before anything goes on with it. A unit that is not what was written is made again.
//! It does not know how a unit is stored.

use super::journal::{Journal, Made, Past};
use super::lanes::guarded;
use super::threads::{TICK, Told};
use super::{Job, Progress};
use crate::error::{Error, Result};
use crate::storage::{Sink, Written, checksum};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Makes every output ready: as an unfinished run left it, if all of them can be gone on with, else empty.
pub(super) fn begin<'j>(
    job: &Job<'j>,
    journal: &mut Journal<'_>,
    mut past: Past,
    begun: &mut Vec<&'j dyn Sink>,
    (pool, told): (&rayon::ThreadPool, Told<'_>),
) -> Result<Made> {
    if !past.is_empty() {
        let mut whole = true;
        for (number, output) in job.outputs.iter().enumerate() {
            let goes_on = whole && output.sink.resume(job.identity)?;
            begun.push(&*output.sink);
            if goes_on {
                continue;
            }
            if job.plan.stored.iter().any(|stored| stored.output == number) {
                past.written.remove(&number);
                output.sink.begin(job.identity)?;
            } else {
                whole = false;
            }
        }
        if whole {
            look_at_all(job, &mut past, pool, told)?;
            return Ok(past.joined());
        }
        begun.drain(..).for_each(|sink| sink.suspend());
        journal.restart()?;
    }
    for output in job.outputs {
        output.sink.begin(job.identity)?;
        begun.push(&*output.sink);
    }
    Ok(Made::default())
}

/// Reads back what every output's journal tells of, and keeps what is whole.
fn look_at_all(job: &Job<'_>, past: &mut Past, pool: &rayon::ThreadPool, told: Told<'_>) -> Result<()> {
    for written in past.written.values_mut() {
        // A unit may have been written twice, if it was not whole before: what was told last counts.
        written.reverse();
        written.sort_by(|a, b| a.region.start[..].cmp(&b.region.start[..]));
        written.dedup_by(|later, earlier| later.region.start == earlier.region.start);
    }
    let all = past.written.values().map(Vec::len).sum();
    let mut before = 0;
    for (number, output) in job.outputs.iter().enumerate() {
        let written = past.written.entry(number).or_default();
        let progress = |done: usize| Progress::checking((before + done, all), &job.plan.passes[0], told);
        let whole = look(&*output.sink, written, pool, &|done| (told.observe)(&progress(done)))?;
        before += written.len();
        let mut whole = whole.iter();
        written.retain(|_| whole.next().is_some_and(|is| is.load(Ordering::Relaxed)));
        output.sink.keep(written)?;
    }
    Ok(())
}

/// Which of a sink's units are as they were written.
fn look(
    sink: &dyn Sink,
    written: &[Written],
    pool: &rayon::ThreadPool,
    observe: &dyn Fn(usize) -> Result<()>,
) -> Result<Vec<AtomicBool>> {
    let whole: Vec<AtomicBool> = written.iter().map(|_| AtomicBool::new(false)).collect();
    let (next, done, changed) = (AtomicUsize::new(0), Mutex::new(0), Condvar::new());
    let one = |number: usize| {
        let mut sum = 0;
        let unit = &written[number];
        let is_there = guarded("an output", || sink.read_back(unit, &mut |piece| sum = checksum(sum, piece)));
        // What cannot be read is written anew.
        whole[number].store(is_there.unwrap_or(false) && sum == unit.sum, Ordering::Relaxed);
    };
    let lock = || done.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= written.len() {
                return;
            }
            one(number);
            *lock() += 1;
            changed.notify_one();
        }
    };
    pool.in_place_scope(|workers| {
        (0..pool.current_num_threads().min(written.len())).for_each(|_| workers.spawn(|_| work()));
        let mut heard = 0;
        while heard < written.len() {
            observe(heard).inspect_err(|_| next.store(written.len(), Ordering::Relaxed))?;
            let waited = changed.wait_timeout_while(lock(), TICK, |done| *done < written.len());
            heard = *waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok::<(), Error>(())
    })?;
    Ok(whole)
}
