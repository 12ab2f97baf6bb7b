//! What is promised of files, tried out: outputs that others hold, inputs that would be written over, outputs that vanish, sources that
//! change, unfinished outputs that are damaged.

#[path = "promises/outputs.rs"]
mod outputs;
#[path = "promises/partials.rs"]
mod partials;
#[path = "promises/processes.rs"]
mod processes;
#[path = "promises/rig.rs"]
mod rig;
#[path = "promises/sources.rs"]
mod sources;
