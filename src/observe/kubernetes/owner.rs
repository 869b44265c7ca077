//! Objects that Argo CD or Flux brings to the cluster from somewhere else: what is changed here would
//! be undone from there, or fight with it.

use std::fmt;

use serde_json::Value;

use crate::document::operation::{Consent, Operation};

/// Who keeps an object as it is written elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keeper {
    product: &'static str,
    /// What says so.
    by: String,
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.product, self.by)
    }
}

const ARGO: &str = "Argo CD";
const FLUX: &str = "Flux";

/// Field managers, as their controllers call themselves.
const MANAGERS: [(&str, &str); 4] = [
    ("argocd-controller", ARGO),
    ("argocd-application-controller", ARGO),
    ("kustomize-controller", FLUX),
    ("helm-controller", FLUX),
];

/// Labels and annotations by which they find their objects again.
const MARKS: [(&str, &str, &str); 4] = [
    ("annotations", "argocd.argoproj.io/tracking-id", ARGO),
    ("labels", "argocd.argoproj.io/instance", ARGO),
    ("labels", "kustomize.toolkit.fluxcd.io/name", FLUX),
    ("labels", "helm.toolkit.fluxcd.io/name", FLUX),
];

/// Why an operation may not touch an object that one of them keeps, in words.
pub fn kept(operation: &Operation, live: &Value) -> Option<String> {
    let keeper = keeper(live).filter(|_| operation.force == Consent::Refused)?;
    Some(format!("the object is kept by {keeper}; the operation lacks `force: allowed`"))
}

/// Who keeps this object, if one of them does.
fn keeper(live: &Value) -> Option<Keeper> {
    let metadata = live.get("metadata")?;
    let marked = MARKS.iter().find_map(|(member, name, product)| {
        metadata.get(member)?.get(name)?;
        Some(Keeper { product, by: format!("by {} {name}", member.trim_end_matches('s')) })
    });
    let managers = || {
        let entries = metadata.get("managedFields").and_then(Value::as_array)?;
        let names = entries.iter().filter_map(|entry| entry.get("manager")?.as_str());
        names.into_iter().find_map(|name| {
            let (_, product) = MANAGERS.iter().find(|(manager, _)| *manager == name)?;
            Some(Keeper { product, by: format!("as manager {name}") })
        })
    };
    marked.or_else(managers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_known_by_its_marks_and_its_managers() {
        let cases = [
            (json!({"labels": {"app.kubernetes.io/instance": "web"}}), None),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/web"}}),
                Some("Argo CD (by annotation argocd.argoproj.io/tracking-id)"),
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
                Some("Flux (by label kustomize.toolkit.fluxcd.io/name)"),
            ),
            (
                json!({"managedFields": [{"manager": "kubectl"}, {"manager": "helm-controller"}]}),
                Some("Flux (as manager helm-controller)"),
            ),
        ];
        for (metadata, expected) in cases {
            let found = keeper(&json!({"metadata": metadata})).map(|keeper| keeper.to_string());
            assert_eq!(found.as_deref(), expected, "{metadata}");
        }
    }
}
