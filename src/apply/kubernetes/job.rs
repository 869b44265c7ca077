//! One change of a plan as it is carried out: what is asked, what is known of its object, and how far
//! it has come.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::conflicts;
use super::error::ClusterError;
use super::same;
use crate::document::effect::{Change, PreviewState, Step};
use crate::document::ident::{Digest, Label, ResourceId};
use crate::document::operation::{Action, Operation, Patch};
use crate::ledger::Recorded;
use crate::observe::kubernetes::{Lens, overwritten};
use crate::plan::Plan;
use crate::remote::kubernetes::{Kinds, Place};

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
    Delete,
    /// Deleted, and created anew once it is gone.
    Replace,
}

/// What the last look at an object found, as far as it is needed to write.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// How its object is looked at, which also depends on who else writes to it.
    pub(super) lens: Lens,
    /// Its uid and version, where an object has them; `None` if there is no object.
    pub(super) version: Option<Value>,
}

impl Known {
    pub(super) fn of(lens: Lens, live: Option<&Value>) -> Self {
        Self { lens, version: live.map(version) }
    }
}

/// An object's uid and version, and nothing else of it.
fn version(live: &Value) -> Value {
    let of = |member: &str| live.get("metadata").and_then(|found| found.get(member)).cloned();
    let metadata = ["uid", "resourceVersion"]
        .into_iter()
        .filter_map(|member| Some((member.to_owned(), of(member)?)))
        .collect();
    serde_json::json!({ "metadata": Value::Object(metadata) })
}

/// The uid of an object.
pub(super) fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned)
}

/// A request that a change still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// To know whose fields would be taken over.
    Owners,
    /// To know what would come of it.
    Rehearsal,
    /// To be made.
    Write,
}

/// How far a change has come.
#[derive(Debug)]
pub(super) enum State {
    /// Not begun, or ended.
    Idle,
    /// Its object is looked at again.
    Looked(Recorded),
    /// It is rehearsed, for this reason.
    Rehearsed(Recorded, Need),
    /// Its request is under way, since then.
    Sent(std::time::Instant),
    /// Its object is deleted, and waited for to be gone.
    Going(Recorded, std::time::Instant),
    /// Whether its request had an effect is being found out.
    Doubted(Doubt),
}

/// A request that nobody answered.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) recorded: Recorded,
    /// When it was sent.
    pub(super) sent: std::time::Instant,
    /// When it was given up.
    pub(super) since: std::time::Instant,
    /// What happened instead of an answer.
    pub(super) why: String,
}

/// One change.
#[derive(Debug)]
pub(super) struct Job<'p> {
    pub(super) id: String,
    pub(super) change: &'p Change,
    pub(super) operation: &'p Operation,
    pub(super) verb: Verb,
    pub(super) place: Option<Place>,
    pub(super) known: Option<Known>,
    pub(super) needs: VecDeque<Need>,
    pub(super) state: State,
    /// The fields that others hold, as the last rehearsal without force had them.
    pub(super) held: Vec<(String, String)>,
    /// How often its object was looked at because it had changed.
    pub(super) looks: usize,
    /// The uid of the object that a replacement has deleted.
    pub(super) cleared: Option<String>,
    /// The uid of the object that came of it.
    pub(super) made: Option<String>,
    /// Whether it is known to be ready, or to be gone.
    pub(super) settled: bool,
}

impl<'p> Job<'p> {
    /// The changes of a plan that act, in the order of its waves.
    ///
    /// # Errors
    /// [`ClusterError::Plan`].
    pub(super) fn all(plan: &'p Plan) -> Result<Vec<Vec<Self>>, ClusterError> {
        let document = plan.document();
        let changes: BTreeMap<&ResourceId, &Change> =
            document.effect.changes.iter().map(|change| (&change.id, change)).collect();
        let operations: BTreeMap<&Label, &Operation> =
            document.proposal.operations.iter().map(|one| (&one.id, one)).collect();
        let job = |id: &ResourceId| {
            let odd = |what: &str| ClusterError::Plan(format!("{id} {what}"));
            let change = changes.get(id).ok_or_else(|| odd("is no change of the plan"))?;
            let operation = operations.get(&change.operation);
            let operation = operation.ok_or_else(|| odd("belongs to no operation"))?;
            let verb = match change.actions.as_slice() {
                [Step::Create] => Verb::Create,
                [Step::Update] => Verb::Update,
                [Step::Delete] => Verb::Delete,
                [Step::Delete, Step::Create] => Verb::Replace,
                _ => return Err(odd("asks for steps that no object can take")),
            };
            Ok(Self::of(change, operation, verb))
        };
        let wave = |ids: &Vec<ResourceId>| ids.iter().map(job).collect();
        document.effect.waves.iter().map(wave).collect()
    }

    fn of(change: &'p Change, operation: &'p Operation, verb: Verb) -> Self {
        Self {
            id: change.id.to_string(),
            change,
            operation,
            verb,
            place: None,
            known: None,
            needs: VecDeque::new(),
            state: State::Idle,
            held: Vec::new(),
            looks: 0,
            cleared: None,
            made: None,
            settled: false,
        }
    }

    /// Finds its kind among those that the cluster serves.
    pub(super) fn find(&mut self, kinds: &Kinds) {
        let resource = &self.change.resource;
        let kind = kinds.find(&resource.api_version, &resource.kind);
        self.place = kind.map(|kind| Place {
            kind: kind.clone(),
            namespace: resource.namespace.clone(),
            name: resource.name.clone(),
        });
    }

    /// Whether nothing of it could be rehearsed when it was planned.
    pub(super) fn is_deferred(&self) -> bool {
        match self.change.preview.state {
            PreviewState::Deferred => true,
            PreviewState::Server
            | PreviewState::Local
            | PreviewState::Blocked
            | PreviewState::Unpreviewable => false,
        }
    }

    /// What it still has to do first is to delete its object.
    pub(super) fn deletes(&self) -> bool {
        match self.verb {
            Verb::Delete => true,
            Verb::Replace => self.cleared.is_none(),
            Verb::Create | Verb::Update => false,
        }
    }

    pub(super) fn is_patch(&self) -> bool {
        match &self.operation.action {
            Action::Patch(_) => true,
            Action::Apply(_) | Action::Delete(_) | Action::Stack(_) => false,
        }
    }

    /// In what the fields of others that a patch changes are not those of the plan, in words.
    pub(super) fn takes_otherwise(&self, live: &Value) -> Option<String> {
        let Change { before, after, force, .. } = self.change;
        let held = overwritten(&self.operation.action, live, before, after);
        if self.is_patch() { conflicts::differ(force, &held) } else { None }
    }

    /// Whether a refusal of its request may only mean that the object has changed.
    pub(super) fn is_vague(&self) -> bool {
        match &self.operation.action {
            // A failed `test` looks like any other request that is not understood.
            Action::Patch(body) => matches!(body.patch, Patch::Operations(_)),
            Action::Apply(_) | Action::Delete(_) | Action::Stack(_) => false,
        }
    }

    /// Everything that it needs, from its beginning. What was rehearsed a while ago (`again`) is
    /// rehearsed once more.
    pub(super) fn needed(&self, again: bool) -> VecDeque<Need> {
        let mut needs = VecDeque::new();
        if !self.deletes() {
            let takes = !self.change.force.is_empty() && !self.is_patch();
            if takes {
                needs.push_back(Need::Owners);
            }
            if again || takes || self.is_deferred() || self.cleared.is_some() {
                needs.push_back(Need::Rehearsal);
            }
        }
        needs.push_back(Need::Write);
        needs
    }

    /// Digests of the object before and after, as they are recorded.
    pub(super) fn digests(&self) -> (Option<Digest>, Option<Digest>) {
        (same::digest(&self.change.before), same::digest(&self.change.after))
    }

    /// The paths in which a result is not what the plan says.
    pub(super) fn differs(&self, seen: &Value) -> Vec<crate::document::ident::Pointer> {
        if self.is_deferred() {
            return same::missing(&self.change.after, seen);
        }
        same::differences_but(&self.change.after, seen, &self.change.unknown)
    }

    /// Whether an object holds the result of this change and, besides, only fields that nobody had
    /// before: a controller adds them to what it was given (the volume of a claim, the node of a
    /// pod). It says that the change was made only where it is known to have been begun.
    pub(super) fn has_grown(&self, seen: &Value) -> bool {
        if self.is_deferred() {
            return false;
        }
        let Change { before, after, unknown, .. } = self.change;
        same::additions(after, seen, unknown)
            .is_some_and(|added| added.iter().all(|path| before.pointer(path.as_str()).is_none()))
    }

    /// The object in words: `Deployment shop/web`.
    pub(super) fn words(&self) -> String {
        let ResourceId { kind, namespace, name, .. } = &self.change.id;
        match namespace.as_str() {
            "" => format!("{kind} {name}"),
            namespace => format!("{kind} {namespace}/{name}"),
        }
    }
}
