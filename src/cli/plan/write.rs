//! What `plan` writes, and what it compares with: the plan's folder in the project.

use std::path::Path;

use crate::cli::fault::Fault;
use crate::cli::paths::file_fault;
use crate::document::code::Code;
use crate::document::ident::Digest;
use crate::files::{self, Folder, Mode};
use crate::plan::Plan;

/// Compares with the committed plan.
pub(super) fn locked(root: &Folder, shown: &str, plan: &Plan) -> Result<(), Fault> {
    let name = &plan.document().proposal.name;
    let committed =
        root.folder(&format!("plans/{name}")).and_then(|folder| folder.read("plan.json", u64::MAX));
    let committed = match committed {
        Ok(committed) => committed,
        // Nothing to do, and nothing is said to be done.
        Err(error) if error.is_absent() && plan.is_empty() => return Ok(()),
        Err(error) => {
            return Err(
                file_fault(&error).hint("plan without --locked first, and commit the folder")
            );
        }
    };
    if committed == plan.bytes() {
        return Ok(());
    }
    let gives = match plan.is_empty() {
        true => "it gives no change".to_owned(),
        false => format!("it gives {}", plan.digest()),
    };
    Err(Fault::new(Code::PlanStale, format!("{shown} is not what the proposal gives now"))
        .because(format!("{gives}, and {} is committed", Digest::of(&committed)))
        .hint("plan again without --locked, then ask for new approvals"))
}

/// Writes the plan's folder, and says what became of approvals that lay there.
pub(super) fn write(
    root: &Folder,
    shown: &str,
    plan: &Plan,
    envelope: &[u8],
) -> Result<String, Fault> {
    let fault = |error| file_fault(&error);
    let name = &plan.document().proposal.name;
    let folder = root.folder_made(&format!("plans/{name}")).map_err(fault)?;
    if let Some(receipts) = sub(&folder, "receipts").map_err(fault)?
        && !receipts.entries().map_err(fault)?.is_empty()
    {
        return Err(Fault::new(
            Code::Error,
            format!("{shown} was applied already: it has a receipt"),
        )
        .hint("choose another name with --name; a plan that was applied stays as it is"));
    }
    let before = folder.read_if_there("plan.json", u64::MAX).map_err(fault)?;
    let same = before.as_deref() == Some(plan.bytes());
    let mut dropped = 0;
    if !same && let Some(approvals) = sub(&folder, "approvals").map_err(fault)? {
        for entry in approvals.entries().map_err(fault)?.iter().filter(|entry| !entry.folder) {
            approvals.remove(&entry.name).map_err(fault)?;
            dropped += 1;
        }
    }
    if !same {
        folder.replace("plan.json", plan.bytes(), Mode::Open).map_err(fault)?;
    }
    folder.replace("planner.intoto.json", envelope, Mode::Open).map_err(fault)?;
    Ok(match (before.is_some(), same, dropped) {
        (false, ..) => format!("Wrote {shown}/plan.json and its planner's statement."),
        (true, true, _) => {
            format!("{shown}/plan.json comes out the same; approvals of it still count.")
        }
        (true, false, 0) => format!("Wrote {shown}/plan.json anew: it is another plan now."),
        (true, false, n) => format!(
            "Wrote {shown}/plan.json anew: it is another plan now, and {n} old {} for it {} removed.",
            if n == 1 { "approval" } else { "approvals" },
            if n == 1 { "was" } else { "were" },
        ),
    })
}

fn sub(folder: &Folder, name: &str) -> Result<Option<Folder>, files::FileError> {
    match folder.kind(name)? {
        Some(_) => folder.folder(name).map(Some),
        None => Ok(None),
    }
}

/// The commit that is checked out, if the project is a Git checkout: evidence only, read from files.
pub(super) fn commit(project: &Path) -> String {
    let read = |folder: &Path, name: &str| -> Option<String> {
        let bytes = files::read_path(&folder.join(name), 4096).ok()?;
        Some(String::from_utf8(bytes).ok()?.trim().to_owned())
    };
    let git = project.ancestors().map(|folder| folder.join(".git")).find(|git| git.is_dir());
    let found = git.and_then(|git| {
        let head = read(&git, "HEAD")?;
        match head.strip_prefix("ref: ") {
            Some(name) => read(&git, name),
            None => Some(head),
        }
    });
    let hex = |text: &String| text.len() >= 40 && text.bytes().all(|c| c.is_ascii_hexdigit());
    found.filter(hex).unwrap_or_default()
}
