//! Why a plan is not authorized: one named refusal for each check, with its exit code and what to
//! do next.

use thiserror::Error;

use super::trusted::TrustedError;
use crate::clock::Instant;
use crate::config::ConfigError;
use crate::document::code::Code;
use crate::document::ident::{Digest, Label, ResourceId};
use crate::document::statement::StatementError;
use crate::ledger::LedgerError;
use crate::plan::OpenError;
use crate::policy::judge::PolicyError;
use crate::policy::verdict::Finding;
use crate::trust::envelope::EnvelopeError;
use crate::trust::quorum::{QuorumError, Standing};

/// One reason against a plan.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The bytes are not a plan that can be believed.
    #[error("plan.json cannot be believed")]
    Plan(#[source] Box<OpenError>),
    /// The trust root is past its end.
    #[error("trust.json version {version} expired at {at}")]
    TrustExpired {
        /// Its version.
        version: u64,
        /// Its end.
        at: Instant,
    },
    /// An apply has seen a newer trust root.
    #[error("trust.json is version {version}, but an apply has already seen version {seen}")]
    TrustRolledBack {
        /// Its version.
        version: u64,
        /// The highest that was seen.
        seen: u64,
    },
    /// An apply has seen this version with other bytes.
    #[error("trust.json version {version} is not the version {version} that an apply has seen")]
    TrustForked {
        /// Its version.
        version: u64,
    },
    /// The trust root changed while the gate ran.
    #[error("trust.json changed while this apply was being checked")]
    TrustChanged,
    /// The trust root cannot be read a second time.
    #[error("trust.json cannot be read again")]
    TrustUnreadable(#[source] Box<TrustedError>),
    /// A plan of another project.
    #[error("the plan is of project {found}; this is project {wanted}")]
    Project {
        /// As the plan says.
        found: Label,
        /// As the configuration says.
        wanted: Label,
    },
    /// The configuration does not have the plan's environment or target.
    #[error("the plan's target is not in the trusted configuration")]
    Target(#[source] Box<ConfigError>),
    /// The target is not what it was when planned.
    #[error("target {target} is {live} here; the plan was made against {planned}")]
    TargetDiffers {
        /// Name of the target.
        target: Label,
        /// What it is.
        live: String,
        /// What it was.
        planned: String,
    },
    /// Objects that the target does not let a plan change.
    #[error("{} outside the scope of target {target}: {}", if .objects.len() == 1 { "an object is" } else { "objects are" }, listed(.objects))]
    OutOfScope {
        /// Name of the target.
        target: Label,
        /// The objects.
        objects: Vec<ResourceId>,
    },
    /// The plan can be read, but never applied.
    #[error("the plan is incomplete: {}", .0.join("; "))]
    Incomplete(Vec<String>),
    /// There is no planner's statement.
    #[error("planner.intoto.json is missing: nobody says who made this plan")]
    PlannerMissing,
    /// The planner's statement is not signed as it must be.
    #[error("planner.intoto.json is not signed by {planner}, whom the plan names")]
    PlannerSignature {
        /// The planner that the plan names.
        planner: Label,
        /// Why.
        source: Box<EnvelopeError>,
    },
    /// The plan names a planner that is none.
    #[error(
        "the plan names {planner} as its planner, who is no `planner` in trust.json version {version}"
    )]
    PlannerUnknown {
        /// As the plan says.
        planner: Label,
        /// Version of the trust root.
        version: u64,
    },
    /// The planner's statement cannot be read.
    #[error("planner.intoto.json is not a planner's statement")]
    PlannerStatement(#[source] Box<StatementError>),
    /// The planner's statement is about something else.
    #[error("planner.intoto.json is about plan {0}, not about this one")]
    PlannerSubject(Digest),
    /// Policies refuse.
    #[error("policies deny the plan: {}", told(.0))]
    Denied(Vec<Finding>),
    /// The policies could not be asked.
    #[error("the policies gave no verdict")]
    NoVerdict(#[source] Box<PolicyError>),
    /// The quorum cannot be computed.
    #[error("the quorum cannot be counted")]
    Quorum(#[source] Box<QuorumError>),
    /// Not enough people.
    #[error("{}", short_of(.0))]
    BelowQuorum(Standing),
    /// Not enough people, and something that was meant as an approval does not count.
    #[error("{}; {} there and {} not count", short_of(.standing), if .faults.len() == 1 { "an approval is" } else { "approvals are" }, if .faults.len() == 1 { "does" } else { "do" })]
    BadApproval {
        /// Where the plan stands.
        standing: Standing,
        /// Name of each paper, and why it does not count.
        faults: Vec<(String, String)>,
        /// Whether one of them is by a key that nobody enrolled.
        unknown: bool,
        /// Whether one of them is spent.
        spent: bool,
    },
    /// Somebody said no.
    #[error("{} rejected the plan", .0.iter().map(Label::as_str).collect::<Vec<_>>().join(" and "))]
    Rejected(Vec<Label>),
    /// An approval ran out while the gate ran.
    #[error("an approval expired at {at}, before the first write")]
    ExpiredMeanwhile {
        /// When.
        at: Instant,
    },
    /// The clock of this machine would let what has expired count again.
    #[error("the clock says {now}, but an apply of this target ended at {last}")]
    ClockBehind {
        /// As the clock says.
        now: Instant,
        /// As the newest receipt says.
        last: Instant,
    },
    /// The live target does not give the same plan.
    #[error("plan {} is stale; nothing was changed", short(.plan))]
    Stale {
        /// Digest of the plan.
        plan: Digest,
        /// What differs, in words; at least one.
        differences: Vec<String>,
        /// Whether the target could be read; else no plan can be made before that is mended.
        readable: bool,
    },
    /// What is reached is not what the configuration pins.
    #[error("the target is not the one that is pinned; nothing was changed")]
    OtherTarget(#[source] Box<crate::observe::ObserveError>),
    /// The target cannot be read.
    #[error("the target cannot be observed")]
    Unobservable(#[source] Box<crate::observe::ObserveError>),
    /// What stands around the changes cannot be read any more: each list, and why.
    #[error("what the changes reach cannot be read any more; nothing was changed")]
    Unreadable(Vec<String>),
    /// The one who applies is nobody's applier.
    #[error("key {key} is not of an `applier` in trust.json version {version}")]
    NotApplier {
        /// Fingerprint of the key.
        key: String,
        /// Version of the trust root.
        version: u64,
    },
    /// An earlier apply of this plan began and did not finish.
    #[error("an apply of this plan was begun and is not finished")]
    Begun,
    /// The unfinished apply of the plan commits what it changes, and this one would not, or to
    /// another branch.
    #[error("an apply of this plan was begun that commits to branch {0}")]
    BegunForBranch(String),
    /// There is nothing to resume.
    #[error("no apply of this plan was begun: there is nothing to resume")]
    NothingBegun,
    /// The ledger refuses.
    #[error("the ledger refuses")]
    Ledger(#[source] Box<LedgerError>),
}

impl Refusal {
    /// The exit code.
    pub fn code(&self) -> Code {
        match self {
            Self::Plan(_)
            | Self::PlannerMissing
            | Self::PlannerSignature { .. }
            | Self::PlannerUnknown { .. }
            | Self::PlannerStatement(_)
            | Self::PlannerSubject(_) => Code::PlanIntegrity,
            Self::TrustExpired { .. }
            | Self::TrustRolledBack { .. }
            | Self::TrustForked { .. }
            | Self::TrustChanged
            | Self::TrustUnreadable(_)
            | Self::Quorum(_) => Code::TrustInvalid,
            Self::Project { .. }
            | Self::Target(_)
            | Self::OutOfScope { .. }
            | Self::Incomplete(_) => Code::NotApplyable,
            Self::Denied(_) => Code::PolicyDenied,
            Self::NoVerdict(_)
            | Self::Unobservable(_)
            | Self::Unreadable(_)
            | Self::NothingBegun
            | Self::NotApplier { .. } => Code::Error,
            // What the ledger holds and what the clock says cannot both be true.
            Self::ClockBehind { .. } => Code::LedgerUnusable,
            Self::BelowQuorum(_) => Code::ApprovalRequired,
            Self::BadApproval { .. } | Self::Rejected(_) | Self::ExpiredMeanwhile { .. } => {
                Code::ApprovalInvalid
            }
            Self::TargetDiffers { .. } | Self::Stale { .. } | Self::OtherTarget(_) => {
                Code::PlanStale
            }
            Self::Begun | Self::BegunForBranch(_) => Code::LockHeld,
            Self::Ledger(error) => error.code(),
        }
    }

    /// Lines of cause that are not errors of their own.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Denied(findings) => findings
                .iter()
                .map(|f| format!("{} ({}:{}): {}", f.rule, f.file, f.line, f.message))
                .collect(),
            Self::BadApproval { faults, .. } => {
                faults.iter().map(|(name, fault)| format!("{name}: {fault}")).collect()
            }
            Self::Stale { differences, .. } | Self::Unreadable(differences) => differences.clone(),
            Self::Plan(_)
            | Self::TrustExpired { .. }
            | Self::TrustRolledBack { .. }
            | Self::TrustForked { .. }
            | Self::TrustChanged
            | Self::TrustUnreadable(_)
            | Self::Project { .. }
            | Self::Target(_)
            | Self::TargetDiffers { .. }
            | Self::OutOfScope { .. }
            | Self::Incomplete(_)
            | Self::PlannerMissing
            | Self::PlannerSignature { .. }
            | Self::PlannerUnknown { .. }
            | Self::PlannerStatement(_)
            | Self::PlannerSubject(_)
            | Self::NoVerdict(_)
            | Self::Quorum(_)
            | Self::BelowQuorum(_)
            | Self::Rejected(_)
            | Self::ExpiredMeanwhile { .. }
            | Self::ClockBehind { .. }
            | Self::OtherTarget(_)
            | Self::Unobservable(_)
            | Self::NotApplier { .. }
            | Self::Begun
            | Self::BegunForBranch(_)
            | Self::NothingBegun
            | Self::Ledger(_) => Vec::new(),
        }
    }

    /// What to do next; `{plan}` stands for the plan's folder.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Plan(error) => match **error {
                OpenError::Rules { .. } => {
                    "plan again with this version, then ask for new approvals"
                }
                OpenError::Canonical(_)
                | OpenError::Contradiction(_)
                | OpenError::Derived { .. } => {
                    "restore plan.json as it was planned (`git checkout {plan}/plan.json`), or plan again"
                }
            },
            Self::TrustExpired { .. } => {
                "`countersign trust renew` on the trusted side writes a version that holds for longer"
            }
            Self::TrustRolledBack { .. } | Self::TrustForked { .. } => {
                "use the current trust.json of the trusted branch; if this one is right, find out who applied with the other"
            }
            Self::TrustChanged => "run the same command again: it is judged by the new trust.json",
            Self::TrustUnreadable(_) => "see that trust.json stays readable during an apply",
            Self::Project { .. } | Self::Target(_) => {
                "plan in the project that declares this target in its countersign.toml"
            }
            Self::TargetDiffers { .. } => "plan again against the target as it is configured now",
            Self::OutOfScope { .. } => {
                "plan without these objects, or widen the target's scope on the trusted side"
            }
            Self::Incomplete(_) => "settle what the review marks as BLOCKED, then plan again",
            Self::PlannerMissing
            | Self::PlannerSignature { .. }
            | Self::PlannerStatement(_)
            | Self::PlannerSubject(_) => {
                "plan again: `countersign plan` writes plan.json and its planner's statement together"
            }
            Self::PlannerUnknown { .. } => {
                "enrol the planner on the trusted side: `countersign trust add NAME --key FILE.pub --role planner --machine --owner PERSON`"
            }
            Self::Denied(_) => "change the proposal so that the rules pass, then plan again",
            Self::NoVerdict(_) => {
                "mend the policies on the trusted side: without a verdict nothing is approved or applied"
            }
            Self::Quorum(error) => match **error {
                QuorumError::Requester(_) => {
                    "plan again with `--requested-by` somebody of trust.json, or enrol them on the trusted side"
                }
                QuorumError::Environment(_)
                | QuorumError::Planner(_)
                | QuorumError::MachineRole(_)
                | QuorumError::RoleNobodyHas(_)
                | QuorumError::CountZero(_) => {
                    "mend trust.json or the policy that asks for the role"
                }
            },
            Self::BelowQuorum(_) => {
                "ask for the approvals that are missing: `countersign status {plan}` says who could"
            }
            Self::BadApproval { unknown, spent, .. } => fault_hint(*unknown, *spent),
            Self::Rejected(_) => {
                "the same person takes it back by approving, or plan something else"
            }
            Self::ExpiredMeanwhile { .. } => "ask for a new approval",
            Self::ClockBehind { .. } => {
                "set the clock of this machine right, then apply again; if it is right, that of the machine which applied last was ahead: set that one right, and apply after the time it recorded"
            }
            Self::Stale { readable: true, .. } => {
                "plan again, then ask for new approvals; these do not carry over"
            }
            Self::Stale { readable: false, .. } => {
                "mend what cannot be read there, then apply again; the approvals still hold"
            }
            Self::OtherTarget(error) | Self::Unobservable(error) if !error.hint().is_empty() => {
                error.hint()
            }
            Self::OtherTarget(_) => "let the configuration and what it names be the same again",
            Self::Unobservable(_) => "mend what cannot be read; nothing was changed",
            Self::Unreadable(_) => {
                "mend that, then apply again; the approvals still hold. The rights that it takes are in fixtures/kubernetes/target-role.yaml (README, \"On a cluster\")"
            }
            Self::NotApplier { .. } => {
                "use the key of an applier (`--key`), or enrol this one on the trusted side"
            }
            Self::Begun => {
                "finish it with `countersign apply {plan} --resume`, or give it up with `--abandon --reason …`"
            }
            Self::BegunForBranch(_) => "finish it with `--resume --commit`, for that branch",
            Self::NothingBegun => "leave `--resume` out",
            Self::Ledger(error) => error.hint(),
        }
    }
}

fn fault_hint(unknown: bool, spent: bool) -> &'static str {
    if unknown {
        "if it is a colleague: `countersign trust add NAME --key FILE.pub --role ROLE`, merge that first, then sign again"
    } else if spent {
        "an approval is good for one apply; to apply this again, ask for new approvals"
    } else {
        "ask for approvals of these bytes, under these policies: `countersign approve {plan}`"
    }
}

/// What stands between a plan and its apply, in the order of the gate; never empty.
#[derive(Debug)]
pub struct Refused {
    /// The first one, which gives the exit code.
    pub first: Box<Refusal>,
    /// The others.
    pub others: Vec<Refusal>,
}

impl From<Refusal> for Refused {
    fn from(first: Refusal) -> Self {
        Self { first: Box::new(first), others: Vec::new() }
    }
}

impl Refused {
    /// All of them, if there is one.
    pub fn of(refusals: Vec<Refusal>) -> Option<Self> {
        let mut refusals = refusals.into_iter();
        let first = Box::new(refusals.next()?);
        Some(Self { first, others: refusals.collect() })
    }
}

/// The first digits of a digest, for messages; never enough to choose a plan by.
pub fn short(digest: &Digest) -> String {
    let mut text = digest.to_string();
    text.truncate(8);
    text.push('…');
    text
}

fn listed(objects: &[ResourceId]) -> String {
    let shown: Vec<String> = objects.iter().take(5).map(ToString::to_string).collect();
    match objects.len().checked_sub(shown.len()) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        Some(0) | None => shown.join(", "),
    }
}

fn told(findings: &[Finding]) -> String {
    match findings {
        [one] => one.rule.clone(),
        many => format!("{} findings", many.len()),
    }
}

fn short_of(standing: &Standing) -> String {
    let given = standing.counted.len();
    let wanted: u32 = standing.required.iter().map(|demand| demand.count).sum();
    let who = |counted: &crate::trust::quorum::Counted| counted.principal.as_str().to_owned();
    let names: Vec<_> = standing.counted.iter().map(who).collect();
    let by = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let open = standing.missing.iter().map(|m| format!("{} × {}", m.count, m.role));
    let open: Vec<_> = open.collect();
    format!("{given} of {wanted} required approvals{by}; missing: {}", open.join(", "))
}
