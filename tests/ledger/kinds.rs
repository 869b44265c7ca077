//! The kinds of ledger as several processes open them, each on a machine of its own: with a clone
//! of its own, a state folder of its own, and whatever else a runner brings.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use countersign::git::{Person, Repository};
use countersign::ledger::git::{Git, GitPlace};
use countersign::ledger::kubernetes::Namespace;
use countersign::ledger::local::Local;
use countersign::ledger::object::Objects;
use countersign::ledger::{Home, Ledger};

use crate::support::apply::*;
use crate::support::cluster;
use crate::support::git::{Server, cloned, surroundings};
use crate::support::killed::child;
use crate::support::localstack;

const KIND: &str = "COUNTERSIGN_TEST_KIND";
const LEASE_MS: &str = "COUNTERSIGN_TEST_LEASE";
/// Holds the address of the bucket, in the folder that the processes share.
const BUCKET: &str = "bucket";
/// Holds the name of the namespace, beside the kubeconfig.
const NAMESPACE: &str = "namespace";

/// A kind of ledger, and who shares what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder of one machine.
    Local,
    /// A branch, with a clone for each runner.
    Git,
    /// A branch, with one clone for all of them.
    OneClone,
    /// A bucket.
    Object,
    /// A namespace of a cluster.
    Kubernetes,
}

const ALL: [Kind; 5] = [Kind::Local, Kind::Git, Kind::OneClone, Kind::Object, Kind::Kubernetes];

/// What all runners reach: a folder with the local ledger, the remote, or the name of the bucket or
/// namespace.
pub(crate) struct Ground {
    pub(crate) kind: Kind,
    pub(crate) folder: tempfile::TempDir,
    lease: Duration,
}

impl Ground {
    /// Ground with an empty ledger in it.
    pub(crate) fn with_ledger(kind: Kind, lease: Duration) -> Self {
        let folder = match kind {
            Kind::Local => {
                let folder = tempfile::tempdir().unwrap();
                drop(Local::create(&folder.path().join("ledger")).unwrap());
                folder
            }
            Kind::Git | Kind::OneClone => Server::new().folder,
            Kind::Object => {
                let folder = tempfile::tempdir().unwrap();
                std::fs::write(folder.path().join(BUCKET), localstack::bucket().url).unwrap();
                folder
            }
            Kind::Kubernetes => {
                let folder = tempfile::tempdir().unwrap();
                let (namespace, user) = cluster::ledger::granted();
                user.kubeconfig(folder.path());
                std::fs::write(folder.path().join(NAMESPACE), namespace.name()).unwrap();
                folder
            }
        };
        let ground = Self { kind, folder, lease };
        let home = home(kind, ground.folder.path(), "maker", lease);
        Ledger::create(home, &label("shop"), id(1), now()).unwrap();
        ground
    }

    /// The ledger as a runner of this name opens it.
    pub(crate) fn open(&self, runner: &str) -> Ledger {
        let home = home(self.kind, self.folder.path(), runner, self.lease);
        Ledger::open(home, &label("shop")).unwrap()
    }

    /// A process that runs one ignored test on this ground.
    pub(crate) fn child(&self, test: &str) -> Command {
        let mut child = child(test, self.folder.path());
        self.tell(&mut child);
        child
    }

    /// What a process needs to find this ground.
    pub(crate) fn tell(&self, child: &mut Command) {
        child.env(KIND, format!("{:?}", self.kind));
        child.env(LEASE_MS, self.lease.as_millis().to_string());
        if self.kind == Kind::Object {
            let address = localstack::address();
            assert!(!address.is_empty());
            child.envs(localstack::for_children());
        }
        if self.kind == Kind::Kubernetes {
            child.envs(cluster::for_children());
        }
    }
}

/// In a child: the ledger of its ground, as a runner of this name opens it.
pub(crate) fn opened_by(runner: &str) -> Ledger {
    let kind = std::env::var(KIND).unwrap();
    let kind = ALL.into_iter().find(|known| format!("{known:?}") == kind).unwrap();
    let lease = std::env::var(LEASE_MS).unwrap().parse().unwrap();
    let folder = crate::support::killed::folder();
    let home = home(kind, &folder, runner, Duration::from_millis(lease));
    Ledger::open(home, &label("shop")).unwrap()
}

fn home(kind: Kind, folder: &Path, runner: &str, lease: Duration) -> Home {
    match kind {
        Kind::Local => Home::local(Local::open(&folder.join("ledger")).unwrap()),
        Kind::Git | Kind::OneClone => {
            let clone = if kind == Kind::Git { runner } else { "everybody" };
            let mut surroundings = surroundings(folder);
            surroundings.patience = Duration::from_secs(120);
            let repository = Repository::open(&cloned(folder, clone), surroundings).unwrap();
            let place = GitPlace {
                remote: "origin".to_owned(),
                branch: "countersign-ledger".to_owned(),
                author: Person { name: "countersign".to_owned(), address: runner.to_owned() },
                lease,
            };
            Home::shared(Arc::new(Git::create(&repository, place).unwrap()))
        }
        Kind::Object => {
            let url = std::fs::read_to_string(folder.join(BUCKET)).unwrap();
            let mut bucket = localstack::at(&url);
            bucket.lease = lease;
            bucket.patience = Duration::from_secs(120);
            Home::shared(Arc::new(Objects::open(&bucket, &localstack::credentials).unwrap()))
        }
        Kind::Kubernetes => {
            let namespace = std::fs::read_to_string(folder.join(NAMESPACE)).unwrap();
            let mut location = cluster::ledger::location(folder.join("kubeconfig"), &namespace);
            location.lease = lease;
            location.access.patience = Duration::from_secs(120);
            Home::shared(Arc::new(Namespace::open(&location).unwrap()))
        }
    }
}
