//! The binary: exit code, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    dagmar::cli::main()
}
