//! The program: one line, so that everything can be tested as a library.

fn main() -> std::process::ExitCode {
    countersign::cli::main()
}
