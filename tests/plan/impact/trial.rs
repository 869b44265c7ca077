//! A small plan over `fixtures/impact/shop.yaml`: live objects, edits of them, and what class,
//! facts and radius make of that.

use std::collections::{BTreeMap, BTreeSet};

use countersign::document::effect::{
    Certainty, Class, Facts, Flag, Impact, Preview, PreviewState, Step,
};
use countersign::document::ident::{Pointer, ResourceId};
use countersign::document::operation::{Propagation, ResourceRef};
use countersign::manifest::{Limits, read};
use countersign::observe::{ListOf, Surroundings};
use countersign::plan::class::classify;
use countersign::plan::facts::{Coverage, extract, surround, survey};
use countersign::plan::judgement::{Case, Judgement};
use countersign::plan::radius::{Figures, figures, impact};
use serde_json::{Value, json};

/// One change as a target would show it.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) resource: ResourceRef,
    pub(crate) actions: Vec<Step>,
    pub(crate) preview: Preview,
    pub(crate) before: Value,
    pub(crate) after: Value,
    pub(crate) unknown: Vec<Pointer>,
    pub(crate) propagation: Option<Propagation>,
}

/// Live objects and the edits of one plan.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) live: BTreeMap<ResourceId, Value>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) coverage: Coverage,
    pub(crate) state: PreviewState,
}

/// What was made of a trial.
pub(crate) struct Outcome {
    pub(crate) judged: BTreeMap<ResourceId, Judgement>,
    pub(crate) facts: Facts,
    pub(crate) impact: Impact,
    pub(crate) figures: Figures,
}

pub(crate) fn id(text: &str) -> ResourceId {
    text.parse().unwrap()
}

/// Sets a member, making the objects on the way; `null` takes it away.
pub(crate) fn set(object: &mut Value, pointer: &str, value: Value) {
    let parts: Vec<String> = pointer.parse::<Pointer>().unwrap().segments().collect();
    let (last, way) = parts.split_last().unwrap();
    let mut at = object;
    for part in way {
        at = match at {
            Value::Array(items) => &mut items[part.parse::<usize>().unwrap()],
            other => {
                if !other.is_object() {
                    *other = json!({});
                }
                other.as_object_mut().unwrap().entry(part.clone()).or_insert(Value::Null)
            }
        };
    }
    match at {
        Value::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        other => {
            if !other.is_object() {
                *other = json!({});
            }
            let map = other.as_object_mut().unwrap();
            if value.is_null() {
                map.remove(last);
            } else {
                map.insert(last.clone(), value);
            }
        }
    }
}

impl Trial {
    /// The shop, as a cluster shows it.
    pub(crate) fn shop() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/impact/shop.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let documents = read::documents(&text, &Limits::default()).unwrap();
        let mut trial = Self::empty();
        for document in documents {
            trial = trial.with(document.value);
        }
        trial
    }

    pub(crate) fn empty() -> Self {
        Self {
            live: BTreeMap::new(),
            edits: Vec::new(),
            coverage: Coverage::Whole,
            state: PreviewState::Server,
        }
    }

    /// The same objects, as a folder shows them.
    pub(crate) fn tree(mut self) -> Self {
        self.coverage = Coverage::Tree;
        self.state = PreviewState::Local;
        for edit in &mut self.edits {
            edit.preview.state = PreviewState::Local;
        }
        self
    }

    /// One more live object.
    pub(crate) fn with(mut self, object: Value) -> Self {
        self.live.insert(ResourceRef::of(&object).unwrap().id(), object);
        self
    }

    /// A live object that is otherwise.
    pub(crate) fn live(mut self, name: &str, pointer: &str, value: Value) -> Self {
        set(self.live.get_mut(&id(name)).unwrap(), pointer, value);
        self
    }

    /// A live object that is not there.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.live.remove(&id(name)).unwrap();
        self
    }

    pub(crate) fn update(self, name: &str, pointer: &str, value: Value) -> Self {
        self.update_all(name, &[(pointer, value)])
    }

    pub(crate) fn update_all(self, name: &str, members: &[(&str, Value)]) -> Self {
        let mut after = self.live[&id(name)].clone();
        for (pointer, value) in members {
            set(&mut after, pointer, value.clone());
        }
        let before = self.live[&id(name)].clone();
        self.push(vec![Step::Update], before, after)
    }

    pub(crate) fn replace(self, name: &str, members: &[(&str, Value)]) -> Self {
        let mut trial = self.update_all(name, members);
        trial.edits.last_mut().unwrap().actions = vec![Step::Delete, Step::Create];
        trial
    }

    pub(crate) fn delete(self, name: &str) -> Self {
        let before = self.live[&id(name)].clone();
        self.push(vec![Step::Delete], before, Value::Null)
    }

    pub(crate) fn orphan(self, name: &str) -> Self {
        let mut trial = self.delete(name);
        trial.edits.last_mut().unwrap().propagation = Some(Propagation::Orphan);
        trial
    }

    pub(crate) fn create(self, object: Value) -> Self {
        self.push(vec![Step::Create], Value::Null, object)
    }

    fn push(mut self, actions: Vec<Step>, before: Value, after: Value) -> Self {
        let resource = ResourceRef::of(if after.is_null() { &before } else { &after }).unwrap();
        let preview = Preview { state: self.state, because: String::new(), by: String::new() };
        let propagation = after.is_null().then_some(Propagation::Background);
        let unknown = Vec::new();
        self.edits.push(Edit { resource, actions, preview, before, after, unknown, propagation });
        self
    }

    pub(crate) fn cases(&self) -> Vec<Case<'_>> {
        self.edits
            .iter()
            .map(|edit| Case {
                id: edit.resource.id(),
                resource: &edit.resource,
                actions: &edit.actions,
                preview: &edit.preview,
                before: &edit.before,
                after: &edit.after,
                unknown: &edit.unknown,
                uid: edit.before.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or(""),
                propagation: edit.propagation,
            })
            .collect()
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings { objects: self.live.clone(), ..Surroundings::default() }
    }

    /// The facts of the plan; of a cluster, those that are read list by list are the same.
    pub(crate) fn facts(&self) -> Facts {
        let cases = self.cases();
        let facts = extract(&cases, &self.surroundings(), self.coverage);
        if self.coverage == Coverage::Whole {
            let (around, read) = self.read();
            assert_eq!(extract(&cases, &around, Coverage::Whole), facts, "after {read:#?}");
        }
        facts
    }

    /// What is read of the cluster, and the lists that it was read from.
    pub(crate) fn read(&self) -> (Surroundings, BTreeSet<String>) {
        let mut read = BTreeSet::new();
        let around = surround(&self.cases(), |lists: &BTreeSet<ListOf>| {
            let mut around = Surroundings::default();
            for list in lists {
                assert!(read.insert(spelled(list)), "{list:?} is read twice");
                let held = self.live.iter().filter(|(id, object)| holds(list, id, object));
                around.objects.extend(held.map(|(id, object)| (id.clone(), object.clone())));
            }
            Ok::<_, std::convert::Infallible>(around)
        });
        let Ok(around) = around;
        assert!(around.unresolved.is_empty(), "{:?}", around.unresolved);
        (around, read)
    }

    pub(crate) fn run(&self) -> Outcome {
        self.run_with(self.facts())
    }

    /// With facts that somebody else observed.
    pub(crate) fn run_with(&self, facts: Facts) -> Outcome {
        let cases = self.cases();
        let judgements = classify(&cases, &facts);
        let impact = impact(&cases, &judgements, &facts, &BTreeSet::new());
        let all = cases.iter().map(|case| case.id.clone()).collect();
        let far = survey(&cases, &self.surroundings(), self.coverage);
        let figures = figures(&cases, &all, &far);
        let judged = cases.iter().map(|case| case.id.clone()).zip(judgements).collect();
        Outcome { judged, facts, impact, figures }
    }
}

/// `Kind.group in namespace`, or `Kind.group` for the whole cluster.
pub(crate) fn spelled(list: &ListOf) -> String {
    let ListOf { group, kind, namespace } = list;
    let kind = if group.is_empty() { kind.clone() } else { format!("{kind}.{group}") };
    if namespace.is_empty() { kind } else { format!("{kind} in {namespace}") }
}

/// Whether a list of a cluster has an object.
pub(crate) fn holds(list: &ListOf, id: &ResourceId, object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    assert_eq!(version.split_once('/').map_or("", |(group, _)| group), id.group);
    let space = list.namespace.is_empty() || list.namespace == id.namespace;
    let kind = match (list.kind.as_str(), list.namespace.is_empty()) {
        ("*", false) => true,
        ("*", true) => list.group == id.group,
        (kind, _) => (list.group.as_str(), kind) == (id.group.as_str(), id.kind.as_str()),
    };
    space && kind
}

/// `R!`, `D~`, `O?` and so on.
pub(crate) fn shown(judgement: &Judgement) -> String {
    let class = match judgement.class {
        Class::None => 'N',
        Class::Additive => 'A',
        Class::Mutating => 'M',
        Class::Disruptive => 'R',
        Class::Outage => 'O',
        Class::DataLoss => 'D',
    };
    let certainty = match judgement.certainty {
        Certainty::Certain => '!',
        Certainty::Unknown => '?',
        Certainty::Possible => '~',
    };
    format!("{class}{certainty}")
}

fn flags(judgement: &Judgement) -> String {
    let name = |flag: &Flag| json!(flag).as_str().unwrap().to_owned();
    let mut names: Vec<String> = judgement.flags.iter().map(name).collect();
    names.sort();
    names.join(" ")
}

impl Outcome {
    pub(crate) fn of(&self, name: &str) -> &Judgement {
        &self.judged[&id(name)]
    }

    fn reach(&self) -> String {
        let Figures { dependents, workloads, replicas, stateful } = self.figures;
        format!("{dependents}/{workloads}/{replicas}/{stateful}")
    }
}

/// Collects what did not come out as promised, so that one run shows all of it.
#[derive(Default)]
pub(crate) struct Table(Vec<String>);

impl Table {
    /// Class and flags (a dot: none) of the first change of a plan.
    pub(crate) fn row(&mut self, case: &str, trial: &Trial, class: &str, flags: &str) {
        let name = trial.edits[0].resource.id().to_string();
        self.of(case, trial, &name, class, flags);
    }

    /// Class and flags of one change of a plan.
    pub(crate) fn of(&mut self, case: &str, trial: &Trial, name: &str, class: &str, wanted: &str) {
        let outcome = trial.run();
        let judgement = outcome.of(name);
        let found = format!("{} {}", shown(judgement), flags(judgement));
        let wanted = format!("{class} {}", if wanted == "." { "" } else { wanted });
        if found != wanted {
            self.0.push(format!(
                "{case} {name}: wanted {wanted:?}, found {found:?}\n  {:?}",
                judgement.reasons
            ));
        }
    }

    /// As [`Table::row`], with dependents/workloads/replicas/stateful.
    pub(crate) fn reach(
        &mut self,
        case: &str,
        trial: &Trial,
        class: &str,
        flags: &str,
        reach: &str,
    ) {
        self.row(case, trial, class, flags);
        let outcome = trial.run();
        if outcome.reach() != reach {
            let far = survey(&trial.cases(), &trial.surroundings(), trial.coverage);
            let names: BTreeSet<String> = far.edges.iter().map(|e| e.from.to_string()).collect();
            self.0.push(format!(
                "{case}: wanted r={reach}, found r={}\n  {names:?}",
                outcome.reach()
            ));
        }
    }

    pub(crate) fn check(&mut self, case: &str, good: bool, what: &str) {
        if !good {
            self.0.push(format!("{case}: {what}"));
        }
    }

    pub(crate) fn end(self) {
        assert!(self.0.is_empty(), "{} wrong:\n{}", self.0.len(), self.0.join("\n"));
    }
}
