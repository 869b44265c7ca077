//! What `init` finds: the person and their key, the manifests, names for the project.

use std::path::Path;

use super::InitArgs;
use crate::cli::fault::Fault;
use crate::cli::keys;
use crate::cli::paths::file_fault;
use crate::cli::session::Session;
use crate::config::TargetPath;
use crate::custody::signer::Candidate;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::files::{self, Folder};
use crate::trust::key::PublicKey;

/// Letters, digits and dashes of a text, as a label.
pub(super) fn label(text: &str) -> Option<Label> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(plain).take(63).collect();
    text.trim_matches('-').parse().ok()
}

pub(super) fn name(args: &InitArgs, path: &Path) -> Result<Label, Fault> {
    let of_folder = || {
        let full = std::path::absolute(path).ok()?;
        label(full.file_name()?.to_str()?)
    };
    args.name.clone().or_else(of_folder).ok_or_else(|| {
        Fault::new(Code::Error, "the folder's name makes no project name")
            .hint("give one with --name")
    })
}

pub(super) fn person(args: &InitArgs, session: &Session<'_, '_>) -> Result<Label, Fault> {
    let home = || {
        let home = session.variable("HOME")?;
        label(Path::new(&home).file_name()?.to_str()?)
    };
    args.person.clone().or_else(home).ok_or_else(|| {
        Fault::new(Code::Error, "there is no name for you").hint("give one with --person")
    })
}

pub(super) fn key(args: &InitArgs, session: &Session<'_, '_>) -> Result<PublicKey, Fault> {
    if let Some(path) = &args.key {
        let bytes = files::read_path(&session.path(path), 16 << 10)
            .map_err(|e| file_fault(&e).hint("--key names the `.pub` file of your Ed25519 key"))?;
        return keys::public_key(path, &bytes);
    }
    let found = keys::candidates(session)?;
    match found.candidates.as_slice() {
        [one] => Ok(one.public.clone()),
        [] => Err(Fault::new(Code::Error, "you have no Ed25519 key")
            .because(format!("looked at {}", found.looked.join("; ")))
            .hint("make one with `ssh-keygen -t ed25519`, or name a `.pub` file with --key")),
        many => {
            let each = |one: &Candidate| format!("{} ({})", one.place, one.public.fingerprint());
            let all: Vec<_> = many.iter().map(each).collect();
            Err(Fault::new(
                Code::Error,
                format!("you have {} Ed25519 keys: {}", many.len(), all.join(", ")),
            )
            .hint("choose one: `--key FILE.pub`"))
        }
    }
}

/// The folder of manifests: the one that was named, else the usual names, else the only folder that
/// holds one.
pub(super) fn manifests(args: &InitArgs, root: &Folder) -> Result<TargetPath, Fault> {
    let usual = ["manifests", "k8s", "kubernetes", "deploy", "base"];
    let there = |name: &&str| matches!(root.kind(name), Ok(Some(true)));
    let name = match &args.manifests {
        Some(named) => named.trim_end_matches('/').to_owned(),
        None => match usual.iter().find(|name| there(name)) {
            Some(name) => (*name).to_owned(),
            None => only_folder(root)?,
        },
    };
    let path = TargetPath::try_from(name).map_err(|error| Fault::of(Code::Error, &error))?;
    root.folder(path.as_str()).map_err(|error| {
        file_fault(&error).hint("--manifests names a folder inside the project")
    })?;
    Ok(path)
}

fn only_folder(root: &Folder) -> Result<String, Fault> {
    let entries = root.entries().map_err(|error| file_fault(&error))?;
    let mut found = entries.iter().filter(|entry| {
        entry.folder
            && !entry.name.starts_with('.')
            && root.folder(&entry.name).is_ok_and(|folder| first_manifest(&folder, 4).is_some())
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.name.clone()),
        (None, _) => Err(Fault::new(Code::Error, "no folder of manifests was found")
            .hint("name it with --manifests PATH")),
        (Some(_), Some(_)) => Err(Fault::new(Code::Error, "several folders hold manifests")
            .hint("name one with --manifests PATH")),
    }
}

/// Path of the first manifest in a folder, in the order of the alphabet.
fn first_manifest(folder: &Folder, depth: usize) -> Option<String> {
    let entries = folder.entries().ok()?;
    let manifest =
        |name: &str| name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
    let here = entries.iter().find(|entry| {
        !entry.folder
            && !entry.name.starts_with('.')
            && manifest(&entry.name)
            && !entry.name.to_lowercase().starts_with("kustomization")
    });
    if let Some(entry) = here {
        return Some(entry.name.clone());
    }
    let depth = depth.checked_sub(1)?;
    let mut folders: Vec<_> =
        entries.iter().filter(|entry| entry.folder && !entry.name.starts_with('.')).collect();
    // `_cluster` and its like come last: a first change is rarely meant for them.
    folders.sort_by_key(|entry| entry.name.starts_with('_'));
    folders.into_iter().find_map(|entry| {
        let inner = folder.folder(&entry.name).ok()?;
        Some(format!("{}/{}", entry.name, first_manifest(&inner, depth)?))
    })
}

/// A real file of the user's, for the command that comes next.
pub(super) fn example(root: &Folder, manifests: &str) -> Result<String, Fault> {
    let folder = root.folder(manifests).map_err(|error| file_fault(&error))?;
    Ok(match first_manifest(&folder, 8) {
        Some(file) => format!("{manifests}/{file}"),
        None => "proposal.yaml".to_owned(),
    })
}
