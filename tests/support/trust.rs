//! Keys and trust roots for tests. The keys are those of fixed seeds and protect nothing.

use std::path::Path;
use std::process::Command;

use countersign::custody::key_file::SecretKey;
use countersign::document::ident::Label;
use countersign::trust::key::PublicKey;
use countersign::trust::root::{RootError, TrustRoot};
use countersign::trust::sign::Sign as _;
use serde_json::{Value, json};

/// The key of a seed that is this byte, 32 times.
pub(crate) fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32]).unwrap()
}

/// The public half of [`secret`].
pub(crate) fn public(seed: u8) -> PublicKey {
    secret(seed).public().clone()
}

/// The `.pub` line of [`secret`].
pub(crate) fn line(seed: u8) -> String {
    public(seed).to_openssh()
}

pub(crate) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// A person of a trust root.
pub(crate) fn person(id: &str, seed: u8, roles: &[&str]) -> Value {
    json!({"id": id, "machine": false, "owner": "", "keys": [line(seed)], "roles": roles})
}

/// A machine of a trust root.
pub(crate) fn machine(id: &str, owner: &str, seed: u8, roles: &[&str]) -> Value {
    json!({"id": id, "machine": true, "owner": owner, "keys": [line(seed)], "roles": roles})
}

/// An entry of a quorum: `require` is role and count.
pub(crate) fn entry(environment: &str, class: &str, require: &[(&str, u32)]) -> Value {
    let require: Vec<_> =
        require.iter().map(|(role, count)| json!({"role": role, "count": count})).collect();
    json!({"environment": environment, "class": class, "require": require,
           "requesterMayApprove": false})
}

/// A trust root with three people and two machines, as a value to be spoilt. Alice (seed 1) and bob
/// (2) are of role `sre`, carol (3) is of role `dba` and `sre`; alice owns `planner` (4) and bob
/// `applier` (5). Environment `prod` asks for one sre, from `outage` on for one dba more.
pub(crate) fn root() -> Value {
    json!({
        "apiVersion": "countersign/v1", "kind": "TrustRoot", "version": 7,
        "expiresAt": "2099-01-01T00:00:00Z",
        "principals": [
            person("alice", 1, &["sre"]),
            machine("applier", "bob", 5, &["applier"]),
            person("bob", 2, &["sre"]),
            person("carol", 3, &["dba", "sre"]),
            machine("planner", "alice", 4, &["planner"]),
        ],
        "quorum": [
            entry("prod", "none", &[("sre", 1)]),
            entry("prod", "outage", &[("dba", 1), ("sre", 1)]),
        ],
        "limits": {"approvalMaxHours": 24},
        "revoked": {"approvals": [], "keys": []},
    })
}

/// The bytes of a trust root in its one spelling, if its lists are sorted.
pub(crate) fn spelled(root: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(root).unwrap();
    bytes.push(b'\n');
    bytes
}

pub(crate) fn load(root: &Value) -> Result<TrustRoot, RootError> {
    TrustRoot::parse(&spelled(root))
}

/// The Python that `tests/run` prepared with others' libraries.
pub(crate) fn python() -> String {
    std::env::var("COUNTERSIGN_TEST_PYTHON")
        .expect("COUNTERSIGN_TEST_PYTHON is not set; run the tests with tests/run")
}

/// Runs a program to its end; its stdout. Fails with its stderr.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A key pair made by `ssh-keygen` in a folder; the path of its private half.
pub(crate) fn keygen(folder: &Path, name: &str, arguments: &[&str]) -> std::path::PathBuf {
    let path = folder.join(name);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-C", "test", "-f"]).arg(&path).args(arguments);
    run(&mut command);
    path
}
