//! A plan's folder: where it is, what is read from it, and what is written to it.

use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::session::Session;
use crate::document::code::Code;
use crate::files::{self, FileError, Folder, Mode};
use crate::gate::{self, Examined, Inputs, Papers, PapersError, Refusal, Refused, Trusted};
use crate::ledger::Ledger;
use crate::plan::Plan;

/// A plan as the user named it.
#[derive(Debug)]
pub(super) struct PlanFolder {
    /// For messages, as typed.
    pub(super) shown: String,
    /// The folder.
    pub(super) folder: Folder,
    /// The bytes of plan.json, read once.
    pub(super) bytes: Vec<u8>,
}

pub(super) fn file_fault(error: &FileError) -> Fault {
    Fault::of(Code::Error, error)
}

/// Opens the plan that `typed` names: its folder, or its plan.json.
pub(super) fn open(
    typed: &Path,
    most: usize,
    session: &Session<'_, '_>,
) -> Result<PlanFolder, Fault> {
    let named = typed.file_name().is_some_and(|name| name == "plan.json");
    let folder = if named { typed.parent().unwrap_or(Path::new("")) } else { typed };
    let shown =
        if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() };
    let path = match folder.as_os_str().is_empty() {
        true => session.directory(),
        false => session.path(folder),
    };
    let hint = "PLAN is a plan's folder, such as plans/scale-web, or its plan.json";
    let folder = files::open_folder(&path).map_err(|error| file_fault(&error).hint(hint))?;
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let bytes = folder.read("plan.json", most).map_err(|error| {
        let fault = file_fault(&error);
        if error.is_absent() { fault.hint(hint) } else { fault }
    })?;
    Ok(PlanFolder { shown, folder, bytes })
}

impl PlanFolder {
    /// The plan, believed only if it can be derived again.
    pub(super) fn plan(&self) -> Result<Plan, Fault> {
        Plan::open(self.bytes.clone()).map_err(|error| {
            Fault::refused(&Refused::from(Refusal::Plan(Box::new(error))), &self.shown)
        })
    }

    /// What lies beside it, and in further folders of approvals.
    pub(super) fn papers(
        &self,
        more: &[PathBuf],
        session: &Session<'_, '_>,
    ) -> Result<Papers, Fault> {
        let fault = |error: PapersError| Fault::of(Code::Error, &error);
        let mut papers = Papers::read(&self.folder).map_err(fault)?;
        for typed in more {
            let folder = files::open_folder(&session.path(typed)).map_err(|e| file_fault(&e))?;
            papers.add(&folder, &typed.display().to_string()).map_err(fault)?;
        }
        Ok(papers)
    }

    /// What the offline gate finds in it.
    ///
    /// # Errors
    /// The bytes are no plan.
    pub(super) fn examined(
        &self,
        papers: &Papers,
        trusted: &Trusted,
        ledger: Option<&Ledger>,
        session: &mut Session<'_, '_>,
    ) -> Result<Examined, Refusal> {
        session.progress("examining the plan");
        let worker = session.world().program.clone();
        gate::examine(Inputs {
            plan: &self.bytes,
            papers,
            trusted,
            ledger,
            worker: &worker,
            now: session.now(),
        })
    }

    /// Writes a new file into a sub-folder of the plan, which is made if need be.
    pub(super) fn add(&self, sub: &str, name: &str, bytes: &[u8]) -> Result<String, Fault> {
        let written = self.folder.folder_made(sub).and_then(|f| f.create(name, bytes, Mode::Open));
        written.map_err(|error| file_fault(&error))?;
        Ok(format!("{}/{sub}/{name}", self.shown))
    }
}
