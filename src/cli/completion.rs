//! `countersign completion`

use clap::Args;
use clap_complete::Shell;

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
    session.print(&String::from_utf8_lossy(&script));
    Ok(Code::Ok)
}
