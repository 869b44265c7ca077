//! Paths that the server does not let change once an object is there: whoever wants them otherwise
//! makes the object anew. Observed on Kubernetes 1.36.

use std::collections::BTreeSet;

use serde_json::Value;

use super::changed::{changed, fit};
use crate::document::ident::Pointer;
use crate::document::operation::ResourceRef;
use crate::plan::shape::{list, text, yes};

/// One rule: the pattern, and patterns beneath it that may change all the same.
struct Fixed {
    group: &'static str,
    kind: &'static str,
    path: &'static str,
    except: &'static [&'static str],
}

const fn fixed(group: &'static str, kind: &'static str, path: &'static str) -> Fixed {
    Fixed { group, kind, path, except: &[] }
}

impl Fixed {
    const fn except(mut self, except: &'static [&'static str]) -> Self {
        self.except = except;
        self
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const CRD: (&str, &str) = ("apiextensions.k8s.io", "CustomResourceDefinition");

/// A pattern that ends in `**` is reported as what stands before that.
const FIXED: &[Fixed] = &[
    fixed("apps", "Deployment", "/spec/selector/**"),
    fixed("apps", "DaemonSet", "/spec/selector/**"),
    fixed("apps", "ReplicaSet", "/spec/selector/**"),
    fixed("apps", "StatefulSet", "/spec/*/**").except(&[
        "/spec/replicas",
        "/spec/ordinals/**",
        "/spec/template/**",
        "/spec/updateStrategy/**",
        "/spec/revisionHistoryLimit",
        "/spec/persistentVolumeClaimRetentionPolicy/**",
        "/spec/minReadySeconds",
    ]),
    fixed("batch", "Job", "/spec/selector/**"),
    fixed("batch", "Job", "/spec/manualSelector"),
    fixed("batch", "Job", "/spec/template/**"),
    fixed("batch", "Job", "/spec/completions"),
    fixed("batch", "Job", "/spec/completionMode"),
    fixed("batch", "Job", "/spec/podFailurePolicy/**"),
    fixed("batch", "Job", "/spec/successPolicy/**"),
    fixed("batch", "Job", "/spec/backoffLimitPerIndex"),
    fixed("batch", "Job", "/spec/managedBy"),
    fixed("", "Pod", "/spec/*/**").except(&[
        "/spec/containers/**",
        "/spec/initContainers/**",
        "/spec/ephemeralContainers/**",
        "/spec/activeDeadlineSeconds",
        "/spec/tolerations/**",
        "/spec/schedulingGates/**",
        "/spec/resources/**",
    ]),
    fixed("", "Service", "/spec/clusterIP"),
    fixed("", "Service", "/spec/clusterIPs/**"),
    fixed("", "Service", "/spec/loadBalancerClass"),
    fixed("", "PersistentVolumeClaim", "/spec/*/**")
        .except(&["/spec/resources/**", "/spec/volumeAttributesClassName"]),
    fixed("", "PersistentVolume", "/spec/*/**").except(&[
        "/spec/persistentVolumeReclaimPolicy",
        "/spec/claimRef/**",
        "/spec/nodeAffinity/**",
        "/spec/mountOptions/**",
        "/spec/capacity/**",
        "/spec/storageClassName",
        "/spec/accessModes/**",
        "/spec/volumeAttributesClassName",
    ]),
    fixed(STORAGE, "StorageClass", "/provisioner"),
    fixed(STORAGE, "StorageClass", "/parameters/**"),
    fixed(STORAGE, "StorageClass", "/reclaimPolicy"),
    fixed(STORAGE, "StorageClass", "/volumeBindingMode"),
    fixed(STORAGE, "VolumeAttributesClass", "/parameters/**"),
    fixed(STORAGE, "VolumeAttributesClass", "/driverName"),
    fixed(STORAGE, "CSIDriver", "/spec/attachRequired"),
    fixed(STORAGE, "CSIDriver", "/spec/volumeLifecycleModes/**"),
    fixed(STORAGE, "VolumeAttachment", "/spec/**"),
    fixed(RBAC, "RoleBinding", "/roleRef/**"),
    fixed(RBAC, "ClusterRoleBinding", "/roleRef/**"),
    fixed("scheduling.k8s.io", "PriorityClass", "/value"),
    fixed("scheduling.k8s.io", "PriorityClass", "/preemptionPolicy"),
    fixed("", "Secret", "/type"),
    fixed("", "Secret", "/data/**"),
    fixed("", "Secret", "/stringData/**"),
    fixed("", "Secret", "/immutable"),
    fixed("", "ConfigMap", "/data/**"),
    fixed("", "ConfigMap", "/binaryData/**"),
    fixed("", "ConfigMap", "/immutable"),
    fixed("networking.k8s.io", "IngressClass", "/spec/controller"),
    fixed("networking.k8s.io", "ServiceCIDR", "/spec/cidrs/**"),
    fixed("networking.k8s.io", "IPAddress", "/spec/**"),
    fixed("gateway.networking.k8s.io", "GatewayClass", "/spec/controllerName"),
    fixed("node.k8s.io", "RuntimeClass", "/handler"),
    fixed("", "ResourceQuota", "/spec/scopes/**"),
    fixed("", "ResourceQuota", "/spec/scopeSelector/**"),
    fixed("discovery.k8s.io", "EndpointSlice", "/addressType"),
    fixed("resource.k8s.io", "ResourceClaim", "/spec/**"),
    fixed("resource.k8s.io", "ResourceClaimTemplate", "/spec/**"),
    fixed("certificates.k8s.io", "CertificateSigningRequest", "/spec/**"),
    fixed(CRD.0, CRD.1, "/spec/scope"),
    fixed(CRD.0, CRD.1, "/spec/group"),
    fixed(CRD.0, CRD.1, "/spec/names/kind"),
    fixed(CRD.0, CRD.1, "/spec/names/plural"),
];

/// Immutable paths of a kind that differ between two objects, sorted: what makes an update a
/// replacement. Empty if the object is not there on one side.
pub fn replace_paths(resource: &ResourceRef, before: &Value, after: &Value) -> Vec<Pointer> {
    if before.is_null() || after.is_null() {
        return Vec::new();
    }
    let own = (resource.group(), resource.kind.as_str());
    let rules: Vec<&Fixed> = FIXED.iter().filter(|rule| (rule.group, rule.kind) == own).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    for changed in changed(before, after) {
        let segments = &changed.segments;
        for rule in &rules {
            let excepted = rule.except.iter().any(|path| fit(path, segments).is_some());
            if fit(rule.path, segments).is_none()
                || excepted
                || !holds(own, rule.path, before, after)
            {
                continue;
            }
            let depth = rule.path.split('/').skip(1).filter(|part| *part != "**").count();
            let shown = segments.iter().take(depth);
            found.insert(shown.fold(Pointer::default(), |pointer, part| pointer.join(part)));
        }
    }
    if own == ("", "Pod") {
        found.extend(pod(before, after));
    }
    found.into_iter().collect()
}

/// Conditions on a rule.
fn holds(own: (&str, &str), path: &str, before: &Value, after: &Value) -> bool {
    match own {
        ("batch", "Job") => match path {
            "/spec/template/**" => !yes(before, "/spec/suspend"),
            // Indexed Jobs may grow and shrink.
            "/spec/completions" => text(before, "/spec/completionMode") != "Indexed",
            _ => true,
        },
        // An address that is left out stays as it is; ExternalName gives it up freely.
        ("", "Service") => {
            let at = path.trim_end_matches("/**");
            let absent = after.pointer(at).is_none();
            !absent
                && text(after, "/spec/type") != "ExternalName"
                && text(before, "/spec/type") != "ExternalName"
        }
        ("", "ConfigMap" | "Secret") => path == "/type" || yes(before, "/immutable"),
        _ => true,
    }
}

/// Of a pod only images, added tolerations, deadline, and sizes change.
fn pod(before: &Value, after: &Value) -> Vec<Pointer> {
    let mut found = Vec::new();
    let pointer = |name: &str| Pointer::default().join("spec").join(name);
    for name in ["containers", "initContainers"] {
        let bare = |object: &Value| -> Vec<Value> {
            list(object, &format!("/spec/{name}"))
                .iter()
                .map(|container| {
                    let mut container = container.clone();
                    if let Some(map) = container.as_object_mut() {
                        map.remove("image");
                        map.remove("resources");
                    }
                    container
                })
                .collect()
        };
        if bare(before) != bare(after) {
            found.push(pointer(name));
        }
    }
    let kept = list(after, "/spec/tolerations");
    if !list(before, "/spec/tolerations").iter().all(|old| kept.contains(old)) {
        found.push(pointer("tolerations"));
    }
    found
}
