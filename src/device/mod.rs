//! devices
pub mod cpu;
