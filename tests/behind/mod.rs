//! What changes behind the reviewers' backs, on a real cluster, by the built program: every refusal
//! has its code and its words, and the audit log shows that nothing was sent that was meant.

mod objects;
mod way;

use crate::cli::kube_project::KubeProject;

/// A project in which something was planned and approved, and is about to change.
struct Behind(KubeProject);

impl std::ops::Deref for Behind {
    type Target = KubeProject;

    fn deref(&self) -> &KubeProject {
        &self.0
    }
}
