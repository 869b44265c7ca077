//! How a command reaches the targets of a project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fault::Fault;
use super::secrets;
use super::session::Session;
use crate::config::Target;
use crate::document::proposal::Proposal;
use crate::gate::Trusted;
use crate::observe::Outside;
use crate::observe::kubernetes::Reach;
use crate::remote::kubernetes::{Access, Proxies};

/// How long one answer of an API server is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What observing the target of a proposal needs.
pub(super) fn outside<'a>(
    proposal: &Proposal,
    project: &'a Path,
    trusted: &'a Trusted,
    session: &mut Session<'_, '_>,
) -> Result<Outside<'a>, Fault> {
    let config = &trusted.config;
    // A target that is not there is for whoever looks for it to say.
    let target = config.target(&proposal.environment, &proposal.target).ok();
    let kubernetes = match target {
        Some(Target::Kubernetes(target)) => {
            let vault = secrets::vault(proposal, trusted, session)?;
            let access = access(&target.context, session);
            Some(Reach::new(access, proposal.target.clone(), vault))
        }
        Some(Target::Directory(_) | Target::Cloudformation(_)) | None => None,
    };
    Ok(Outside { project, limits: &config.limits, kubernetes })
}

/// The way to a cluster by the name of a context: the files of `KUBECONFIG`, or the one in the home
/// folder, as `kubectl` looks for them.
pub(super) fn access(context: &str, session: &mut Session<'_, '_>) -> Access {
    let mut variable = |name: &str| {
        let found = session.world().environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let proxies = Proxies::of(|name| variable(name)?.into_string().ok());
    let (list, home) = (variable("KUBECONFIG"), variable("HOME"));
    let kubeconfig: Vec<PathBuf> = match (list, home) {
        (Some(list), _) => std::env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| session.path(&path))
            .collect(),
        (None, Some(home)) => vec![PathBuf::from(home).join(".kube/config")],
        (None, None) => Vec::new(),
    };
    Access { kubeconfig, context: context.to_owned(), patience: PATIENCE, proxies }
}
