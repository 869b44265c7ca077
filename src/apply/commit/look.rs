//! Looks at checkout, branch and target before an apply that commits: what it would commit is the
//! plan's change of what the branch holds, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asked, Base, CommitError};
use crate::document::effect::FileChange;
use crate::git::{EntryKind, ObjectId, Person, RefName, Repository, TreeEntry, Within};
use crate::observe::directory::Tree;
use crate::plan::Plan;

const NAME: &str = "user.name";
const ADDRESS: &str = "user.email";
const LINE_ENDS: &str = "core.autocrlf";

/// Attributes by which Git stores other bytes than a file has, whatever these are.
const FILTERS: [&str; 3] = ["filter", "working-tree-encoding", "ident"];

pub(super) fn find(plan: &Plan, asked: &Asked<'_>) -> Result<Base, CommitError> {
    let within = Within::of(asked.project, asked.surroundings)?;
    let within = within.ok_or_else(|| CommitError::NoCheckout(asked.project.to_owned()))?;
    let beside = Within::of(asked.plan, asked.surroundings)?;
    let beside = beside.filter(|beside| beside.top == within.top).ok_or_else(|| {
        CommitError::PlanElsewhere { folder: asked.plan.to_owned(), top: within.top.clone() }
    })?;
    let repository = Repository::open(&within.top, asked.surroundings.clone())?;
    let head = repository.head()?.ok_or(CommitError::Unborn)?;
    let (branch, attached) = branch(&repository, asked.branch)?;
    at_head(&repository, asked, &branch, &head)?;
    let target = format!("{}{}/", within.prefix, asked.target.path);
    let mut settings = repository.settings(&[NAME, ADDRESS, LINE_ENDS])?;
    as_they_are(plan, &repository, &target, settings.get(LINE_ENDS))?;
    let executable = as_committed(plan, asked, &repository, &head, &target)?;
    let author = match (settings.remove(NAME), settings.remove(ADDRESS)) {
        (Some(name), Some(address)) => Some(Person { name, address }),
        (Some(_), None) | (None, Some(_)) | (None, None) => None,
    };
    let plan = beside.prefix;
    Ok(Base { repository, branch, attached, head, target, plan, executable, author })
}

/// The branch that gets the commit, and whether it is checked out.
fn branch(
    repository: &Repository,
    asked: Option<&RefName>,
) -> Result<(RefName, bool), CommitError> {
    match (repository.head_branch()?, asked) {
        (None, None) => Err(CommitError::Detached),
        (None, Some(asked)) => Ok((asked.clone(), false)),
        (Some(found), Some(asked)) if found != *asked => Err(CommitError::OtherBranch {
            asked: asked.short().to_owned(),
            found: found.short().to_owned(),
        }),
        (Some(found), Some(_) | None) => Ok((found, true)),
    }
}

/// Whether what is checked out is what the remote's branch is at. The push asks again.
fn at_head(
    repository: &Repository,
    asked: &Asked<'_>,
    branch: &RefName,
    head: &ObjectId,
) -> Result<(), CommitError> {
    let (branch_text, remote) = (branch.short().to_owned(), asked.remote.to_string());
    match repository.remote_ref(asked.remote, branch)? {
        None => Err(CommitError::NoBranch { branch: branch_text, remote }),
        Some(there) if there == *head => Ok(()),
        Some(there) => Err(CommitError::Elsewhere {
            branch: branch_text,
            remote,
            checked_out: short(head),
            there: short(&there),
        }),
    }
}

fn short(id: &ObjectId) -> String {
    id.as_str().chars().take(12).collect()
}

/// Compares the bytes that lie in the target's folder with those that are committed: no index, no
/// filter and no list of ignored files comes in between. Gives back which files of the plan can be
/// run.
fn as_committed(
    plan: &Plan,
    asked: &Asked<'_>,
    repository: &Repository,
    head: &ObjectId,
    target: &str,
) -> Result<BTreeSet<String>, CommitError> {
    let beneath = target.trim_end_matches('/');
    let entries = repository.tree(head, Some(beneath))?;
    no_links(&entries)?;
    let inside = |entry: TreeEntry| Some((entry.path.strip_prefix(target)?.to_owned(), entry));
    let entries: Vec<(String, TreeEntry)> =
        entries.into_iter().filter_map(inside).filter(|(path, _)| Tree::takes(path)).collect();
    let ids: Vec<ObjectId> = entries.iter().map(|(_, entry)| entry.id.clone()).collect();
    let most = u64::try_from(asked.limits.max_tree_bytes).unwrap_or(u64::MAX);
    let blobs = repository.blobs(&ids, most)?;
    let committed: BTreeMap<&str, Vec<u8>> = entries
        .iter()
        .zip(blobs)
        .map(|((path, _), blob)| (path.as_str(), blob.unwrap_or_default()))
        .collect();
    let live = Tree::bytes(asked.project, asked.target, asked.limits);
    let live = live.map_err(|error| CommitError::Unread(Box::new(error)))?;
    let files: BTreeMap<&str, &FileChange> =
        plan.document().effect.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let paths: BTreeSet<&str> =
        committed.keys().copied().chain(live.keys().map(String::as_str)).collect();
    let mut differ = Vec::new();
    for path in paths {
        let (found, kept) = (live.get(path), committed.get(path));
        let word = match (found, kept) {
            (Some(found), Some(kept)) if found == kept => continue,
            (None, None) => continue,
            (Some(_), Some(_)) => "other bytes",
            (Some(_), None) => "not committed",
            (None, Some(_)) => "gone",
        };
        let written = |file: &&FileChange| {
            let bytes = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
            bytes(&file.after).as_ref() == found && bytes(&file.before).as_ref() == kept
        };
        if !(asked.resume && files.get(path).is_some_and(written)) {
            differ.push(format!("{target}{path} ({word})"));
        }
    }
    if !differ.is_empty() {
        return Err(CommitError::Differs(differ));
    }
    let staged = repository.staged(head, beneath)?;
    if !staged.is_empty() {
        return Err(CommitError::Staged(staged));
    }
    let runs = |(path, entry): (String, TreeEntry)| {
        (entry.kind == EntryKind::Executable && files.contains_key(path.as_str())).then_some(path)
    };
    Ok(entries.into_iter().filter_map(runs).collect())
}

/// Refuses what is no file in Git, wherever it stands beneath the target, or in its place.
fn no_links(entries: &[TreeEntry]) -> Result<(), CommitError> {
    for TreeEntry { path, kind, .. } in entries {
        let what = match kind {
            EntryKind::File | EntryKind::Executable => continue,
            EntryKind::Symlink => "a symlink",
            EntryKind::Submodule => "a submodule",
        };
        return Err(CommitError::NoFile { path: path.clone(), what });
    }
    Ok(())
}

/// Whether Git stores the files of the plan as they will lie there. The bytes that are committed
/// are the approved ones in any case; but a checkout would hold others.
fn as_they_are(
    plan: &Plan,
    repository: &Repository,
    target: &str,
    line_ends: Option<&String>,
) -> Result<(), CommitError> {
    let files = plan.document().effect.files.iter();
    let written: Vec<(String, &str)> = files
        .filter_map(|file| Some((format!("{target}{}", file.path), file.after.as_deref()?)))
        .collect();
    let paths: Vec<&str> = written.iter().map(|(path, _)| path.as_str()).collect();
    let attributes = repository.attributes(&paths)?;
    for (path, text) in &written {
        let altered = |because| Err(CommitError::Altered { path: path.clone(), because });
        let value = |name: &str| attributes.get(path)?.get(name).map(String::as_str);
        let set = |name: &&&str| value(name).is_some_and(|value| value != "unset");
        if let Some(name) = FILTERS.iter().find(set) {
            return altered(format!("attribute {name}"));
        }
        let (of_text, ends) = (value("text"), value("eol"));
        if of_text == Some("unset") {
            continue;
        }
        if ends == Some("crlf") {
            return altered("attribute eol=crlf".to_owned());
        }
        let is_text = of_text.is_some() || ends.is_some();
        let converted = line_ends.is_some_and(|value| value != "false");
        if !is_text && converted && line_ends.is_some_and(|value| value == "true") {
            return altered("setting core.autocrlf".to_owned());
        }
        if text.contains("\r\n") && (is_text || converted) {
            let what = if is_text { "attribute text" } else { "setting core.autocrlf" };
            return altered(format!("{what}, and it has lines that end in CR LF"));
        }
    }
    Ok(())
}
