//! One file per command; an error becomes a code, a message and a hint here. Nothing is decided here.

use std::process::ExitCode;

use crate::policy::worker;

/// The program.
pub fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(first) if first == worker::COMMAND => worker::main(),
        Some(_) | None => ExitCode::FAILURE,
    }
}
