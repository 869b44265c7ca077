//! `countersign demo`: the whole way on a scratch project, with the real program. It fails if a
//! single refusal fails to happen.

mod shop;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Instant as Moment;

use clap::Args;

use super::fault::Fault;
use super::paths::file_fault;
use super::session::Session;
use crate::custody::key_file::SecretKey;
use crate::custody::random;
use crate::document::code::Code;
use crate::document::ident::Digest;
use crate::files::{self, Folder, Mode};
use crate::plan::diff;
use stage::{Stage, Step};

/// See the whole way on a scratch project: five refusals, one apply
///
/// Example: countersign demo
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The folder to play in, which must not exist; by default a new one in the system's temporary folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) fn run(args: &DemoArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let began = Moment::now();
    let root = scratch(args, session)?;
    set_up(&root)?;
    let program = session.world().program.clone();
    let mut stage = Stage::new(&program, root.path(), session);
    play(&mut stage, &root)?;
    let ssh_keygen = stage.installed("ssh-keygen");
    let Stage { refused, applied, wrong, .. } = stage;
    let seconds = began.elapsed().as_secs();
    session.print(&format!("\n{refused} refused, {applied} applied, {seconds} s\n"));
    if !wrong.is_empty() {
        let mut fault = Fault::new(Code::Error, "the demo did not go as it must");
        for what in wrong {
            fault = fault.because(what);
        }
        return Err(fault.hint("please report this with the whole output"));
    }
    session.print(&closing(root.path(), ssh_keygen));
    Ok(Code::Ok)
}

fn scratch(args: &DemoArgs, session: &Session<'_, '_>) -> Result<Folder, Fault> {
    let path = match &args.keep {
        Some(path) => session.path(path),
        None => {
            let bits = random::bytes::<4>().map_err(|error| Fault::of(Code::Error, &error))?;
            let name: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
            std::env::temp_dir().join(format!("countersign-demo-{name}"))
        }
    };
    if path.exists() {
        return Err(Fault::new(Code::Error, format!("{} is there already", path.display()))
            .hint("name a folder that does not exist: the demo makes it"));
    }
    if let Ok(Some(tree)) = files::git_work_tree_above(&path) {
        return Err(Fault::new(
            Code::Error,
            format!("{} lies in the Git work tree {}", path.display(), tree.display()),
        )
        .hint("the demo makes private keys; name a folder outside of every checkout"));
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let parent = files::open_folder(parent).map_err(|error| file_fault(&error))?;
    parent.folder_made(name).map_err(|error| file_fault(&error))
}

/// The scratch project: a shop, two proposals, and the keys of three people.
fn set_up(root: &Folder) -> Result<(), Fault> {
    let fault = |error| file_fault(&error);
    for (path, text) in shop::MANIFESTS {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = root.folder_made(&format!("shop/manifests/{folder}")).map_err(fault)?;
        folder.create(name, text.as_bytes(), Mode::Open).map_err(fault)?;
    }
    root.create("answer.md", shop::ANSWER.as_bytes(), Mode::Open).map_err(fault)?;
    root.create("drop-db.yaml", shop::DROP_DB.as_bytes(), Mode::Open).map_err(fault)?;
    let keys = root.private_folder_made("keys").map_err(fault)?;
    for person in ["carol", "alice", "bob"] {
        let seed = random::bytes::<32>().map_err(|error| Fault::of(Code::Error, &error))?;
        SecretKey::create(&keys, person, person, &seed)
            .map_err(|error| Fault::of(Code::Error, &error))?;
    }
    Ok(())
}

fn play(stage: &mut Stage<'_, '_, '_>, root: &Folder) -> Result<(), Fault> {
    stage.say("1. Nothing of yours is touched. No network, no account.");
    stage.say(&format!("   Everything happens in {}, and stays there.", root.path().display()));
    stage.shell(&format!("export COUNTERSIGN_STATE={}/state", root.path().display()));
    stage.shell(&format!("cd {}/shop", root.path().display()));
    stage.run(&["init", "--person", "carol", "--key", "../keys/carol.pub"], Step::Works)?;
    for person in ["alice", "bob"] {
        let key = format!("../keys/{person}.pub");
        stage.run(&["trust", "add", person, "--key", &key, "--role", "approver"], Step::Works)?;
    }
    stage.run(&["trust", "quorum", "prod", "--require", "approver=2"], Step::Works)?;

    stage.say("\n2. A model's answer becomes a plan. Its digest is plain sha256sum.");
    stage.run(
        &["plan", "-f", "../answer.md", "--requested-by", "carol", "--model", "example/model-1"],
        Step::Works,
    )?;
    let digest = digest(root)?;
    stage.sha256sum("plans/scale-web/plan.json", &digest.to_string())?;

    stage.say("\n3. Without approvals it is not applied.");
    let before = checksum(root)?;
    stage.run(
        &["apply", "plans/scale-web", "--trusted", "."],
        Step::Refused(Code::ApprovalRequired),
    )?;
    stage.same("the manifests", before, checksum(root)?);

    stage.say("\n4. A destructive proposal is denied by policy.");
    stage.run(&["plan", "-f", "../drop-db.yaml", "--requested-by", "carol"], Step::Works)?;
    stage.run(&["policy", "check", "plans/drop-db"], Step::Refused(Code::PolicyDenied))?;

    stage.say("\n5. Two people approve; then one digit of the plan is changed.");
    approve(stage, &digest)?;
    let plan = root.folder("shop/plans/scale-web").map_err(|error| file_fault(&error))?;
    let bytes = plan.read("plan.json", 64 << 20).map_err(|error| file_fault(&error))?;
    let text = String::from_utf8_lossy(&bytes).replacen("\"replicas\":5", "\"replicas\":9", 1);
    stage.say("   In plan.json, \"replicas\":5 becomes \"replicas\":9.");
    replace(&plan, "plan.json", text.as_bytes())?;
    stage
        .run(&["apply", "plans/scale-web", "--trusted", "."], Step::Refused(Code::PlanIntegrity))?;
    stage.say("   And back.");
    replace(&plan, "plan.json", &bytes)?;

    stage.say("\n6. Somebody edits the live file.");
    let folder = root.folder("shop/manifests/shop").map_err(|error| file_fault(&error))?;
    let web = folder.read("web.yaml", 1 << 20).map_err(|error| file_fault(&error))?;
    let edited = String::from_utf8_lossy(&web).replacen("replicas: 3", "replicas: 4", 1);
    stage.say("   In manifests/shop/web.yaml, replicas: 3 becomes replicas: 4.");
    replace(&folder, "web.yaml", edited.as_bytes())?;
    stage.run(&["apply", "plans/scale-web", "--trusted", "."], Step::Refused(Code::PlanStale))?;
    stage.say("   And back.");
    replace(&folder, "web.yaml", &web)?;

    stage.say("\n7. What was approved is applied: exactly the reviewed lines.");
    let old: Vec<(String, Vec<u8>)> = texts(root)?;
    stage.run(&["apply", "plans/scale-web", "--trusted", "."], Step::Applies)?;
    let mut changed = String::new();
    for ((path, before), (_, after)) in old.iter().zip(texts(root)?.iter()) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        changed.push_str(&diff::text(Some(&text(before)), Some(&text(after)), path));
    }
    stage.output("what changed on the disk, as diff -u:", &changed);

    stage.say("\n8. An approval is good for one apply.");
    stage.run(&["apply", "plans/scale-web", "--trusted", "."], Step::Refused(Code::ApprovalInvalid))
}

/// Alice with her own key through Countersign, Bob with plain `ssh-keygen` where that is installed.
fn approve(stage: &mut Stage<'_, '_, '_>, digest: &Digest) -> Result<(), Fault> {
    let digest = digest.to_string();
    let sign = |key: &'static str| ["-q", "approve", "plans/scale-web", "--key", key, "--digest"];
    let with = |start: &[&'static str], more: &[&'static str]| -> Vec<String> {
        let all = start.iter().copied().map(str::to_owned);
        all.chain([digest.clone()]).chain(more.iter().map(|one| (*one).to_owned())).collect()
    };
    stage.briefly(&with(&sign("../keys/alice"), &[]))?;
    if !stage.installed("ssh-keygen") {
        stage.say(
            "   (ssh-keygen is not installed here: Bob uses his key through Countersign, too)",
        );
        return stage.briefly(&with(&sign("../keys/bob"), &[]));
    }
    stage.briefly(&with(&sign("../keys/bob.pub"), &["--prepare"]))?;
    stage.ssh_keygen_signs("plans/scale-web/approvals", "bob-", "../keys/bob")
}

fn replace(folder: &Folder, name: &str, bytes: &[u8]) -> Result<(), Fault> {
    folder.replace(name, bytes, Mode::Open).map_err(|error| file_fault(&error))
}

fn digest(root: &Folder) -> Result<Digest, Fault> {
    let folder = root.folder("shop/plans/scale-web").map_err(|error| file_fault(&error))?;
    let bytes = folder.read("plan.json", 64 << 20).map_err(|error| file_fault(&error))?;
    Ok(Digest::of(&bytes))
}

/// Every manifest with its path, in one order.
fn texts(root: &Folder) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let mut found = Vec::new();
    for (path, _) in shop::MANIFESTS {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder =
            root.folder(&format!("shop/manifests/{folder}")).map_err(|e| file_fault(&e))?;
        let bytes = folder.read(name, 1 << 20).map_err(|error| file_fault(&error))?;
        found.push((format!("manifests/{path}"), bytes));
    }
    Ok(found)
}

/// One digest over all manifests.
fn checksum(root: &Folder) -> Result<Digest, Fault> {
    let mut all = Vec::new();
    for (path, bytes) in texts(root)? {
        all.extend_from_slice(path.as_bytes());
        all.extend_from_slice(Digest::of(&bytes).as_bytes());
    }
    Ok(Digest::of(&all))
}

/// How others' tools check what was made.
fn closing(root: &Path, ssh_keygen: bool) -> String {
    let root = root.display();
    // Without the program, Bob's approval is an envelope like Alice's.
    let signature = match ssh_keygen {
        false => "",
        true => {
            "\x20 for f in plans/scale-web/approvals/bob-*.json; do\n\
             \x20   printf 'bob namespaces=\"approval.v1@countersign\" %s\\n' \"$(cat ../keys/bob.pub)\" > ../allowed\n\
             \x20   ssh-keygen -Y verify -f ../allowed -I bob -n approval.v1@countersign -s \"$f.sig\" < \"$f\"\n\
             \x20 done\n"
        }
    };
    format!(
        "\nCheck it with tools that know nothing of Countersign:\n\
         \x20 cd {root}/shop\n\
         \x20 sha256sum plans/scale-web/plan.json\n\
         {signature}\
         Everything is in {root}; remove it when you have seen it.\n"
    )
}
