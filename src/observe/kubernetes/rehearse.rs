//! What the cluster makes of one operation. Every answer has its own outcome: a change as it would
//! be, a reason why it cannot be, or an error of the operation; and none is taken for a yes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::answer::{self, Asked};
use super::error::ObserveError;
use super::normal::Lens;
use super::observer::Observer;
use super::owner;
use super::removed;
use super::request::{self, NOT_PRESENT, Version};
use super::secrets;
use super::subject::{Deferral, Subject};
use super::{made_up, path};
use crate::document::effect::{Forced, Preview, PreviewState};
use crate::document::ident::Pointer;
use crate::document::operation::{Action, Consent, Operation, Patch, Propagation};
use crate::observe::ObservedChange;
use crate::remote::kubernetes::{Managed, Place};

/// How often an object that changes meanwhile is read again.
const AGAIN: usize = 4;

/// What one round gave.
enum Round {
    Settled(Box<ObservedChange>),
    /// The object is not as it was read.
    Moved,
}

/// Rehearses an operation on an object as it was read. An object that changes meanwhile is read
/// again, and is found unstable in the end.
///
/// # Errors
/// [`ObserveError`].
pub(super) async fn rehearse(
    observer: &Observer,
    subject: &Subject,
    place: &Place,
    mut live: Option<Value>,
) -> Result<ObservedChange, ObserveError> {
    for _ in 0..=AGAIN {
        match Scene::of(observer, subject, place, live.as_ref())?.round().await? {
            Round::Settled(change) => return Ok(*change),
            Round::Moved => live = observer.read(place).await?,
        }
    }
    Scene::of(observer, subject, place, live.as_ref())?
        .blocked("unstable: the object changes faster than it can be read".to_owned())
}

/// An object that cannot be asked about yet: what is asked for is all that is known.
///
/// # Errors
/// [`ObserveError::Operation`].
pub(super) fn deferred(
    observer: &Observer,
    subject: &Subject,
    deferral: &Deferral,
) -> Result<ObservedChange, ObserveError> {
    let preview = Preview {
        state: PreviewState::Deferred,
        because: deferral.because.to_owned(),
        by: deferral.by.to_string(),
    };
    let action = &subject.operation.action;
    let Action::Apply(body) = action else { return Err(refuse(subject, NOT_PRESENT)) };
    let after = masked(observer, subject, body.clone())?;
    Ok(change(subject, Value::Null, after, preview))
}

/// An error of the operation.
fn refuse(subject: &Subject, message: &str) -> ObserveError {
    let message = format!("{}: {message}", subject.resource.id());
    ObserveError::Operation { operation: subject.operation.id.clone(), message }
}

fn masked(observer: &Observer, subject: &Subject, object: Value) -> Result<Value, ObserveError> {
    let asked = secrets::asked(&subject.operation.action);
    secrets::masked(observer.vault(), &subject.resource, object, asked)
        .map_err(|message| refuse(subject, &message))
}

/// A change of which nothing more is known.
fn change(subject: &Subject, before: Value, after: Value, preview: Preview) -> ObservedChange {
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

fn plain(state: PreviewState) -> Preview {
    Preview { state, because: String::new(), by: String::new() }
}

/// One round about one object.
struct Scene<'s> {
    observer: &'s Observer,
    subject: &'s Subject,
    place: &'s Place,
    live: Option<&'s Value>,
    lens: Lens,
    /// The object as it is, as a plan may hold it.
    before: Value,
}

impl<'s> Scene<'s> {
    /// Masks the object before anything is sent: a server's message that repeats its values can be
    /// filtered only once they are known.
    fn of(
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

    fn operation(&self) -> &Operation {
        &self.subject.operation
    }

    fn action(&self) -> &Action {
        &self.operation().action
    }

    fn masked(&self, object: Value) -> Result<Value, ObserveError> {
        masked(self.observer, self.subject, object)
    }

    /// A change of which `after` is not known.
    fn without_result(&self, preview: Preview) -> Result<ObservedChange, ObserveError> {
        let after = self.masked(self.as_asked())?;
        Ok(change(self.subject, self.before.clone(), after, preview).guarded(self.live))
    }

    fn blocked(&self, because: String) -> Result<ObservedChange, ObserveError> {
        let preview = Preview { because, ..plain(PreviewState::Blocked) };
        self.without_result(preview)
    }

    /// What is asked for, where nobody can say what comes of it: the body that would be applied, or
    /// the object with the patch.
    fn as_asked(&self) -> Value {
        let before = self.live.map(|live| self.lens.look(live)).unwrap_or_default();
        match self.action() {
            Action::Apply(body) => body.clone(),
            Action::Patch(body) => {
                let mut after = before.clone();
                match &body.patch {
                    Patch::Merge(patch) => json_patch::merge(&mut after, patch),
                    Patch::Operations(operations) => {
                        let patch = serde_json::from_value::<json_patch::Patch>(operations.clone());
                        let patched =
                            patch.is_ok_and(|p| json_patch::patch(&mut after, &p).is_ok());
                        if !patched {
                            return before;
                        }
                    }
                }
                self.lens.look(&after)
            }
            Action::Delete(_) | Action::Stack(_) => Value::Null,
        }
    }

    async fn round(&self) -> Result<Round, ObserveError> {
        let settled = |change: ObservedChange| Ok(Round::Settled(Box::new(change)));
        let needs_one = matches!(self.action(), Action::Patch(_) | Action::Delete(_));
        if self.live.is_none() && needs_one {
            return Err(refuse(self.subject, NOT_PRESENT));
        }
        let ending = |live: &Value| live.pointer("/metadata/deletionTimestamp").is_some();
        if self.live.is_some_and(ending) {
            return settled(self.blocked("the object is being deleted already".to_owned())?);
        }
        let first = self.ask(false).await?;
        let (answer, taken) = match first {
            Asked::Conflict(fields) => (self.ask(true).await?, fields),
            Asked::Result { .. }
            | Asked::Moved
            | Asked::Blocked(_)
            | Asked::Immutable(_)
            | Asked::Unpreviewable(_) => (first, Vec::new()),
        };
        match answer {
            Asked::Moved => Ok(Round::Moved),
            Asked::Blocked(because) => settled(self.blocked(because)?),
            Asked::Unpreviewable(because) => {
                let preview = Preview { because, ..plain(PreviewState::Unpreviewable) };
                settled(self.without_result(preview)?)
            }
            Asked::Immutable(paths) => self.immutable(&paths).await,
            // With force there are none; whoever says so all the same is not believed.
            Asked::Conflict(fields) => {
                let fields = self.fields(&fields, &Value::Null);
                settled(self.blocked(conflict(&fields))?)
            }
            Asked::Result { object, mut warnings } => {
                let again = match self.live {
                    Some(_) => None,
                    None => match self.ask(!taken.is_empty()).await? {
                        Asked::Result { object, warnings: more } => {
                            warnings.extend(more);
                            Some(object)
                        }
                        Asked::Moved => return Ok(Round::Moved),
                        Asked::Blocked(because) => return settled(self.blocked(because)?),
                        Asked::Conflict(_) | Asked::Immutable(_) | Asked::Unpreviewable(_) => {
                            let because = "unstable: two rehearsals gave two answers".to_owned();
                            return settled(self.blocked(because)?);
                        }
                    },
                };
                settled(self.result(&object, again.as_ref(), &taken, warnings)?)
            }
        }
    }

    async fn ask(&self, force: bool) -> Result<Asked, ObserveError> {
        let Self { observer, subject, place, live, .. } = *self;
        let call = request::call(self.action(), place, live, force, observer.vault())
            .map_err(|message| refuse(subject, &message))?;
        let answer = observer.cluster().rehearsal().ask(call).await;
        answer::meaning(observer, subject, place, live, answer).await
    }

    /// The change that a rehearsal showed.
    fn result(
        &self,
        object: &Value,
        again: Option<&Value>,
        taken: &[(String, String)],
        warnings: Vec<String>,
    ) -> Result<ObservedChange, ObserveError> {
        let (operation, lens) = (self.operation(), &self.lens);
        let warnings: BTreeSet<String> =
            warnings.iter().map(|text| self.observer.vault().filter(text)).collect();
        let warnings = warnings.into_iter().collect();
        let fields = self.fields(taken, object);
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

    /// The fields of a conflict, by their pointers.
    fn fields(&self, taken: &[(String, String)], object: &Value) -> Vec<Forced> {
        forced(taken, object)
    }

    /// What only `force: allowed` permits, and is not permitted.
    fn obstacle(&self, fields: &[Forced]) -> Option<String> {
        if self.operation().force == Consent::Allowed {
            return None;
        }
        if let Some(keeper) = self.live.and_then(owner::keeper) {
            return Some(format!(
                "the object is kept by {keeper}; the operation lacks `force: allowed`"
            ));
        }
        (!fields.is_empty()).then(|| conflict(fields))
    }

    /// Fields that cannot be changed: the object is made anew, where that is allowed.
    async fn immutable(&self, paths: &[Pointer]) -> Result<Round, ObserveError> {
        let paths = fixed(paths);
        let settled = |change: ObservedChange| Ok(Round::Settled(Box::new(change)));
        let replaceable = matches!(self.action(), Action::Apply(_));
        let (Consent::Allowed, Some(live), true) =
            (self.operation().replace, self.live, replaceable)
        else {
            let lacks = match replaceable {
                true => "the operation lacks `replace: allowed`",
                false => "only an `apply` can replace the object",
            };
            let change = self.blocked(format!("immutable: {}; {lacks}", named(&paths)))?;
            return settled(ObservedChange { replace_paths: paths, ..change });
        };
        if let Some(because) = self.obstacle(&[]) {
            return settled(self.blocked(because)?);
        }
        let Self { observer, subject, place, .. } = *self;
        let call = request::deletion(place, live, Propagation::Background)
            .map_err(|message| refuse(subject, &message))?;
        let answer = observer.cluster().rehearsal().ask(call).await;
        match answer::meaning(observer, subject, place, Some(live), answer).await? {
            Asked::Result { .. } => {
                let preview = Preview {
                    because: "replace".to_owned(),
                    by: subject.resource.id().to_string(),
                    ..plain(PreviewState::Deferred)
                };
                let change = self.without_result(preview)?;
                settled(ObservedChange { replace_paths: paths, ..change })
            }
            Asked::Moved => Ok(Round::Moved),
            Asked::Blocked(because) => settled(self.blocked(because)?),
            Asked::Unpreviewable(because) => {
                let preview = Preview { because, ..plain(PreviewState::Unpreviewable) };
                settled(self.without_result(preview)?)
            }
            Asked::Immutable(_) | Asked::Conflict(_) => {
                settled(self.blocked("the object cannot be deleted".to_owned())?)
            }
        }
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
fn fixed(paths: &[Pointer]) -> Vec<Pointer> {
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

fn named(paths: &[Pointer]) -> String {
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
