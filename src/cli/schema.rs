//! `countersign schema`

use clap::{Args, ValueEnum};

use super::fault::Fault;
use super::session::Session;
use crate::document::code::Code;
use crate::intake::schema;

/// Print a JSON Schema, for editors and for a model's structured output
///
/// Example: countersign schema proposal
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// What a model is asked to write.
    Proposal,
    /// plan.json.
    Plan,
    /// The predicate of a receipt.
    Receipt,
    /// countersign.toml.
    Config,
}

pub(super) fn run(args: &SchemaArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let schema = match args.of {
        Of::Proposal => schema::proposal(),
        Of::Plan => schema::plan(),
        Of::Receipt => schema::receipt(),
        Of::Config => schema::config(),
    };
    session.print_json(&schema);
    Ok(Code::Ok)
}
