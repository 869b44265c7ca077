//! The worked examples in `plans/` verify offline, with nothing but the files beside them.

use std::path::Path;
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn countersign(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(arguments)
        .current_dir(root())
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap()
}

#[test]
fn the_approved_example_verifies_and_the_denied_one_does_not() {
    for (plan, code, said) in
        [("scale-web", 0, "2 of 2"), ("drop-db", 10, "countersign.destruction.stateful_removed")]
    {
        let output = countersign(&["verify", &format!("plans/{plan}"), "--trusted", "plans"]);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(
            output.status.code(),
            Some(code),
            "run plans/make if the policies changed: {text}"
        );
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn everybody_in_the_trust_root_of_the_examples_has_a_key_beside_it() {
    let trust: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root().join("plans/trust.json")).unwrap()).unwrap();
    let principals = trust["principals"].as_array().unwrap();
    assert_eq!(principals.len(), 5);
    for principal in principals {
        let name = principal["id"].as_str().unwrap();
        let file = root().join(format!("plans/keys/{name}.pub"));
        let line = std::fs::read_to_string(file).unwrap();
        assert!(line.starts_with(principal["keys"][0].as_str().unwrap()), "{name}");
    }
}

#[test]
fn no_private_key_lies_in_the_project() {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    let mut seen = 0;
    for path in String::from_utf8(listed.stdout).unwrap().lines() {
        let Ok(text) = std::fs::read_to_string(root().join(path)) else { continue };
        seen += 1;
        // How the base64 of every OpenSSH private key begins; built here, so that this file does
        // not find itself.
        let magic = ["b3BlbnNz", "aC1rZXktdjE"].concat();
        assert!(!text.contains(&magic), "{path} holds a private key");
    }
    assert!(seen > 100, "only {seen} files were read");
}
