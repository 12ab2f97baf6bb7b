//! Which device runs the stages, and why.
//! It does not open devices: it decides from what was asked and what was measured.

use super::Machine;
use crate::error::{Error, Result};

/// Where stages run.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The device.
    pub device: String,
    /// Why this one.
    pub reason: String,
}

/// Chooses a device.
///
/// # Errors
/// A device that this build does not have.
pub fn place(machine: &Machine) -> Result<Placement> {
    let reason = match machine.device.as_str() {
        "cpu" => "asked for",
        "auto" => "the only device of this build",
        other => {
            return Err(Error::caller(format!("device '{other}' is not available in this build"))
                .hint("use --device cpu; GPU devices come with a later version"));
        }
    };
    Ok(Placement { device: "cpu".to_owned(), reason: reason.to_owned() })
}
