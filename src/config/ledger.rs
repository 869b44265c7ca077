//! Where the ledger is kept, as countersign.toml says.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, ConfigPlace, Target, check};
use crate::document::ident::Label;

/// Longest lease, in seconds: for so long a target stays locked after a runner died.
const LONGEST_LEASE: u64 = 3600;
/// Longest time to wait for an answer, in seconds.
const LONGEST_TIMEOUT: u64 = 600;

/// Where "once" is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ledger {
    /// A folder of one machine, outside every checkout.
    Local(LocalLedger),
    /// A branch of the project's own Git remote.
    Git(GitLedger),
    /// A bucket whose objects are written by conditional puts.
    ObjectStore(ObjectStoreLedger),
    /// A namespace of a cluster.
    Kubernetes(KubernetesLedger),
}

/// A folder of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LocalLedger {
    /// The folder: absolute. Absent: the user's state folder, by project name.
    pub path: Option<String>,
}

/// A branch of the project's own Git remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct GitLedger {
    /// The remote: a name that the clone knows, or an address.
    pub remote: String,
    /// The branch. Nobody should be able to move it back or to delete it.
    pub branch: String,
    /// For how long a lock outlives a holder that no longer renews it, in seconds.
    pub lease_seconds: u64,
    /// How long to wait for the remote, in seconds.
    pub timeout_seconds: u64,
}

impl Default for GitLedger {
    fn default() -> Self {
        Self {
            remote: "origin".to_owned(),
            branch: "countersign-ledger".to_owned(),
            lease_seconds: 120,
            timeout_seconds: 60,
        }
    }
}

/// A bucket whose objects are written by conditional puts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ObjectStoreLedger {
    /// Bucket and prefix: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix`.
    pub url: String,
    /// Region of the bucket.
    pub region: Option<String>,
    /// Address of the service, where it is not the cloud's own.
    pub endpoint: Option<String>,
    /// For how long a lock outlives a holder that no longer renews it, in seconds.
    #[serde(default = "minute")]
    pub lease_seconds: u64,
    /// How long to wait for an answer, in seconds.
    #[serde(default = "half_minute")]
    pub timeout_seconds: u64,
}

/// A namespace of a cluster, whose objects are written by the version that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KubernetesLedger {
    /// Context of the kubeconfig. It may lead to another cluster than those of targets.
    pub context: String,
    /// uid of its namespace `kube-system`.
    pub cluster: String,
    /// Digest of its certificate authority's public key: `sha256:` and 64 hexadecimal digits. A copy
    /// of a cluster has its uid too.
    pub ca: String,
    /// The namespace, which holds this ledger and no other.
    #[serde(default = "countersign")]
    pub namespace: String,
    /// For how long a lock outlives a holder that no longer renews it, in seconds.
    #[serde(default = "minute")]
    pub lease_seconds: u64,
    /// How long to wait for an answer, in seconds.
    #[serde(default = "half_minute")]
    pub timeout_seconds: u64,
}

fn countersign() -> String {
    "countersign".to_owned()
}

fn minute() -> u64 {
    60
}

fn half_minute() -> u64 {
    30
}

impl Default for Ledger {
    fn default() -> Self {
        Self::Local(LocalLedger::default())
    }
}

impl GitLedger {
    /// For how long a lock outlives its holder.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// How long to wait for the remote.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl ObjectStoreLedger {
    /// For how long a lock outlives its holder.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// How long to wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl KubernetesLedger {
    /// For how long a lock outlives its holder.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// How long to wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

/// What is wrong with it, if something is.
pub(super) fn shape(ledger: &Ledger) -> Result<(), String> {
    match ledger {
        Ledger::Local(LocalLedger { path: Some(path) }) if !path.starts_with('/') => {
            Err("path is not absolute; a ledger lies outside every checkout".to_owned())
        }
        Ledger::Local(_) => Ok(()),
        Ledger::Git(git) => {
            if git.remote.is_empty() || git.remote.starts_with('-') {
                return Err(format!("remote {:?} is no name or address of a remote", git.remote));
            }
            if git.remote.contains("::") {
                return Err(format!("remote {:?} runs a helper program", git.remote));
            }
            if !is_branch(&git.branch) {
                return Err(format!("branch {:?} is no name of a branch", git.branch));
            }
            times(git.lease_seconds, git.timeout_seconds)
        }
        Ledger::ObjectStore(store) => {
            let ObjectStoreLedger { url, endpoint, .. } = store;
            if !["s3://", "gs://", "az://"].iter().any(|scheme| url.starts_with(scheme)) {
                return Err(format!("url {url:?} begins with none of s3://, gs:// and az://"));
            }
            // Neither value is shown: whoever writes these characters writes a secret.
            if url.contains(['@', '?', '#']) {
                return Err("url has more than bucket and prefix; it holds no credentials".into());
            }
            let web = |address: &String| {
                (address.starts_with("https://") || address.starts_with("http://"))
                    && !address.contains(['@', '?', '#'])
            };
            if !endpoint.as_ref().is_none_or(web) {
                return Err("endpoint is no plain http(s) address; it holds no credentials".into());
            }
            times(store.lease_seconds, store.timeout_seconds)
        }
        Ledger::Kubernetes(cluster) => {
            if let Err(error) = cluster.namespace.parse::<Label>() {
                return Err(format!("namespace {error}"));
            }
            check::pinned(&cluster.context, &cluster.cluster, &cluster.ca)?;
            times(cluster.lease_seconds, cluster.timeout_seconds)
        }
    }
}

/// The targets by whose plans a ledger could be changed: their scope has its namespace.
pub(super) fn reached<'c>(ledger: &Ledger, config: &'c Config) -> Option<ConfigPlace<'c>> {
    let Ledger::Kubernetes(ledger) = ledger else {
        return None;
    };
    config.environments.iter().find_map(|(environment, inner)| {
        let (name, _) = inner.targets.iter().find(|(_, target)| match target {
            Target::Kubernetes(target) => {
                let named = |name: &Label| name.as_str() == ledger.namespace;
                target.cluster == ledger.cluster && target.namespaces.iter().any(named)
            }
            Target::Directory(_) | Target::Cloudformation(_) => false,
        })?;
        Some(ConfigPlace(environment, name))
    })
}

fn times(lease: u64, timeout: u64) -> Result<(), String> {
    if !(1..=LONGEST_LEASE).contains(&lease) {
        return Err(format!("lease-seconds is from 1 to {LONGEST_LEASE}, not {lease}"));
    }
    if !(1..=LONGEST_TIMEOUT).contains(&timeout) {
        return Err(format!("timeout-seconds is from 1 to {LONGEST_TIMEOUT}, not {timeout}"));
    }
    // One answer that never comes must not cost the lock: there is time for another renewal.
    if lease < timeout.saturating_mul(2) {
        return Err(format!(
            "lease-seconds ({lease}) is not twice timeout-seconds ({timeout}) or more: a lock would be lost by waiting for one answer"
        ));
    }
    Ok(())
}

/// Whether Git takes this as the name of a branch, by the rules of `git check-ref-format`.
fn is_branch(name: &str) -> bool {
    let bad = |c: char| c.is_ascii_control() || " ~^:?*[\\\u{7f}".contains(c);
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with(".lock")
            && !part.ends_with('.')
    };
    !name.starts_with('-')
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(bad)
        && name.split('/').all(part)
}
