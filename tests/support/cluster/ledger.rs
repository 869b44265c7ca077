//! A place for a ledger in the cluster of the tests, and a user who has exactly the rights that
//! `fixtures/kubernetes/ledger-role.yaml` grants.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use countersign::ledger::kubernetes::Location;
use countersign::remote::kubernetes::{Access, Cluster as Connection, Identity, Proxies};

use super::user::User;
use super::{Cluster, Namespace, cluster, rights};

/// Grants what the manifest grants, in a namespace that is there; names are this user's own.
pub(crate) fn grant(cluster: &Cluster, namespace: &str, user: &User) {
    cluster.made(&rights::ledger(namespace, user.name()));
    for path in [
        "/api/v1/namespaces/kube-system".to_owned(),
        format!("/api/v1/namespaces/{namespace}/configmaps"),
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"),
    ] {
        allowed(user, &path);
    }
}

/// Waits until a user may read what is at a path: the API server learns of new rights a little later
/// than they are granted.
pub(crate) fn allowed(user: &User, path: &str) {
    user.client().wait_for(path, "the right is in force", |answer| answer["code"] != 403);
}

/// A namespace that no other test has, and a user who may keep a ledger there.
pub(crate) fn granted() -> (Namespace, User) {
    let cluster = cluster();
    let (namespace, user) = (cluster.namespace("ledger"), cluster.user());
    grant(cluster, namespace.name(), &user);
    (namespace, user)
}

/// What the cluster of the tests is.
pub(crate) fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let access = access(cluster().administrator().kubeconfig(folder.path()));
        let connection = Connection::connect(&access, None).unwrap();
        let asked = connection.clone();
        connection.run(async move { asked.identity().await }).unwrap().unwrap()
    })
}

fn access(kubeconfig: PathBuf) -> Access {
    let patience = Duration::from_secs(30);
    let (context, proxies) = ("prod".to_owned(), Proxies::default());
    Access { kubeconfig: vec![kubeconfig], context, patience, proxies }
}

/// A ledger's place by this kubeconfig.
pub(crate) fn location(kubeconfig: PathBuf, namespace: &str) -> Location {
    let Identity { uid, ca_spki } = identity().clone();
    Location {
        access: access(kubeconfig),
        cluster: uid,
        ca: ca_spki,
        namespace: namespace.to_owned(),
        lease: Duration::from_secs(6),
    }
}
