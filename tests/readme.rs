//! The README's walk-throughs are run: every command of their `console` blocks, in order, in a scratch
//! folder of its own, and what it prints is compared with what stands there. What differs from run
//! to run (digests, ids, keys, times, the scratch folder) is compared by shape.
//!
//! After a change of what is printed: `COUNTERSIGN_README=write cargo test --test main readme`.

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::clock::Instant;
use serde_json::json;

use crate::support::cluster::cluster;

/// One command of the README and what stands below it.
#[derive(Debug, PartialEq)]
struct Shown {
    command: String,
    output: String,
    /// Lines of the file that the output takes.
    lines: std::ops::Range<usize>,
}

/// Where the walk-throughs of folders begin, and the one on a cluster.
const FOLDERS: &str = "<!-- walk-through -->";
const CLUSTER: &str = "<!-- walk-through: cluster -->";

/// The commands of each walk-through that begins with this marker.
fn walk(readme: &str, marker: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let (mut walking, mut inside) = (false, false);
    for (at, line) in readme.lines().enumerate() {
        match line {
            _ if line == marker => walking = true,
            "<!-- end of walk-through -->" => walking = false,
            "```console" if walking => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => {
                if let Some(command) = line.strip_prefix("$ ") {
                    let lines = at + 1..at + 1;
                    found.push(Shown { command: command.to_owned(), output: String::new(), lines });
                    continue;
                }
                let last = found.last_mut().expect("a block begins with a command");
                match line.strip_prefix("> ") {
                    Some(more) if last.output.is_empty() => {
                        last.command.push('\n');
                        last.command.push_str(more);
                        last.lines = at + 1..at + 1;
                    }
                    Some(_) | None => {
                        last.output.push_str(line);
                        last.output.push('\n');
                        last.lines.end = at + 1;
                    }
                }
            }
        }
    }
    found
}

/// What differs from run to run, by shape.
fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | ':' | '-' | '_' | '.' | '=') {
            word.push(c);
            continue;
        }
        out.push_str(&shape_word(&word));
        word.clear();
        out.push(c);
    }
    // The padding that follows lengths says nothing, nor does how long an apply took.
    out.lines().map(|line| took(line.trim_end()) + "\n").collect()
}

/// `2 written in 0 s` without the number of seconds.
fn took(line: &str) -> String {
    let seconds = line.split_once(" written in ").and_then(|(before, after)| {
        let (seconds, rest) = after.split_once(" s ")?;
        seconds.parse::<u64>().ok()?;
        Some(format!("{before} written in <seconds> s {rest}"))
    });
    seconds.unwrap_or_else(|| line.to_owned())
}

fn shape_word(word: &str) -> String {
    let hex = |text: &str| text.len() >= 8 && text.bytes().all(|c| c.is_ascii_hexdigit());
    // A server of the tests, on whatever port was free.
    if let Some((before, port)) = word.split_once("127.0.0.1:")
        && port.bytes().all(|c| c.is_ascii_digit())
    {
        return format!("{before}127.0.0.1:<port>");
    }
    // The cluster gives each Service another one.
    if word.starts_with("10.0.") && word.split('.').count() == 4 {
        return "<cluster address>".to_owned();
    }
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    if lengths == [8, 4, 4, 4, 12] && word.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit()) {
        return "<uid>".to_owned();
    }
    if word.starts_with("SHA256:") {
        return "SHA256:<key>".to_owned();
    }
    if word.starts_with("AAAA") && word.len() > 40 {
        return "<public key>".to_owned();
    }
    let bare = word.trim_end_matches([':', '.']);
    let time = bare.len() == 20 && bare.ends_with('Z') && bare.parse::<Instant>().is_ok();
    if time {
        return "<time>".to_owned();
    }
    let parts = word.split_inclusive(['/', '-', '.', ':', '=', '_']);
    let shaped = parts.map(|part| {
        let end = part.trim_end_matches(['/', '-', '.', ':', '=', '_']);
        if hex(end) { part.replacen(end, "<hex>", 1) } else { part.to_owned() }
    });
    shaped.collect()
}

/// A folder with the manifests of the shop, a home with one key and an empty repository, and the
/// program on the path.
fn scratch() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("alice");
    let shop = home.join("shop");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::create_dir_all(&shop).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let script = format!(
        "set -e\ncp -r {f}/shop {s}/manifests\ncp {f}/proposals/scale-web.chat.md {s}/answer.md\n\
         cp {f}/proposals/drop-db.yaml {f}/proposals/new-worker.yaml {s}/\n\
         ssh-keygen -q -t ed25519 -N '' -C alice -f {h}/.ssh/id_ed25519\n\
         ssh-keygen -q -t ed25519 -N '' -C bob -f {h}/bob\ncp {h}/bob.pub {s}/\n\
         git init -q --bare -b main {h}/shop.git\n\
         printf '[user]\\nname = Alice\\nemail = alice@shop.example\\n' > {h}/.gitconfig",
        f = fixtures.display(),
        s = shop.display(),
        h = home.display(),
    );
    let made = Command::new("bash").arg("-c").arg(script).status().unwrap();
    assert!(made.success());
    (folder, home)
}

/// Runs one command, and gives what it prints on both streams and how it ended, if not with 0.
fn run(command: &str, home: &Path, tools: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().unwrap();
    let (program, tools) = (program.display(), tools.display());
    let path = format!("{program}:{tools}:{}", std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .arg("-c")
        .arg(format!("{command}\n"))
        .current_dir(home.join("shop"))
        .env_clear()
        .env("HOME", home)
        .env("PATH", path)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    // On a busy machine any work is long enough to be told about.
    let progress = |line: &&str| !line.ends_with(" ...\n");
    let told = String::from_utf8(output.stderr).unwrap();
    text.extend(told.split_inclusive('\n').filter(progress));
    if let Some(code) = output.status.code().filter(|code| *code != 0) {
        text.push_str(&format!("[exit {code}]\n"));
    }
    text.replace(&home.display().to_string(), "/home/alice")
}

/// Runs the walk-throughs of a marker, and compares what is printed with what stands there.
fn walk_through(marker: &str, least: usize, home: &Path, tools: &Path) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&file).unwrap();
    let shown = walk(&readme, marker);
    assert!(shown.len() >= least, "only {} commands were found", shown.len());
    let printed: Vec<String> = shown.iter().map(|one| run(&one.command, home, tools)).collect();
    if std::env::var("COUNTERSIGN_README").is_ok_and(|value| value == "write") {
        // The other walk-through may have been written meanwhile; only one is at a time.
        let mut lines: Vec<String> = readme.lines().map(str::to_owned).collect();
        for (one, text) in shown.iter().zip(&printed).rev() {
            lines.splice(one.lines.clone(), text.lines().map(str::to_owned));
        }
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        return;
    }
    for (one, text) in shown.iter().zip(&printed) {
        assert_eq!(shape(&one.output), shape(text), "$ {}", one.command);
    }
}

#[test]
fn every_command_of_the_walk_through_prints_what_stands_there() {
    let (_folder, home) = scratch();
    walk_through(FOLDERS, 15, &home, Path::new("/nonexistent"));
}

#[test]
fn every_command_on_a_cluster_prints_what_stands_there() {
    let (_folder, home) = scratch();
    let cluster = cluster();
    let admin = cluster.admin();
    let metadata =
        |name: &str| json!({"name": name, "namespace": "shop", "labels": {"app": "web"}});
    let (status, answer) = admin.post(
        "/api/v1/namespaces",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    );
    assert_eq!(status, 201, "{answer}");
    let labels = json!({"app": "web"});
    let container = json!({"name": "web", "image": "registry.example/web:1.4"});
    let objects = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("web"), "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata("web"),
            "spec": {"selector": labels, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata("web"),
            "spec": {"rules": [{"host": "shop.example", "http": {"paths": [{"path": "/",
                "pathType": "Prefix",
                "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]}}),
    ];
    for object in &objects {
        admin.apply(object);
    }
    admin.wait_for(
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "two replicas of web",
        |found| found["status"]["availableReplicas"] == 2,
    );
    let kube = home.join(".kube");
    std::fs::create_dir_all(&kube).unwrap();
    let written = cluster.administrator().kubeconfig(&kube);
    std::fs::rename(written, kube.join("config")).unwrap();
    let (shop, fixtures) =
        (home.join("shop"), Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
    std::fs::remove_dir_all(shop.join("manifests")).unwrap();
    std::fs::copy(fixtures.join("proposals/on-a-cluster.yaml"), shop.join("answer.yaml")).unwrap();
    std::fs::write(shop.join("mailer-token"), "correct horse battery staple\n").unwrap();
    walk_through(CLUSTER, 10, &home, &kubectl());
}

/// The folder that kubectl is in.
fn kubectl() -> PathBuf {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/install");
    let answer = Command::new(install).arg("--print").output().unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix("kubectl ")).unwrap();
    Path::new(found).parent().unwrap().to_owned()
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_program() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for code in countersign::document::code::Code::ALL {
        let row = format!("| {} | `{}` |", code.number(), code.name());
        assert!(readme.contains(&row), "README.md lacks the row {row}");
    }
}

#[test]
fn shapes_differ_only_where_runs_do() {
    let a = "sha256 93cfa3baebff3c78a0e15712f58b1b454bebc8f1a259dad6d8245f3b5e89cb32\nalice-05ef0e13d649.intoto.json until 2026-11-25T21:54:11Z: x\n";
    let b = "sha256 00cfa3baebff3c78a0e15712f58b1b454bebc8f1a259dad6d8245f3b5e89cb32\nalice-15ef0e13d649.intoto.json until 2027-11-25T21:54:11Z: x\n";
    assert_eq!(shape(a), shape(b));
    assert_ne!(shape("replicas 3 -> 5"), shape("replicas 3 -> 6"));
    assert_ne!(shape("alice"), shape("bob"));
}
