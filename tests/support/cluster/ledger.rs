//! A place for a ledger in the cluster of the tests, and a user who has exactly the rights that
//! `fixtures/kubernetes/ledger-role.yaml` grants.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use countersign::ledger::kubernetes::Location;
use countersign::remote::kubernetes::{Access, Cluster as Connection, Identity, Proxies};
use serde_json::Value;

use super::user::User;
use super::{Cluster, Namespace, cluster};

/// The name of the namespace and that of the user in the manifest.
const NAMESPACE: &str = "countersign";
const USER: &str = "applier";

/// The Role and what goes with it.
pub(crate) fn manifest() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("fixtures/kubernetes/ledger-role.yaml")).unwrap()
}

/// Grants what the manifest grants, in a namespace that is there; names are this user's own.
pub(crate) fn grant(cluster: &Cluster, namespace: &str, user: &User) {
    let own = |text: &str| format!("{text}-{namespace}-{}", user.name());
    for mut object in serde_saphyr::from_multiple::<Value>(&manifest()).unwrap() {
        let name = own(object["metadata"]["name"].as_str().unwrap());
        object["metadata"]["name"] = name.clone().into();
        if object["metadata"]["namespace"] == NAMESPACE {
            object["metadata"]["namespace"] = namespace.into();
        }
        if let Some(role) = object.get_mut("roleRef") {
            role["name"] = name.into();
        }
        for subject in
            object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten()
        {
            assert_eq!(subject["name"], USER);
            subject["name"] = user.name().into();
        }
        cluster.admin().apply(&object);
    }
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
