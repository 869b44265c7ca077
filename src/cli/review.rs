//! `countersign review`

use std::path::PathBuf;

use clap::Args;

use super::Output;
use super::fault::Fault;
use super::paths;
use super::session::Session;
use crate::config::Limits;
use crate::document::code::Code;
use crate::plan::Plan;
use crate::review::{self, Page};

/// Show what a person reads, from the plans' bytes alone
///
/// Example: countersign review plans/scale-web -o markdown
#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// The plans' folders, or their plan.json
    #[arg(value_name = "PLAN", required = true)]
    plan: Vec<PathBuf>,
}

/// The page of a plan, from its bytes alone.
fn page(plan: &Plan) -> Page<'_> {
    Page {
        plan: plan.document(),
        digest: plan.digest(),
        judgements: plan.judgements(),
        verdict: None,
        standing: None,
        place: None,
        notes: &[],
    }
}

pub(super) fn run(args: &ReviewArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    // No trusted side is needed to read: the limit is the default one.
    let most = Limits::default().max_plan_bytes;
    let mut plans = Vec::with_capacity(args.plan.len());
    for typed in &args.plan {
        let folder = paths::open(typed, most, session)?;
        plans.push(folder.plan()?);
    }
    let pages: Vec<Page<'_>> = plans.iter().map(page).collect();
    match session.options().output {
        Output::Json => {
            let all: Vec<_> = pages.iter().map(review::json).collect();
            session.print_json(&all);
        }
        Output::Markdown => session.print(&review::markdown(&pages)),
        Output::Text => {
            let style = session.style();
            let texts: Vec<_> =
                pages.iter().map(|page| review::terminal(page, style).text).collect();
            session.print(&texts.join("\n"));
        }
    }
    Ok(Code::Ok)
}
