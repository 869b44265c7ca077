//! What an object is to a change, by one look at it: as it was when planned, as it will be, or
//! neither. Nothing but the first permits a write.

use serde_json::Value;

use super::glass::Glass;
use super::job::{Job, Known, Verb};
use super::same;
use crate::document::ident::Digest;
use crate::observe::kubernetes::kept;

/// What earlier rounds of the same apply may have left behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// Whether there were any.
    pub(super) resumes: bool,
    /// Whether one of them had begun this change.
    pub(super) begun: bool,
}

impl Past {
    /// That there was nothing.
    pub(super) const NONE: Self = Self { resumes: false, begun: false };
}

/// What an object is to a change.
#[derive(Debug)]
pub(super) enum Standing {
    /// As it was when planned: the change may be made.
    Before(Known),
    /// As it will be, by an earlier round.
    After(Option<Digest>),
    /// Deleted by an earlier round, and going.
    Going,
    /// Deleted by an earlier round, for a replacement, and gone.
    Cleared(Known),
    /// Deleted by an earlier round, for a replacement, and going.
    Clearing,
    /// Something else: what, in words.
    Other(String),
}

/// What an object is to a change.
///
/// # Errors
/// Why it cannot be said, in words.
pub(super) fn judge(
    job: &Job<'_>,
    live: Option<&Value>,
    past: Past,
    glass: Glass<'_>,
) -> Result<Standing, String> {
    let other = |words: &str| Ok(Standing::Other(words.to_owned()));
    let lens = glass.lens(job, live);
    let Some(live) = live else {
        return Ok(match job.verb {
            Verb::Create => Standing::Before(Known::of(lens, None)),
            Verb::Delete if past.resumes => Standing::After(None),
            Verb::Replace if past.begun => Standing::Cleared(Known::of(lens, None)),
            Verb::Update | Verb::Delete | Verb::Replace => Standing::Other("it is gone".to_owned()),
        });
    };
    let seen = glass.seen(job, &lens, live)?;
    let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str);
    let same_object = text("/metadata/uid") == job.change.guard.get("uid").map(String::as_str);
    let differs = if past.resumes { job.differs(&seen) } else { Vec::new() };
    let grown = || past.begun && job.has_grown(&seen);
    let after = || past.resumes && (differs.is_empty() || grown());
    if text("/metadata/deletionTimestamp").is_some() {
        return match job.verb {
            Verb::Delete if past.begun && same_object => Ok(Standing::Going),
            Verb::Replace if past.begun && same_object => Ok(Standing::Clearing),
            Verb::Create | Verb::Update | Verb::Delete | Verb::Replace => {
                other("it is being deleted")
            }
        };
    }
    match job.verb {
        Verb::Create if after() => return Ok(Standing::After(same::digest(&seen))),
        Verb::Create if past.begun => {
            let shown = same::shown(&differs);
            return other(&format!("it exists, and is not what was to be created, at {shown}"));
        }
        Verb::Create => return other("it exists, and was to be created"),
        Verb::Replace if !same_object && past.begun && after() => {
            return Ok(Standing::After(same::digest(&seen)));
        }
        Verb::Update | Verb::Delete | Verb::Replace if !same_object => {
            return other("it is another object than when planned: deleted, and created anew");
        }
        Verb::Update | Verb::Delete | Verb::Replace => {}
    }
    let changed = same::differences(&job.change.before, &seen);
    if changed.is_empty() {
        // Who keeps it may say so where no plan shows it, and for a patch it is no conflict.
        if let Some(why) = kept(job.operation, live) {
            return Ok(Standing::Other(why));
        }
        return Ok(Standing::Before(Known::of(lens, Some(live))));
    }
    if job.verb == Verb::Update && after() {
        return Ok(Standing::After(same::digest(&seen)));
    }
    other(&format!("it is not what it was when planned, at {}", same::shown(&changed)))
}

/// What became of a request that nobody answered.
#[derive(Debug)]
pub(super) enum Fate {
    /// It had its effect, and this is the result (`None`: gone).
    Landed(Option<Value>),
    /// The object is in the very state that the request was for: it has had no effect so far.
    Untouched,
    /// Somebody else has changed the object meanwhile: it had no effect, and will have none.
    Barred,
    /// Neither can be said.
    Unclear(String),
}

/// What became of a request that nobody answered, by a look at its object.
///
/// # Errors
/// Why it cannot be said, in words.
pub(super) fn fate(job: &Job<'_>, live: Option<&Value>, glass: Glass<'_>) -> Result<Fate, String> {
    let Some(known) = &job.known else {
        return Ok(Fate::Unclear("what was there before is not known".to_owned()));
    };
    let of = |object: &Value, member: &str| object.get("metadata")?.get(member).cloned();
    let was = known.version.as_ref();
    let keeps = |member: &str| {
        let (was, is) = (was.and_then(|was| of(was, member)), live.and_then(|is| of(is, member)));
        was.is_some() && was == is
    };
    match (live, job.deletes()) {
        (None, true) => Ok(Fate::Landed(None)),
        (None, false) if was.is_none() => Ok(Fate::Untouched),
        (None, false) => Ok(Fate::Unclear("it is gone".to_owned())),
        (Some(_), _) if keeps("uid") && keeps("resourceVersion") => Ok(Fate::Untouched),
        (Some(live), true) => {
            let going = of(live, "deletionTimestamp").is_some();
            Ok(match keeps("uid") {
                true if going => Fate::Landed(None),
                true => Fate::Barred,
                // It was deleted, by this request or by whoever created it anew.
                false => Fate::Unclear("another object has its name now".to_owned()),
            })
        }
        (Some(live), false) => {
            if was.is_some() && !keeps("uid") {
                return Ok(Fate::Unclear("another object has its name now".to_owned()));
            }
            let seen = glass.seen(job, &known.lens, live)?;
            if job.differs(&seen).is_empty() {
                return Ok(Fate::Landed(Some(seen)));
            }
            if was.is_some() && same::differences(&job.change.before, &seen).is_empty() {
                return Ok(Fate::Barred);
            }
            Ok(match job.has_grown(&seen) {
                true => Fate::Landed(Some(seen)),
                false => Fate::Unclear("it is neither as it was nor as planned".to_owned()),
            })
        }
    }
}
