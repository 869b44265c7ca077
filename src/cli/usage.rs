//! A command line that cannot be understood is a failure like any other: with its code, its next
//! step, and as JSON where JSON was asked for.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::fault::Fault;
use super::world::World;
use super::{Line, Output, present};
use crate::document::code::Code;

/// Shows help, version or a usage error as clap found it, and says how the program ends.
pub(super) fn show(error: &clap::Error, arguments: &[OsString], world: &mut World<'_>) -> Code {
    let text = error.render().to_string();
    if !error.use_stderr() {
        present::raw(world.stdout, &text);
        return Code::Ok;
    }
    let output = output(arguments);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        if output == Output::Json {
            let fault = Fault::new(Code::Usage, "a command is missing");
            present::fault(&fault.hint("`countersign --help` lists them"), output, world);
        } else {
            present::raw(world.stderr, &text);
        }
        return Code::Usage;
    }
    present::fault(&fault(&text, &named(arguments)), output, world);
    Code::Usage
}

/// The format that was asked for, in a line that could not be read as a whole.
fn output(arguments: &[OsString]) -> Output {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let json = texts.iter().zip(texts.iter().skip(1).chain([&""])).any(|(one, next)| {
        let inline = one.strip_prefix("--output=").or_else(|| one.strip_prefix("-o"));
        match inline.map(|value| value.trim_start_matches('=')) {
            Some("") => *next == "json",
            Some(value) => value == "json",
            None => matches!(*one, "--output" | "-qo" | "-vo") && *next == "json",
        }
    });
    if json { Output::Json } else { Output::Text }
}

/// The command that the line names, as far as it names one: `countersign trust add`.
fn named(arguments: &[OsString]) -> String {
    let mut at = Line::command();
    let mut named = String::from("countersign");
    for word in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(inner) = at.find_subcommand(word).cloned() {
            named.push(' ');
            named.push_str(inner.get_name());
            at = inner;
        }
    }
    named
}

/// The parts of what clap renders: what is wrong, tips, and the usage of the command.
fn fault(text: &str, command: &str) -> Fault {
    let mut parts = text.split("\n\n").map(|part| {
        part.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let first = parts.next().unwrap_or_default();
    let mut fault = Fault::new(Code::Usage, first.trim_start_matches("error: "));
    for part in parts {
        if let Some(usage) = part.strip_prefix("Usage: ") {
            fault = fault.hint(format!("usage: `{usage}`"));
        } else if part.starts_with('[') {
            fault = fault.because(part);
        } else if !part.starts_with("For more information") {
            fault = fault.hint(part.trim_start_matches("tip: "));
        }
    }
    fault.hint(format!("`{command} --help` says more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_however_it_is_spelled() {
        for (line, wanted) in [
            (&["-o", "json", "frob"][..], Output::Json),
            (&["frob", "-ojson"], Output::Json),
            (&["frob", "-o=json"], Output::Json),
            (&["frob", "--output", "json"], Output::Json),
            (&["frob", "--output=json"], Output::Json),
            (&["-qo", "json", "frob"], Output::Json),
            (&["frob", "json"], Output::Text),
            (&["-o", "text", "json"], Output::Text),
            (&["-o"], Output::Text),
            (&["-oops"], Output::Text),
        ] {
            let line: Vec<OsString> = line.iter().map(Into::into).collect();
            assert_eq!(output(&line), wanted, "{line:?}");
        }
    }
}
