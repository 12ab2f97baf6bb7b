//! The command `stackmill`. Everything is in the library's `cli`.

use std::process::ExitCode;

/// What the system counts shall be what was asked for: the budget is a promise.
#[global_allocator]
static HEAP: stackmill::os::Heap = stackmill::os::Heap;

fn main() -> ExitCode {
    stackmill::cli::main()
}
