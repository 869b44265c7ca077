//! One object and one operation on it, as they are seen while the cluster is asked: what is there,
//! what is asked for, and the change that follows from each answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::normal::Lens;
use super::observer::Observer;
use super::request::Version;
use super::subject::Subject;
use super::{ObserveError, made_up, owner, path, removed, secrets};
use crate::document::effect::{Forced, Preview, PreviewState};
use crate::document::ident::Pointer;
use crate::document::operation::{Action, Consent, Patch};
use crate::observe::ObservedChange;
use crate::observe::directory::{Budget, result_of};
use crate::remote::kubernetes::{Managed, Place};

/// An error of the operation.
pub(super) fn refuse(subject: &Subject, message: &str) -> ObserveError {
    let message = format!("{}: {message}", subject.resource.id());
    ObserveError::Operation { operation: subject.operation.id.clone(), message }
}

pub(super) fn masked(
    observer: &Observer,
    subject: &Subject,
    object: Value,
) -> Result<Value, ObserveError> {
    let action = &subject.operation.action;
    secrets::shown(observer.vault(), action, &subject.resource, object)
        .map_err(|message| refuse(subject, &message))
}

/// A change of which nothing more is known.
pub(super) fn change(
    subject: &Subject,
    before: Value,
    after: Value,
    preview: Preview,
) -> ObservedChange {
    ObservedChange {
        operation: subject.operation.id.clone(),
        resource: subject.resource.clone(),
        before,
        after,
        preview,
        unknown: Vec::new(),
        force: Vec::new(),
        warnings: Vec::new(),
        without_effect: Vec::new(),
        replace_paths: Vec::new(),
        guard: BTreeMap::new(),
    }
}

pub(super) fn plain(state: PreviewState) -> Preview {
    Preview { state, because: String::new(), by: String::new() }
}

/// One round about one object.
pub(super) struct Scene<'s> {
    pub(super) observer: &'s Observer,
    pub(super) subject: &'s Subject,
    pub(super) place: &'s Place,
    pub(super) live: Option<&'s Value>,
    lens: Lens,
    /// The object as it is, as a plan may hold it.
    before: Value,
}

impl<'s> Scene<'s> {
    /// Masks the object before anything is sent: a server's message that repeats its values can be
    /// filtered only once they are known.
    pub(super) fn of(
        observer: &'s Observer,
        subject: &'s Subject,
        place: &'s Place,
        live: Option<&'s Value>,
    ) -> Result<Self, ObserveError> {
        let lens = Lens::of(observer.target(), &subject.operation.action, live);
        let before = match live {
            Some(live) => masked(observer, subject, lens.look(live))?,
            None => Value::Null,
        };
        Ok(Self { observer, subject, place, live, lens, before })
    }

    pub(super) fn action(&self) -> &Action {
        &self.subject.operation.action
    }

    fn masked(&self, object: Value) -> Result<Value, ObserveError> {
        masked(self.observer, self.subject, object)
    }

    /// A change of which `after` is not known.
    pub(super) fn without_result(&self, preview: Preview) -> Result<ObservedChange, ObserveError> {
        let after = self.masked(self.as_asked())?;
        Ok(change(self.subject, self.before.clone(), after, preview).guarded(self.live))
    }

    pub(super) fn blocked(&self, because: &str) -> Result<ObservedChange, ObserveError> {
        let preview = Preview { because: because.to_owned(), ..plain(PreviewState::Blocked) };
        self.without_result(preview)
    }

    /// What is asked for, where nobody can say what comes of it: the body that would be applied, or
    /// the object with the patch.
    fn as_asked(&self) -> Value {
        let before = self.live.map(|live| self.lens.look(live)).unwrap_or_default();
        match self.action() {
            Action::Apply(body) => body.clone(),
            Action::Patch(body) => {
                let after = match &body.patch {
                    Patch::Merge(patch) => {
                        let mut after = before;
                        json_patch::merge(&mut after, patch);
                        after
                    }
                    Patch::Operations(_) => {
                        result_of(self.action(), &before, &mut Budget::default()).unwrap_or(before)
                    }
                };
                self.lens.look(&after)
            }
            Action::Delete(_) | Action::Stack(_) => Value::Null,
        }
    }

    /// The change that a rehearsal showed.
    pub(super) fn result(
        &self,
        object: &Value,
        again: Option<&Value>,
        taken: &[(String, String)],
        warnings: &[String],
    ) -> Result<ObservedChange, ObserveError> {
        let (operation, lens) = (&self.subject.operation, &self.lens);
        let warnings: BTreeSet<String> =
            warnings.iter().map(|text| self.observer.vault().filter(text)).collect();
        let warnings = warnings.into_iter().collect();
        let fields = forced(taken, object);
        let preview = match self.obstacle(&fields) {
            Some(because) => Preview { because, ..plain(PreviewState::Blocked) },
            None => plain(PreviewState::Server),
        };
        let before = self.before.clone();
        if matches!(operation.action, Action::Delete(_)) {
            let change = change(self.subject, before, Value::Null, preview);
            return Ok(ObservedChange { warnings, ..change.guarded(self.live) });
        }
        let mut after = lens.look(object);
        let again = again.map(|object| lens.look(object));
        let old = self.live.map(|live| lens.look(live)).unwrap_or_default();
        let resource = &self.subject.resource;
        let unknown = made_up::made_up(&operation.action, resource, &old, &after, again.as_ref());
        let without_effect = match self.live {
            Some(live) => removed::without_effect(live, object, lens),
            None => Vec::new(),
        };
        for pointer in &unknown {
            path::remove(&mut after, pointer);
        }
        let force = if operation.force == Consent::Allowed { fields } else { Vec::new() };
        let change = change(self.subject, before, self.masked(after)?, preview);
        let change = ObservedChange { unknown, force, warnings, without_effect, ..change };
        Ok(change.guarded(self.live))
    }

    /// What only `force: allowed` permits, and is not permitted.
    pub(super) fn obstacle(&self, fields: &[Forced]) -> Option<String> {
        if self.subject.operation.force == Consent::Allowed {
            return None;
        }
        let operation = &self.subject.operation;
        if let Some(because) = self.live.and_then(|live| owner::kept(operation, live)) {
            return Some(because);
        }
        (!fields.is_empty()).then(|| conflict(fields))
    }
}

/// The fields of a conflict, by their pointers into the object as it is once they are taken over:
/// sorted, each once.
pub fn forced(taken: &[(String, String)], object: &Value) -> Vec<Forced> {
    let fields: BTreeSet<Forced> = taken
        .iter()
        .map(|(field, manager)| Forced {
            path: Managed::pointer(field, object),
            manager: manager.clone(),
        })
        .collect();
    fields.into_iter().collect()
}

impl ObservedChange {
    /// Tied to the object that was read.
    fn guarded(mut self, live: Option<&Value>) -> Self {
        if let Some(version) = live.and_then(Version::of) {
            self.guard.insert("uid".to_owned(), version.uid.to_owned());
        }
        self
    }
}

/// The paths that cannot be changed; the whole object, if the cluster does not say which.
pub(super) fn fixed(paths: &[Pointer]) -> Vec<Pointer> {
    let paths: BTreeSet<Pointer> = paths.iter().cloned().collect();
    if paths.is_empty() { vec![Pointer::default()] } else { paths.into_iter().collect() }
}

/// How many of a list are named in a message; the rest is counted.
const NAMED: usize = 3;

fn conflict(fields: &[Forced]) -> String {
    let one = |field: &Forced| format!("{} is held by {}", field.path, field.manager);
    let mut words: Vec<String> = fields.iter().take(NAMED).map(one).collect();
    let rest = fields.len().saturating_sub(NAMED);
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    format!("conflict: {}; the operation lacks `force: allowed`", words.join(", "))
}

pub(super) fn named(paths: &[Pointer]) -> String {
    let one = |path: &Pointer| match path.as_str() {
        "" => "the object".to_owned(),
        path => path.to_owned(),
    };
    let mut words: Vec<String> = paths.iter().take(NAMED).map(one).collect();
    let rest = paths.len().saturating_sub(NAMED);
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    words.join(", ")
}
