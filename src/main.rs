//! The command `stackmill`. Everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    stackmill::cli::main()
}
