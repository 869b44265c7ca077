//! What the cluster makes of one operation. Every answer has its own outcome: a change as it would
//! be, a reason why it cannot be, or an error of the operation; and none is taken for a yes.

use serde_json::Value;

use super::answer::{self, Asked};
use super::error::ObserveError;
use super::observer::Observer;
use super::request::{self, NOT_PRESENT};
use super::rights;
use super::scene::{self, Scene, change, masked, plain, refuse};
use super::subject::{Deferral, Subject};
use crate::document::effect::{Preview, PreviewState};
use crate::document::ident::Pointer;
use crate::document::operation::{Action, Consent, Propagation};
use crate::observe::ObservedChange;
use crate::remote::kubernetes::{Call, Place};

/// How often an object that changes meanwhile is read again.
const AGAIN: usize = 4;

/// What one round gave.
enum Round {
    Settled(Box<ObservedChange>),
    /// The object is not as it was read.
    Moved,
}

impl From<ObservedChange> for Round {
    fn from(change: ObservedChange) -> Self {
        Self::Settled(Box::new(change))
    }
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
        match round(&Scene::of(observer, subject, place, live.as_ref())?).await? {
            Round::Settled(change) => return Ok(*change),
            Round::Moved => live = observer.read(place).await?,
        }
    }
    let because = "unstable: the object changes faster than it can be read";
    Scene::of(observer, subject, place, live.as_ref())?.blocked(because)
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

async fn round(scene: &Scene<'_>) -> Result<Round, ObserveError> {
    let needs_one = matches!(scene.action(), Action::Patch(_) | Action::Delete(_));
    if scene.live.is_none() && needs_one {
        return Err(refuse(scene.subject, NOT_PRESENT));
    }
    let ending = |live: &Value| live.pointer("/metadata/deletionTimestamp").is_some();
    if scene.live.is_some_and(ending) {
        return Ok(scene.blocked("the object is being deleted already")?.into());
    }
    let (answer, taken) = match ask(scene, false).await? {
        Asked::Conflict(fields) => (ask(scene, true).await?, fields),
        first @ (Asked::Result { .. }
        | Asked::Moved
        | Asked::Blocked(_)
        | Asked::Immutable(_)
        | Asked::Unpreviewable(_)) => (first, Vec::new()),
    };
    let (object, mut warnings) = match answer {
        Asked::Result { object, warnings } => (object, warnings),
        Asked::Immutable(paths) => return immutable(scene, &paths).await,
        other @ (Asked::Moved
        | Asked::Blocked(_)
        | Asked::Unpreviewable(_)
        | Asked::Conflict(_)) => return refused(scene, other),
    };
    if scene.live.is_some() {
        return Ok(scene.result(&object, None, &taken, &warnings)?.into());
    }
    match ask(scene, !taken.is_empty()).await? {
        Asked::Result { object: again, warnings: more } => {
            warnings.extend(more);
            Ok(scene.result(&object, Some(&again), &taken, &warnings)?.into())
        }
        other @ (Asked::Moved
        | Asked::Blocked(_)
        | Asked::Unpreviewable(_)
        | Asked::Immutable(_)
        | Asked::Conflict(_)) => refused(scene, other),
    }
}

/// Asks the cluster what it would make of the operation.
async fn ask(scene: &Scene<'_>, force: bool) -> Result<Asked, ObserveError> {
    let vault = scene.observer.vault();
    let call = request::call(scene.action(), scene.place, scene.live, force, vault);
    asked(scene, call).await
}

async fn asked(scene: &Scene<'_>, call: Result<Call, String>) -> Result<Asked, ObserveError> {
    let Scene { observer, subject, place, live, .. } = *scene;
    let call = call.map_err(|message| refuse(subject, &message))?;
    let answer = observer.cluster().rehearsal().ask(call).await;
    answer::meaning(observer, subject, place, live, answer).await
}

/// What follows where there is no result.
fn refused(scene: &Scene<'_>, answer: Asked) -> Result<Round, ObserveError> {
    let change = match answer {
        Asked::Moved => return Ok(Round::Moved),
        Asked::Blocked(because) => scene.blocked(&because)?,
        Asked::Unpreviewable(because) => {
            scene.without_result(Preview { because, ..plain(PreviewState::Unpreviewable) })?
        }
        // With force there are no conflicts, and what was evaluated once has no fixed fields.
        Asked::Result { .. } | Asked::Immutable(_) | Asked::Conflict(_) => {
            scene.blocked("unstable: two rehearsals gave two answers")?
        }
    };
    Ok(change.into())
}

/// Fields that cannot be changed: the object is made anew, where that is allowed.
async fn immutable(scene: &Scene<'_>, paths: &[Pointer]) -> Result<Round, ObserveError> {
    let paths = scene::fixed(paths);
    let replaceable = matches!(scene.action(), Action::Apply(_));
    let (Consent::Allowed, Some(live), true) =
        (scene.subject.operation.replace, scene.live, replaceable)
    else {
        let lacks = match replaceable {
            true => "the operation lacks `replace: allowed`",
            false => "only an `apply` can replace the object",
        };
        let because = format!("immutable: {}; {lacks}", scene::named(&paths));
        let change = scene.blocked(&because)?;
        return Ok(ObservedChange { replace_paths: paths, ..change }.into());
    };
    if let Some(because) = scene.obstacle(&[]) {
        return Ok(scene.blocked(&because)?.into());
    }
    let call = request::deletion(scene.place, live, Propagation::Foreground);
    match asked(scene, call).await? {
        Asked::Result { .. } => {}
        other @ (Asked::Moved
        | Asked::Blocked(_)
        | Asked::Unpreviewable(_)
        | Asked::Immutable(_)
        | Asked::Conflict(_)) => return refused(scene, other),
    }
    // Whoever may delete and not create would be left with nothing.
    rights::check_creation(scene.observer, scene.place).await?;
    let preview = Preview {
        because: "replace".to_owned(),
        by: scene.subject.resource.id().to_string(),
        ..plain(PreviewState::Deferred)
    };
    let change = scene.without_result(preview)?;
    Ok(ObservedChange { replace_paths: paths, ..change }.into())
}
