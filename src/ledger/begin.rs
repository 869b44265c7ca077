//! The intention is durable before the effect: a write to a target takes a [`Recorded`], and one is
//! made only when its line stands in the journal.

use std::sync::{MutexGuard, PoisonError};

use super::Ledger;
use super::error::LedgerError;
use super::record::{self, Line};
use super::spend::Spent;
use super::store::Journal;
use crate::document::canonical;
use crate::document::ident::Digest;
use crate::document::statement::ApprovalId;

/// The permission for one write, which stands in the journal. Used up by the write, and made only
/// by [`Ledger::begin`] and [`Ledger::begin_all`]:
///
/// ```compile_fail
/// let forged = countersign::ledger::Recorded {
///     item: "web.yaml".to_owned(),
///     before: None,
///     after: None,
/// };
/// ```
/// ```compile_fail
/// fn twice(recorded: countersign::ledger::Recorded) {
///     recorded.written();
///     recorded.written();
/// }
/// ```
/// ```compile_fail
/// fn copied(recorded: &countersign::ledger::Recorded) -> countersign::ledger::Recorded {
///     recorded.clone()
/// }
/// ```
///
/// Once is what it is for:
///
/// ```
/// fn once(recorded: countersign::ledger::Recorded) -> countersign::ledger::Written {
///     recorded.written()
/// }
/// ```
#[derive(Debug)]
pub struct Recorded {
    item: String,
    before: Option<Digest>,
    after: Option<Digest>,
}

impl Recorded {
    /// What may be written: a resource id, or the path of a file.
    pub fn item(&self) -> &str {
        &self.item
    }

    /// Digest of what must be there before; `None` for nothing.
    pub fn before(&self) -> Option<Digest> {
        self.before
    }

    /// Digest of what will be there; `None` for nothing.
    pub fn after(&self) -> Option<Digest> {
        self.after
    }

    /// Uses the permission up: its write was made.
    pub fn written(self) -> Written {
        Written { item: self.item }
    }
}

/// A write that was recorded, and then made.
#[derive(Debug)]
pub struct Written {
    item: String,
}

impl Ledger {
    /// Records durably that a write is about to be made.
    ///
    /// # Errors
    /// [`LedgerError::Unusable`], [`LedgerError::Lost`]: the write must not be made then.
    /// [`LedgerError::Mismatch`].
    pub fn begin(
        &self,
        spent: &Spent,
        item: &str,
        before: Option<Digest>,
        after: Option<Digest>,
    ) -> Result<Recorded, LedgerError> {
        let recorded = Recorded { item: item.to_owned(), before, after };
        let line = self.begun(spent, &recorded)?;
        journal(spent).push(&line).map_err(|error| self.failed(error))?;
        // That may have taken longer than the lock is sure to last.
        spent.lock.alive()?;
        Ok(recorded)
    }

    /// As [`Ledger::begin`], for writes that follow each other: all of them are durable when it
    /// returns, for the price of one. Of those that are not made in the end the journal says that
    /// they were begun; whoever resumes looks at the target anyway.
    ///
    /// # Errors
    /// As [`Ledger::begin`]; none of the writes must be made then.
    pub fn begin_all<'i>(
        &self,
        spent: &Spent,
        items: impl IntoIterator<Item = (&'i str, Option<Digest>, Option<Digest>)>,
    ) -> Result<Vec<Recorded>, LedgerError> {
        let recorded =
            |(item, before, after): (&str, _, _)| Recorded { item: item.to_owned(), before, after };
        let recorded: Vec<Recorded> = items.into_iter().map(recorded).collect();
        let Some((last, others)) = recorded.split_last() else {
            return Ok(recorded);
        };
        let mut journal = journal(spent);
        for one in others {
            let line = self.begun(spent, one)?;
            journal.note(&line).map_err(|error| self.failed(error))?;
        }
        let line = self.begun(spent, last)?;
        journal.push(&line).map_err(|error| self.failed(error))?;
        drop(journal);
        spent.lock.alive()?;
        Ok(recorded)
    }

    fn begun(&self, spent: &Spent, recorded: &Recorded) -> Result<Vec<u8>, LedgerError> {
        let Recorded { item, before, after } = recorded;
        let (item, before, after) = (item.clone(), *before, *after);
        self.line(spent, &Line::Begun { item, before, after })
    }

    /// Notes that it was made. That is for people, and durable only with what is begun next: a
    /// resume looks at the target itself.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn done(&self, spent: &Spent, written: Written) -> Result<(), LedgerError> {
        let line = self.line(spent, &Line::Done { item: written.item })?;
        journal(spent).note(&line).map_err(|error| self.failed(error))
    }

    /// The journal of a round: what it began to write, and what it wrote.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn journal_lines(&self, apply_id: &ApprovalId) -> Result<Vec<Line>, LedgerError> {
        let name = record::journal(apply_id);
        let lines = self.home.journals.lines(&name).map_err(|error| self.failed(error))?;
        let read = |line: &Vec<u8>| {
            let value = canonical::parse_strict(line).ok()?;
            serde_json::from_value(value).ok()
        };
        lines
            .iter()
            .map(|line| read(line).ok_or_else(|| self.damaged(&name, "a line is not readable")))
            .collect()
    }

    fn line(&self, spent: &Spent, line: &Line) -> Result<Vec<u8>, LedgerError> {
        if spent.ledger != *self.id() {
            return Err(LedgerError::Mismatch);
        }
        spent.lock.alive()?;
        let name = record::journal(spent.apply_id());
        canonical::to_jcs(line).map_err(|_| self.damaged(&name, "a line cannot be written"))
    }
}

fn journal(spent: &Spent) -> MutexGuard<'_, Box<dyn Journal>> {
    // A panic elsewhere leaves the journal as whole as it was.
    spent.journal.lock().unwrap_or_else(PoisonError::into_inner)
}
