//! Runs started from Python: other threads go on meanwhile, Ctrl-C stops them, and a callable hears how far they are.
//! It does not know what a run computes.

use super::errors::{raised, warned};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use stackmill::run::Progress;
use stackmill::tile::Buffer;
use stackmill::{Array, Error, Options, ScratchIn, Session};
use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often Python is asked whether somebody pressed Ctrl-C.
const OFTEN: Duration = Duration::from_millis(100);

/// What a run may use, out of a dictionary of those that are set.
pub fn options(given: &Bound<'_, PyDict>) -> PyResult<Options> {
    let mut options = Options::default();
    for (name, object) in given {
        match name.extract::<String>()?.as_str() {
            "memory" => options.memory = Some(object.extract()?),
            "threads" => options.threads = Some(object.extract()?),
            "tile" => options.tile = Some(object.extract()?),
            "device" => options.device = object.extract()?,
            "vram" => options.vram = Some(object.extract()?),
            "gpus" => options.gpus = object.extract()?,
            "scratch" => {
                let folder: PathBuf = object.extract()?;
                let never = folder.as_os_str() == "never";
                options.scratch = if never { ScratchIn::Nowhere } else { ScratchIn::Folder(folder) };
            }
            "verify" => options.verify = object.extract()?,
            "overwrite" => options.overwrite = object.extract()?,
            "tiled" => options.tiled = object.extract()?,
            "chunks" => options.chunks = object.extract()?,
            "shards" => options.shards = object.extract()?,
            other => return Err(PyTypeError::new_err(format!("no option is called '{other}'"))),
        }
    }
    Ok(options)
}

/// Bytes that a run made, exported to NumPy without a copy.
#[pyclass(frozen)]
pub struct Elements {
    start: *mut u8,
    len: usize,
    /// Keeps the bytes alive; they are only reached through `start`.
    _held: Buffer,
}

// SAFETY: the bytes are plain memory that this object owns; who may write to them when is NumPy's rule, as for any array.
#[allow(unsafe_code, reason = "a buffer for another language")]
unsafe impl Send for Elements {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a buffer for another language")]
unsafe impl Sync for Elements {}

impl Elements {
    fn new(mut held: Buffer) -> Elements {
        let bytes = held.bytes_mut();
        Elements { start: bytes.as_mut_ptr(), len: bytes.len(), _held: held }
    }
}

#[pymethods]
impl Elements {
    #[allow(unsafe_code, reason = "Python's buffer protocol")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let (start, len) = (slf.get().start, slf.get().len);
        let len = isize::try_from(len).map_err(|_| PyTypeError::new_err("an array beyond the address space"))?;
        // SAFETY:
        // * `view` is Python's to fill, `start` points at `len` bytes that live as long as the object;
        // * the call takes a reference to the object, which the consumer gives back when it releases the view.
        let filled = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start.cast(), len, 0, flags) };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

/// Hears a run: warns of what happened, tells a callable, and stops the run where Python wants it stopped.
struct Watch {
    teller: Option<Py<PyAny>>,
    state: Mutex<Heard>,
}

struct Heard {
    last: Instant,
    stop: Option<PyErr>,
}

impl Watch {
    fn new(teller: Option<Py<PyAny>>) -> Watch {
        Watch { teller, state: Mutex::new(Heard { last: Instant::now(), stop: None }) }
    }

    fn hear(&self, progress: &Progress) -> Result<(), Error> {
        let mut heard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_done = progress.tiles.0 == progress.tiles.1;
        if heard.last.elapsed() < OFTEN && !is_done && progress.notices.is_empty() {
            return Ok(());
        }
        heard.last = Instant::now();
        Python::attach(|py| {
            py.check_signals()?;
            progress.notices.iter().try_for_each(|notice| warned(py, notice))?;
            match &self.teller {
                Some(teller) => teller.call1(py, told(progress)).map(drop),
                None => Ok(()),
            }
        })
        .map_err(|stop: PyErr| {
            let what = format!("the run was stopped: {stop}");
            heard.stop = Some(stop);
            Error::caller(what)
        })
    }

    /// The exception of a run that ended with an error: Python's own where it stopped the run.
    fn failed(self, py: Python<'_>, error: Error) -> PyErr {
        let stop = self.state.into_inner().unwrap_or_else(PoisonError::into_inner).stop;
        stop.unwrap_or_else(|| raised(py, error))
    }
}

/// Pass, passes, tiles done, tiles, bytes done, bytes, seconds, and the lane that is waited for.
fn told(progress: &Progress) -> (usize, usize, usize, usize, u64, u64, f64, &'static str) {
    let ((pass, passes), (done, tiles), (bytes, all)) = (progress.pass, progress.tiles, progress.bytes);
    (pass, passes, done, tiles, bytes, all, progress.seconds, progress.waiting_on.name())
}

/// Runs a session without the interpreter's lock.
fn watched(py: Python<'_>, session: &Session, teller: Option<Py<PyAny>>) -> PyResult<()> {
    session.notices().iter().try_for_each(|notice| warned(py, notice))?;
    let watch = Watch::new(teller);
    let done = py.detach(|| session.run(&|progress| watch.hear(progress)));
    match done {
        Ok(summary) => summary.excess().map_or(Ok(()), |excess| warned(py, &excess)),
        Err(error) => Err(watch.failed(py, error)),
    }
}

/// Computes an array into memory.
pub fn compute(py: Python<'_>, array: &Array, given: &Bound<'_, PyDict>, teller: Option<Py<PyAny>>) -> PyResult<Elements> {
    let options = options(given)?;
    let planned = py.detach(|| Session::in_memory(array, &options));
    let (session, sink) = planned.map_err(|e| raised(py, e))?;
    watched(py, &session, teller)?;
    sink.take().map(Elements::new).map_err(|e| raised(py, e))
}

/// Writes arrays to files in one run.
pub fn save(py: Python<'_>, targets: &[(Array, PathBuf)], given: &Bound<'_, PyDict>, teller: Option<Py<PyAny>>) -> PyResult<()> {
    let options = options(given)?;
    let planned = py.detach(|| {
        let targets: Vec<_> = targets.iter().map(|(array, path)| (array.clone(), path.as_path())).collect();
        Session::save(&targets, &options)
    });
    watched(py, &planned.map_err(|e| raised(py, e))?, teller)
}
