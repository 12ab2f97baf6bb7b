//! Where tiles are computed: one folder a device.
//! It does not know plans, sources or sinks.

pub mod cpu;
