//! Ctrl-C: the first stops a run, so that what is finished is kept; the second ends the process at once.
//! It does not know what runs; it is asked whether it was heard.

use crate::error::{Error, Result};
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The exit status of what Ctrl-C ended, as shells have it.
pub const STATUS: u8 = 130;

static HEARD: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on Ctrl-C is noted; one more ends the process.
///
/// # Errors
/// A system that refuses the handler.
pub fn listen() -> Result<()> {
    if HEARD.get().is_some() {
        return Ok(());
    }
    let heard = HEARD.get_or_init(Arc::default);
    let refused = |e: std::io::Error| Error::machine(format!("cannot listen to Ctrl-C: {e}"));
    // In this order: the first one finds the flag not yet set.
    flag::register_conditional_shutdown(SIGINT, i32::from(STATUS), heard.clone()).map_err(refused)?;
    flag::register(SIGINT, heard.clone()).map(drop).map_err(refused)
}

/// Whether Ctrl-C was pressed.
#[must_use]
pub fn heard() -> bool {
    HEARD.get().is_some_and(|heard| heard.load(Ordering::Relaxed))
}
