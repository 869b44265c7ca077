//! `countersign completion`

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use super::fault::Fault;
use super::session::Session;
use crate::document::code::Code;

/// Print the completion script of a shell
///
/// Example: countersign completion bash > /etc/bash_completion.d/countersign
#[derive(Debug, Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(
    args: &CompletionArgs,
    command: &mut clap::Command,
    session: &mut Session<'_, '_>,
) -> Result<Code, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "countersign", &mut script);
    let script = String::from_utf8_lossy(&script);
    if session.json() {
        session.print_json(&json!({"shell": args.shell.to_string(), "script": script}));
    } else {
        session.print(&script);
    }
    Ok(Code::Ok)
}
