//! What a pod template may reach: the host, secrets, another identity, and which images it runs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::effect::Flag;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::verb::Verb;
use crate::plan::facts::{links, rows};
use crate::plan::shape::{containers, list, members, template, text, yes};

static NOTHING: Value = Value::Null;

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if !matches!(look.verb, Verb::Create | Verb::Update | Verb::Replace) {
        return;
    }
    if (look.group(), look.kind()) == ("", "PersistentVolume") {
        let host = |object: &Value| {
            object.pointer("/spec/hostPath").is_some() || object.pointer("/spec/local").is_some()
        };
        if host(look.after()) && !host(look.before()) {
            out.flag(Flag::Host, "volume.host", "gives access to a folder of the host");
        }
    }
    secrets(look, out);
    let of = |object| template(look.group(), look.kind(), object);
    let Some(after) = of(look.after()) else { return };
    let before = of(look.before()).unwrap_or(&NOTHING);
    if before == after && look.verb == Verb::Update {
        return;
    }
    // New code in an old privileged pod counts.
    if let Some(says) = host(after) {
        out.flag(Flag::Host, "pod.host", says);
    }
    if host_ports(after).any(|port| !host_ports(before).any(|old| old == port)) {
        out.flag(Flag::Exposure, "pod.host-port", "is reached on a port of the host");
    }
    let known = super::workload::images(before);
    let mut new = super::workload::images(after).into_iter().filter(|image| !known.contains(image));
    if new.any(|image| !image.is_empty() && !image.contains("@sha256:")) {
        out.flag(Flag::UnpinnedImage, "pod.image-unpinned", "runs an image without a digest");
    }
    let account = |template| match text(template, "/spec/serviceAccountName") {
        "" => match text(template, "/spec/serviceAccount") {
            "" => "default",
            name => name,
        },
        name => name,
    };
    if account(before) != account(after) {
        out.flag(Flag::Identity, "pod.identity", "runs under another ServiceAccount");
    }
    let refuses = |template: &Value| {
        template.pointer("/spec/automountServiceAccountToken") == Some(&Value::Bool(false))
    };
    if refuses(before) && !refuses(after) {
        out.flag(Flag::Identity, "pod.token", "gets the token of its ServiceAccount");
    }
}

/// Secrets that the object names and did not name before.
fn secrets(look: &Look<'_>, out: &mut Findings) {
    let named = |object| -> BTreeSet<(String, String)> {
        links::of(&look.case.id, object)
            .into_iter()
            .filter(|link| matches!(link.row, rows::SECRET | rows::TLS) && link.part.is_empty())
            .map(|link| (link.to.2.to_owned(), link.to.3.to_owned()))
            .collect()
    };
    let old = named(look.before());
    if named(look.after()).iter().any(|name| !old.contains(name)) {
        out.flag(Flag::SecretAccess, "secret.access", "reads a Secret that it did not read before");
    }
}

fn host_ports(template: &Value) -> impl Iterator<Item = &Value> {
    containers(template)
        .flat_map(|container| list(container, "/ports"))
        .filter_map(|port| port.get("hostPort"))
        .filter(|port| port.as_i64() != Some(0))
}

/// Capabilities that the Baseline profile of pod security leaves to a container.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Settings of the kernel that the Baseline profile calls safe.
const SAFE_SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];

/// How a pod gets at its host or the kernel, the first way found.
fn host(template: &Value) -> Option<&'static str> {
    let spec = |at: &str| yes(template, &format!("/spec/{at}"));
    if spec("hostNetwork") || spec("hostPID") || spec("hostIPC") {
        return Some("shares a namespace of the host");
    }
    let volumes = list(template, "/spec/volumes");
    if volumes.iter().any(|volume| volume.get("hostPath").is_some()) {
        return Some("mounts a folder of the host");
    }
    let sysctls = list(template, "/spec/securityContext/sysctls");
    if sysctls.iter().any(|sysctl| !SAFE_SYSCTLS.contains(&text(sysctl, "/name"))) {
        return Some("changes settings of the kernel");
    }
    if containers(template).any(|container| yes(container, "/securityContext/privileged")) {
        return Some("runs a privileged container");
    }
    let mut contexts = containers(template)
        .filter_map(|container| container.get("securityContext"))
        .chain(template.pointer("/spec/securityContext"));
    if contexts.any(loose) {
        return Some("runs with more rights than the Baseline profile leaves");
    }
    let annotated = members(template, "/metadata/annotations").any(|(key, value)| {
        key.starts_with("container.apparmor.security.beta.kubernetes.io/")
            && value.as_str() == Some("unconfined")
    });
    if annotated {
        return Some("runs with more rights than the Baseline profile leaves");
    }
    if host_ports(template).next().is_some() {
        return Some("opens a port of the host");
    }
    on_control_plane(template).then_some("runs on the control plane")
}

fn loose(context: &Value) -> bool {
    let capability = |name: &Value| {
        name.as_str().is_none_or(|name| !BASELINE.contains(&name.trim_start_matches("CAP_")))
    };
    list(context, "/capabilities/add").iter().any(capability)
        || text(context, "/procMount") == "Unmasked"
        || text(context, "/seccompProfile/type") == "Unconfined"
        || text(context, "/appArmorProfile/type") == "Unconfined"
        || yes(context, "/windowsOptions/hostProcess")
}

fn on_control_plane(template: &Value) -> bool {
    const KEYS: [&str; 2] =
        ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
    let tolerates = list(template, "/spec/tolerations").iter().any(|toleration| {
        let key = text(toleration, "/key");
        KEYS.contains(&key) || (key.is_empty() && text(toleration, "/operator") == "Exists")
    });
    let sent = !text(template, "/spec/nodeName").is_empty()
        || members(template, "/spec/nodeSelector").any(|(key, _)| KEYS.contains(&key));
    tolerates && sent
}
