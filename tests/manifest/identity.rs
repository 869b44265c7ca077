//! Who an object says it is: no spelling of a known kind but its own.

use countersign::manifest::object::{self, ObjectError};
use serde_json::{Value, json};

fn object(api: &str, kind: &str, namespace: &str) -> Value {
    let mut metadata = json!({"name": "a"});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": api, "kind": kind, "metadata": metadata, "data": {"a": "b"}})
}

#[test]
fn a_known_kind_in_other_letters_is_refused() {
    for (api, kind, known) in [
        ("v1", "secret", "Secret"),
        ("v1", "SECRET", "Secret"),
        ("v2", "sEcret", "Secret"),
        ("v1", "namespace", "Namespace"),
        ("v1", "configmap", "ConfigMap"),
        ("apps/v1", "deployment", "Deployment"),
        ("rbac.authorization.k8s.io/v1", "clusterRoleBinding", "ClusterRoleBinding"),
        ("networking.k8s.io/v1", "INGRESS", "Ingress"),
    ] {
        for namespace in ["", "s"] {
            let wanted = ObjectError::Spelling { kind: kind.to_owned(), known };
            assert_eq!(
                object::identity(&object(api, kind, namespace)),
                Err(wanted),
                "{api} {kind}"
            );
        }
    }
    for (api, kind) in [("v1", "Secret"), ("x.io/v1", "secret"), ("apps/v1", "secret")] {
        assert!(object::identity(&object(api, kind, "s")).is_ok(), "{api} {kind}");
    }
}

#[test]
fn values_of_a_secret_are_seen_in_any_spelling() {
    for (api, kind, held) in [
        ("v1", "Secret", true),
        ("v1", "secret", true),
        ("v2", "SECRET", true),
        ("x.io/v1", "Secret", false),
        ("v1", "ConfigMap", false),
    ] {
        assert_eq!(object::holds_secret_values(&object(api, kind, "s")), held, "{api} {kind}");
    }
}

#[test]
fn the_form_of_a_known_kind_is_checked_and_that_of_others_left_open() {
    for (api, kind, namespaced, cluster) in [
        ("v1", "ConfigMap", true, false),
        ("v1", "Namespace", false, true),
        ("scheduling.k8s.io/v1alpha2", "Workload", true, false),
        ("storagemigration.k8s.io/v1beta1", "StorageVersionMigration", false, true),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", true, false),
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", true, true),
        ("x.io/v1", "Grant", true, true),
    ] {
        assert_eq!(object::identity(&object(api, kind, "s")).is_ok(), namespaced, "{api} {kind}");
        assert_eq!(object::identity(&object(api, kind, "")).is_ok(), cluster, "{api} {kind}");
    }
}
