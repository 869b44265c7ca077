//! Untrusted bytes become a [`Proposal`] with every default explicit, or the list of everything
//! that is wrong with them. The only reader of free text.
//!
//! `read` is pure; `gather` is what reads the disk for it. What a trusted configuration must fix
//! (credentials, roles, endpoints, who asked, who plans) is no member of what is read here.

mod body;
mod fence;
mod form;
mod gather;
mod operation;
mod page;
mod patch;
pub mod schema;
mod secret;
mod whole;

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::config::Limits;
use crate::document::canonical::{self, CanonicalError};
use crate::document::ident::{Digest, Label, Pointer};
use crate::document::proposal::{Intent, Proposal};
use crate::manifest::problem::Problem;
use crate::manifest::{object, read, text};

pub use gather::{GatherError, Input, gather};

use form::Header;
use operation::Draft;
use page::{Page, Report};

/// Problems of one input that are reported at once.
pub const MOST_PROBLEMS: usize = 100;

/// One text that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in messages: a path, or `-` for standard input.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What the command line and the trusted configuration say. The optional parts fill what the input
/// leaves open; where both speak, they must say the same.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Project.
    pub project: Label,
    /// Principal that plans.
    pub planner: Label,
    /// `--name`.
    pub name: Option<Label>,
    /// `--env`.
    pub environment: Option<Label>,
    /// `--target`.
    pub target: Option<Label>,
    /// The only target of the trusted configuration with its environment, if there is just one:
    /// taken where neither the input nor the command line names them.
    pub only: Option<(Label, Label)>,
    /// `--requested-by`: who asked. No input can name this person, because whoever asks may be
    /// kept from approving.
    pub requested_by: Option<Label>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Intake {
    /// What is asked for.
    pub proposal: Proposal,
    /// SHA-256 of the bytes that were read; of several texts, over the canonical list of theirs.
    pub input_digest: Digest,
    /// What a person may want to know of the reading.
    pub notes: Vec<String>,
}

/// A problem and the file it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Located {
    /// Name of the source; empty where the command line is meant.
    pub file: String,
    /// What is wrong there.
    #[serde(flatten)]
    pub problem: Problem,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}: ", self.file)?;
        }
        write!(f, "{}", self.problem)?;
        if self.problem.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.problem.hint) }
    }
}

/// Why no proposal could be read: everything at once, at most [`MOST_PROBLEMS`].
#[derive(Debug, Error)]
#[error("the input cannot be used: {}", listed(.problems))]
pub struct IntakeError {
    /// What is wrong, in the order of the input; never empty.
    pub problems: Vec<Located>,
}

fn listed(problems: &[Located]) -> String {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    match problems.len() {
        0 | 1 => first,
        more => format!("{more} problems, the first: {first}"),
    }
}

/// Reads a proposal: in its own form, as manifests, or in a model's chat text.
///
/// # Errors
/// [`IntakeError`], with every problem and its place.
pub fn read(
    sources: &[Source],
    defaults: &Defaults,
    limits: &Limits,
) -> Result<Intake, IntakeError> {
    let mut report = Report::default();
    let mut notes = Vec::new();
    let pages = pages(sources, limits, &mut report, &mut notes);
    let mut taken = Taken::default();
    for page in &pages {
        taken.page(page, limits, &mut report, &mut notes);
    }
    taken.settle(&mut report);
    let header = match (taken.header, &taken.manifest) {
        (Some(header), _) => header.settled(defaults, &pages, &mut report),
        (None, Some(_)) => Header::default().settled(defaults, &pages, &mut report),
        (None, None) => None,
    };
    let operations = whole::checked(taken.drafts, &pages, limits, &mut report);
    let input_digest = digest(sources)
        .map_err(|error| IntakeError { problems: vec![unplaced(error.to_string())] })?;
    match (report.finish(), header) {
        (Ok(()), Some(header)) => Ok(Intake {
            proposal: Proposal {
                project: defaults.project.clone(),
                name: header.name,
                environment: header.environment,
                target: header.target,
                planner: defaults.planner.clone(),
                requested_by: defaults.requested_by.clone(),
                intent: header.intent,
                operations,
            },
            input_digest,
            notes,
        }),
        (Err(error), _) => Err(error),
        // A header that does not settle has reported why.
        (Ok(()), None) => Err(IntakeError { problems: vec![unplaced("no plan is named")] }),
    }
}

fn unplaced(message: impl Into<String>) -> Located {
    Located { file: String::new(), problem: Problem::new(message) }
}

fn digest(sources: &[Source]) -> Result<Digest, CanonicalError> {
    if let [only] = sources {
        return Ok(Digest::of(&only.bytes));
    }
    let each: Vec<_> = sources.iter().map(|source| Digest::of(&source.bytes)).collect();
    Ok(Digest::of(&canonical::to_jcs(&each)?))
}

/// The texts to read: of a chat text, its one fenced Proposal.
fn pages<'s>(
    sources: &'s [Source],
    limits: &Limits,
    report: &mut Report,
    notes: &mut Vec<String>,
) -> Vec<Page<'s>> {
    let total = sources.iter().map(|source| source.bytes.len()).fold(0, usize::saturating_add);
    if total > limits.max_bytes {
        let most = limits.max_bytes;
        let problem = Problem::new(format!("the input is larger than {most} bytes"));
        report.add("", problem.hint("split it; `max-bytes` in countersign.toml is the limit"));
        return Vec::new();
    }
    let mut pages = Vec::new();
    for source in sources {
        let page = match text::utf8(&source.bytes) {
            Ok(text) => fence::page(&source.name, text, limits, report, notes),
            Err(problem) => {
                report.add(&source.name, problem);
                None
            }
        };
        if let Some(page) = page {
            pages.push(Page { index: pages.len(), ..page });
        }
    }
    pages
}

/// What the pages held so far.
#[derive(Default)]
struct Taken {
    header: Option<Header>,
    drafts: Vec<Draft>,
    /// Where the first Proposal stands, and the first manifest.
    proposal: Option<(String, u32)>,
    manifest: Option<(String, u32)>,
    wrong: bool,
}

impl Taken {
    fn page(
        &mut self,
        page: &Page<'_>,
        limits: &Limits,
        report: &mut Report,
        notes: &mut Vec<String>,
    ) {
        if object::is_kustomization_name(page.file.rsplit('/').next().unwrap_or_default()) {
            self.wrong = true;
            let problem = body::kustomization();
            return report.add(&page.file, problem.at(1, 1));
        }
        let reading = read::reading(&page.text, &page.limits(limits));
        self.wrong |= !reading.problems.is_empty();
        for problem in reading.problems {
            report.add(&page.file, page.placed(problem));
        }
        for read::Document { value, node, line, .. } in reading.documents {
            let mut leaf = page.leaf(node, report);
            let place = (page.file.to_string(), page.line(line));
            if form::is_proposal(&value) {
                if let Some((file, first)) = &self.proposal {
                    let message =
                        format!("a second Proposal; the first is at {file}, line {first}");
                    leaf.refuse(&Pointer::default(), message, "one plan is made of one Proposal");
                    continue;
                }
                self.proposal = Some(place);
                let (header, drafts) = form::proposal(value, &mut leaf);
                self.header = Some(header);
                self.drafts.extend(drafts);
            } else {
                self.manifest.get_or_insert(place);
                operation::manifests(value, &mut leaf, &mut self.drafts, notes);
            }
        }
    }

    /// What only all pages together show.
    fn settle(&self, report: &mut Report) {
        if let (Some((file, line)), Some((other, at))) = (&self.proposal, &self.manifest) {
            let message = format!("a manifest beside the Proposal at {file}, line {line}");
            let hint = "put it into the Proposal as `apply:`, or leave the Proposal out";
            report.add(other, Problem::new(message).at(*at, 1).hint(hint));
        }
        let nothing = self.proposal.is_none() && self.manifest.is_none();
        if nothing && !self.wrong && report.is_empty() {
            let hint = "give a Proposal, Kubernetes manifests, or a text with one fenced Proposal";
            report.add("", Problem::new("the input holds nothing to plan").hint(hint));
        }
    }
}

/// What a header says once every default is filled in.
struct Settled {
    name: Label,
    environment: Label,
    target: Label,
    intent: Intent,
}
