//! Every folder of `fixtures/attacks` is refused with the one code that it names, and leaves
//! everything as it was. A folder holds
//!
//! - `expected`: the command (`plan`, `check`, `apply`) and the code; then a part of the message;
//! - `proposal.*` or `answer.md`: what is planned, or
//! - `manifests/`, `policies/`, `plan/`: files that are put into a planned project, which alice has
//!   approved.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countersign::document::code::Code;

use crate::support::project::{PLAN, Project, Snapshot, key_of, walk};

fn attacks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/attacks");
    let mut found: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Puts the files of a folder of the attack into a folder of the project.
fn laid_over(attack: &Path, from: &str, project: &Project, to: &str) {
    let mut files = Snapshot::new();
    if attack.join(from).is_dir() {
        walk(&attack.join(from), "", &mut files);
    }
    for (name, bytes) in files {
        let path = project.file(to).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// What went otherwise than it must.
fn tried(attack: &Path) -> Result<(), String> {
    let expected = std::fs::read_to_string(attack.join("expected")).unwrap();
    let mut lines = expected.lines();
    let (command, code) = lines.next().unwrap().split_once(' ').unwrap();
    let what = lines.next().unwrap_or_default();
    let code = Code::ALL.into_iter().find(|known| known.name() == code).unwrap();

    let project = Project::planned();
    project.put(&key_of("alice"), project.approval("alice"));
    for (from, to) in [("manifests", "manifests"), ("policies", "policies"), ("plan", PLAN)] {
        laid_over(attack, from, &project, to);
    }
    let before = project.snapshot();
    let began = Instant::now();
    let said = match command {
        "check" => project.run(&["policy", "check", PLAN]),
        "apply" => project.apply(),
        "plan" => {
            let inputs = ["proposal.yaml", "proposal.json", "answer.md"];
            let input = inputs.iter().map(|name| attack.join(name)).find(|path| path.exists());
            project.run(&["plan", "-f", input.unwrap().to_str().unwrap()])
        }
        other => return Err(format!("{other} is no command of these tests")),
    };
    if began.elapsed() > Duration::from_secs(30) {
        return Err(format!("took {:?}", began.elapsed()));
    }
    if said.code != code || !format!("{}{}", said.out, said.err).contains(what) {
        return Err(format!("{:?}, not {code:?} {what:?}:\n{}", said.code, said.err));
    }
    if project.snapshot() != before {
        return Err("something changed".to_owned());
    }
    Ok(())
}

#[test]
fn every_attack_is_refused_with_its_code() {
    let attacks = attacks();
    assert!(attacks.len() > 40, "{attacks:?}");
    let missed: Vec<_> = attacks
        .iter()
        .filter_map(|attack| {
            let name = attack.file_name().unwrap().to_string_lossy().into_owned();
            tried(attack).err().map(|why| format!("{name}: {why}"))
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}
