//! One file per command; an error becomes a code, a message and a hint here. Nothing is decided here.

use std::process::ExitCode;

use crate::policy::worker;

/// The program.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(worker::COMMAND) {
        let arguments: Vec<String> = arguments.collect();
        return worker::serve(
            &arguments,
            &mut std::io::stdin().lock(),
            &mut std::io::stdout().lock(),
        );
    }
    ExitCode::FAILURE
}
