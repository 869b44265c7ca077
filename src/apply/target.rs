//! Where the changes of a plan are to be made: what the trusted configuration says, and never another
//! kind of target than the one that the plan was made for.

use super::kubernetes::{Patience, Place};
use super::report::{Report, Stop};
use crate::causes;
use crate::config::{Config, Target};
use crate::document::effect::TargetIdentity;
use crate::files::{self, FileError, Folder};
use crate::observe::Outside;
use crate::plan::Plan;

/// The way to a target.
pub(super) enum Way<'a> {
    /// Its folder, or why that cannot be opened.
    Directory(Result<Folder, FileError>),
    /// The cluster, and how to reach it.
    Kubernetes(Place<'a>),
}

/// The way to the target of a plan.
///
/// # Errors
/// [`Stop::Target`].
pub(super) fn way<'a>(
    plan: &Plan,
    config: &'a Config,
    outside: &'a Outside<'a>,
) -> Result<Way<'a>, Stop> {
    let other = || Stop::Target("it is of another kind than when it was planned".to_owned());
    let proposal = &plan.document().proposal;
    match &plan.document().effect.target {
        TargetIdentity::Directory { path, .. } => {
            let project = files::open_folder(outside.project);
            Ok(Way::Directory(project.and_then(|project| project.folder(path))))
        }
        TargetIdentity::Kubernetes { .. } => {
            let found = config.target(&proposal.environment, &proposal.target);
            match found.map_err(|error| Stop::Target(causes::line(&error)))? {
                Target::Kubernetes(target) => {
                    let reach = outside.kubernetes.as_ref();
                    let unreached = || Stop::Target("no way to its cluster was given".to_owned());
                    let (reach, patience) = (reach.ok_or_else(unreached)?, Patience::default());
                    Ok(Way::Kubernetes(Place { target, reach, patience }))
                }
                Target::Directory(_) | Target::Cloudformation(_) => Err(other()),
            }
        }
        TargetIdentity::Cloudformation { .. } => Err(other()),
    }
}

/// The report where the way to the target is not known: nothing was written.
pub(super) fn unknown(plan: &Plan, stop: Stop) -> Report {
    let ids = plan.document().effect.waves.iter().flatten();
    let mut report = Report::new(ids.map(ToString::to_string));
    report.stopped(stop);
    report
}
