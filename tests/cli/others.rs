//! What the program writes, checked by tools that know nothing of it. A tool that is absent fails
//! the test.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::shop::{Shop, wait};

/// Runs `tests/others/check.py` with the Python of the tests.
pub(crate) fn check(arguments: &[&str]) -> Result<String, String> {
    let python = std::env::var_os("COUNTERSIGN_TEST_PYTHON");
    let python = python.expect("COUNTERSIGN_TEST_PYTHON names the Python; tests/run sets it");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/others/check.py");
    let mut command = Command::new(python);
    command.arg(script).args(arguments).stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = wait(child);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

fn tool(name: &str, arguments: &[&str], input: Option<&Path>) -> String {
    let mut command = Command::new(name);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    match input {
        Some(path) => command.stdin(fs::File::open(path).unwrap()),
        None => command.stdin(Stdio::null()),
    };
    let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
    let output = wait(child);
    let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    assert!(output.status.success(), "{name} {arguments:?}: {err:?}");
    out.unwrap()
}

#[test]
fn sha256sum_gives_the_digest_that_is_shown_and_signed() {
    let shop = Shop::planned();
    let path = shop.path("shop/plans/scale-web/plan.json");
    let told = tool("sha256sum", &[path.to_str().unwrap()], None);
    let page = shop.run(&["review", "plans/scale-web"]).exits(0).stdout;
    let digest = told.split(' ').next().unwrap();
    assert_eq!(page.lines().last().unwrap(), format!("sha256 {digest}"));
}

#[test]
fn other_libraries_accept_the_bytes_and_every_signature() {
    let shop = Shop::approved();
    shop.run(&["apply", "plans/scale-web", "--trusted", "."]).exits(0);
    let path = |below: &str| shop.path(below).display().to_string();
    let digest = shop.digest("scale-web");
    let told = check(&["canonical", &path("shop/plans/scale-web/plan.json")]).unwrap();
    assert_eq!(told.trim(), format!("canonical {digest}"));
    let approval = shop.only("approvals", ".intoto.json").display().to_string();
    let receipt = shop.only("receipts", ".intoto.json").display().to_string();
    let planner = path("shop/plans/scale-web/planner.intoto.json");
    for (kind, envelope, key) in [
        ("planner", &planner, "state/keys/shop/planner.pub"),
        ("approval", &approval, "alice/.ssh/id_ed25519.pub"),
        ("receipt", &receipt, "state/keys/shop/applier.pub"),
    ] {
        let told = check(&["dsse", envelope, &path(key)]).unwrap();
        assert_eq!(told.trim(), format!("dsse urn:countersign:{kind}:v1 {digest}"));
        // And by no other key.
        let other = if kind == "approval" {
            "state/keys/shop/planner.pub"
        } else {
            "alice/.ssh/id_ed25519.pub"
        };
        check(&["dsse", envelope, &path(other)]).unwrap_err();
    }
}

#[test]
fn an_approval_signed_by_ssh_keygen_counts_and_ssh_keygen_verifies_it() {
    let shop = Shop::planned();
    let digest = shop.digest("scale-web");
    let line = ["approve", "plans/scale-web", "--key", "../alice/.ssh/id_ed25519.pub", "--digest"];
    let run = shop.run(&[&line[..], &[&digest, "--prepare"]].concat()).exits(0);
    let command = run.stdout.lines().last().unwrap().trim();
    let key = shop.path("alice/.ssh/id_ed25519").display().to_string();
    let words: Vec<&str> =
        command.split(' ').map(|word| if word == "KEY" { &*key } else { word }).collect();
    let mut signing = Command::new(words[0]);
    signing.args(&words[1..]).current_dir(shop.path("shop")).stdin(Stdio::null());
    let signed = wait(signing.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(signed.status.success(), "{signed:?}");
    let approval = shop.only("approvals", ".json");
    let signature = format!("{}.sig", approval.display());
    let public = shop.text("alice/.ssh/id_ed25519.pub");
    shop.write("allowed", format!("alice namespaces=\"approval.v1@countersign\" {public}"));
    let allowed = shop.path("allowed").display().to_string();
    let verify = [
        "-Y",
        "verify",
        "-f",
        &allowed,
        "-I",
        "alice",
        "-n",
        "approval.v1@countersign",
        "-s",
        &signature,
    ];
    let told = tool("ssh-keygen", &verify, Some(&approval));
    assert!(told.starts_with("Good \"approval.v1@countersign\" signature for alice"), "{told}");
    shop.run(&["apply", "plans/scale-web", "--trusted", "."]).exits(0);
}

/// A real `ssh-agent` in the foreground, ended with the value.
struct Agent {
    child: Child,
    socket: std::path::PathBuf,
}

impl Agent {
    fn start(shop: &Shop) -> Self {
        let socket = shop.path("agent.sock");
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a", socket.to_str().unwrap()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("ssh-agent is installed");
        let began = std::time::Instant::now();
        // The file is there before anybody listens.
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(began.elapsed().as_secs() < 20, "ssh-agent does not listen");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Self { child, socket }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn a_key_in_a_real_agent_signs_an_approval() {
    let shop = Shop::planned();
    let agent = Agent::start(&shop);
    let key = shop.path("alice/.ssh/id_ed25519");
    let mut add = Command::new("ssh-add");
    add.arg(&key).env("SSH_AUTH_SOCK", &agent.socket).stdin(Stdio::null());
    let added = wait(add.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(added.status.success(), "{added:?}");
    // The private half is nowhere else any more.
    fs::remove_file(&key).unwrap();
    let digest = shop.digest("scale-web");
    let line = ["approve", "plans/scale-web", "--digest", &digest];
    let mut command = shop.command(&line);
    command.env("SSH_AUTH_SOCK", &agent.socket);
    let run = shop.finish(&line, command).exits(0);
    assert!(!run.stderr.contains("warning"), "{run:#?}");
    run.says(&["Signing as alice with key SHA256:", "agent"]);
    let approval = shop.only("approvals", ".intoto.json").display().to_string();
    let public = shop.path("alice/.ssh/id_ed25519.pub").display().to_string();
    check(&["dsse", &approval, &public]).unwrap();
    shop.run(&["apply", "plans/scale-web", "--trusted", "."]).exits(0);
}

#[test]
fn an_agent_that_may_be_forwarded_signs_with_a_warning() {
    let shop = Shop::planned();
    let agent = Agent::start(&shop);
    let key = shop.path("alice/.ssh/id_ed25519");
    let digest = shop.digest("scale-web");
    let run = |agent: &Agent, line: &[&str]| {
        let mut command = shop.command(line);
        command.env("SSH_AUTH_SOCK", &agent.socket).env("SSH_CONNECTION", "::1 40000 ::1 22");
        shop.finish(line, command).exits(0).stderr
    };
    let warning = "warning: you are logged in over SSH and an agent signs";
    let reject = ["reject", "plans/scale-web", "--reason", "no"];
    let approve = ["-q", "approve", "plans/scale-web", "--digest", &digest];
    // A key file does not travel.
    assert!(!run(&agent, &reject).contains("warning"));
    let mut add = Command::new("ssh-add");
    add.arg("-q").arg(&key).env("SSH_AUTH_SOCK", &agent.socket).stdin(Stdio::null());
    let added = wait(add.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(added.status.success(), "{added:?}");
    fs::remove_file(&key).unwrap();
    for line in [&reject[..], &approve] {
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        let said = run(&agent, line);
        assert!(said.contains(warning), "{said}");
    }
}
