//! Writes the files of a plan, in the order given: each only if it still is what the plan says it
//! was, and only after the ledger recorded it, which it does for some files at once. The first
//! failure stops.
//!
//! Done again after a crash, with a spend that resumes, it goes on where it was: a file that is as
//! it was before is written, one that is as it will be is passed over, anything else stops. What
//! nothing covers are the last microseconds between the second look at a file and its replacement.

mod write;

use std::collections::BTreeSet;

use super::report::{Report, Stop};
use super::run::Run;
use crate::causes;
use crate::document::effect::FileChange;
use crate::document::ident::Digest;
use crate::document::statement::{ApprovalId, Fate};
use crate::files::{FileError, Folder};

pub use write::{WriteError, write};

/// Files that are recorded by one durable step of the ledger.
const TOGETHER: usize = 64;

/// Writes `files` beneath `folder`, which is the target's root. Whether it resumes, the spend says.
pub fn execute(files: &[FileChange], folder: &Folder, run: &Run<'_>) -> Report {
    let mut report = report(files);
    if let Err(stop) = go(files, folder, run, &mut report) {
        report.stopped(stop);
    }
    report
}

/// The report where the target's folder cannot be opened: nothing was written.
pub fn unopened(files: &[FileChange], error: FileError) -> Report {
    let mut report = report(files);
    report.stopped(at(".", error));
    report
}

/// What rounds that are given up left behind: which files have been written, which not, and which
/// are neither. Their temporary files are removed; nothing else is changed.
pub fn given_up(files: &[FileChange], folder: &Folder, rounds: &[ApprovalId]) -> Report {
    let mut report = report(files);
    for (at, change) in files.iter().enumerate() {
        let live = write::live(folder, change);
        let (before, after) = (digest(&change.before), digest(&change.after));
        if live.is(after) {
            report.already_written(at, after);
        } else if !live.is(before) {
            report.refused(at, live.unexpected(change));
        }
    }
    if let Err(stop) = tidy(files, folder, rounds) {
        report.stopped(stop);
    }
    report
}

fn go(
    files: &[FileChange],
    folder: &Folder,
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Stop> {
    for change in files {
        write::check_path(folder, &change.path)?;
    }
    let root = folder.tagged(run.spent.apply_id().as_str());
    let root = root.map_err(|source| at(".", source))?;
    survey(files, &root, run, report)?;
    if run.resumes() {
        tidy(files, &root, run.spent.resumes())?;
    }
    let open = |(at, _): &(usize, &FileChange)| report.fate(*at) != Some(Fate::AlreadyWritten);
    let open: Vec<(usize, &FileChange)> = files.iter().enumerate().filter(open).collect();
    open.chunks(TOGETHER).try_for_each(|some| write_some(some, &root, run, report))
}

/// Records some files, then writes them one after the other.
fn write_some(
    some: &[(usize, &FileChange)],
    root: &Folder,
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Stop> {
    run.wanted()?;
    run.in_time()?;
    for (at, change) in some {
        still_as_planned(*at, change, root, report)?;
    }
    let items = some
        .iter()
        .map(|(_, change)| (change.path.as_str(), digest(&change.before), digest(&change.after)));
    let begun = run.ledger.begin_all(run.spent, items);
    let begun = begun.map_err(|error| Stop::Ledger(Box::new(error)))?;
    for (index, (recorded, (at, change))) in begun.into_iter().zip(some).enumerate() {
        if index > 0 {
            run.wanted()?;
        }
        // Making the records durable, and the files before this one, may have taken long.
        run.in_time()?;
        still_as_planned(*at, change, root, report)?;
        let written = write(recorded, change, root).map_err(|error| {
            wrote_badly(report, *at, &error);
            Stop::Write { path: change.path.clone(), source: Box::new(error) }
        })?;
        report.wrote(*at, digest(&change.after));
        let noted = run.ledger.done(run.spent, written);
        noted.map_err(|error| Stop::Ledger(Box::new(error)))?;
    }
    Ok(())
}

fn still_as_planned(
    at: usize,
    change: &FileChange,
    root: &Folder,
    report: &mut Report,
) -> Result<(), Stop> {
    let found = write::live(root, change);
    match found.is(digest(&change.before)) {
        true => Ok(()),
        false => Err(report.refused(at, found.unexpected(change))),
    }
}

/// Looks at every file before the first is written, so that most of what can be in the way is found
/// while nothing has changed.
fn survey(
    files: &[FileChange],
    root: &Folder,
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Stop> {
    let resumes = run.resumes();
    let mut stop = None;
    for (at, change) in files.iter().enumerate() {
        let live = write::live(root, change);
        let (before, after) = (digest(&change.before), digest(&change.after));
        if live.is(before) {
            continue;
        }
        if resumes && live.is(after) {
            report.already_written(at, after);
            continue;
        }
        let unexpected = report.refused(at, live.unexpected(change));
        if run.spent.begun_before().contains(&change.path) {
            // Somebody changed it again after this apply may have written it.
            report.took_effect();
        }
        stop.get_or_insert(unexpected);
    }
    stop.map_or(Ok(()), Err)
}

/// Removes the temporary files that killed rounds left, and makes durable what they did to folders.
fn tidy(files: &[FileChange], root: &Folder, rounds: &[ApprovalId]) -> Result<(), Stop> {
    let mut folders = BTreeSet::new();
    for change in files {
        let mut path = change.path.as_str();
        while !path.is_empty() {
            (path, _) = write::split(path);
            folders.insert(path);
        }
    }
    for path in folders {
        let tidied = match root.folder(path) {
            Err(error) if error.is_absent() => Ok(()),
            Err(error) => Err(error),
            Ok(folder) => tidy_folder(&folder, rounds),
        };
        tidied.map_err(|source| at(path, source))?;
    }
    Ok(())
}

fn tidy_folder(folder: &Folder, rounds: &[ApprovalId]) -> Result<(), FileError> {
    for earlier in rounds {
        folder.remove_temporary(earlier.as_str())?;
    }
    folder.settle()
}

fn report(files: &[FileChange]) -> Report {
    Report::new(files.iter().map(|change| change.path.clone()))
}

fn wrote_badly(report: &mut Report, index: usize, error: &WriteError) {
    match error {
        WriteError::Unrecorded | WriteError::Untouched(_) => {}
        WriteError::Unknown(_) => report.lost_sight(),
        WriteError::Differs => report.took_effect(),
    }
    report.failed(index, None, causes::line(error));
}

fn at(path: &str, source: FileError) -> Stop {
    Stop::File { path: path.to_owned(), source }
}

fn digest(text: &Option<String>) -> Option<Digest> {
    text.as_ref().map(|text| Digest::of(text.as_bytes()))
}
