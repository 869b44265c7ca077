//! The connection to a cluster: whom it trusts, how it reaches it, what it asks, and what the
//! answers are taken for.

mod answers;
mod authorities;
mod asks;
mod context;
mod network;
mod writers;

use std::path::PathBuf;
use std::time::Duration;

use countersign::remote::kubernetes::{Access, Cluster, Failure, Kind, Kinds, Place, Proxies};
use serde_json::Value;

use crate::support::cluster::user::User;

const PATIENCE: Duration = Duration::from_secs(20);

fn access(kubeconfig: PathBuf) -> Access {
    Access {
        kubeconfig: vec![kubeconfig],
        context: "prod".to_owned(),
        patience: PATIENCE,
        proxies: Proxies::default(),
    }
}

/// A connection in the name of a user.
fn connect(user: &User) -> Cluster {
    let folder = tempfile::tempdir().unwrap();
    Cluster::connect(&access(user.kubeconfig(folder.path())), None).unwrap()
}

fn kinds(cluster: &Cluster) -> std::sync::Arc<Kinds> {
    let asked = cluster.clone();
    cluster.run(async move { asked.kinds().await }).unwrap().unwrap()
}

fn get(cluster: &Cluster, place: Place) -> Result<Option<Value>, Failure> {
    let asked = cluster.clone();
    cluster.run(async move { asked.get(&place).await }).unwrap()
}

/// A kind of the core group, or another, as a server of any version has it.
fn kind(group: &str, version: &str, kind: &str, plural: &str) -> Kind {
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced: !["Namespace", "StorageClass", "PriorityClass", "ClusterRoleBinding"]
            .contains(&kind),
        listable: true,
    }
}

fn config_map() -> Kind {
    kind("", "v1", "ConfigMap", "configmaps")
}

fn place(kind: Kind, namespace: &str, name: &str) -> Place {
    Place { kind, namespace: namespace.to_owned(), name: name.to_owned() }
}
