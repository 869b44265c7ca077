//! Which facts a change calls for: one place says what each kind's rules read, so that a plan holds
//! no more than that.

use std::collections::BTreeSet;

use serde_json::Value;

use super::graph::{Graph, Node, Side};
use super::{Coverage, holds, links, needs, properties as of, rows, wide};
use crate::document::effect::{DeclaredFact, Edge, Facts};
use crate::document::ident::ResourceId;
use crate::plan::class::replace_paths;
use crate::plan::class::verb::Verb;
use crate::plan::judgement::Case;
use crate::plan::shape::{
    Workload, containers, controller, is_stateful, labels, list, number, size, template, text,
};

/// Members of a ConfigMap or Secret that hold values.
const HOLDERS: [&str; 3] = ["data", "binaryData", "stringData"];

/// Edges that rules read for one change.
pub(super) fn rule_edges(
    graph: &Graph<'_>,
    case: &Case<'_>,
    changed: &BTreeSet<&ResourceId>,
    edges: &mut BTreeSet<Edge>,
) {
    let verb = verb_of(case);
    if verb == Verb::Nothing && graph.target == Coverage::Whole {
        // Nobody judges it.
        return;
    }
    let differs = |pointer: &str| case.before.pointer(pointer) != case.after.pointer(pointer);
    // An owner that is not there, or a last finalizer, ends the object as a deletion does.
    let goes =
        verb.goes() || differs("/metadata/ownerReferences") || differs("/metadata/finalizers");
    let id = &case.id;
    let mut into = |rows: &[&str], keep: &dyn Fn(&Edge) -> bool| {
        edges.extend(graph.tied(id, rows).into_iter().filter(|edge| keep(edge)));
    };
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "ConfigMap" | "Secret") if goes => {
            into(&[rows::CONFIG, rows::SECRET, rows::TLS], &|edge| rows::part(&edge.by).is_empty());
        }
        ("", "ConfigMap" | "Secret") if verb == Verb::Update => {
            let dropped = |part: &str| {
                let holds = |object: &Value| {
                    HOLDERS
                        .iter()
                        .any(|member| object.get(member).is_some_and(|m| m.get(part).is_some()))
                };
                !part.is_empty() && holds(case.before) && !holds(case.after)
            };
            into(&[rows::RELOAD], &|_| true);
            if loses_a_key(case) {
                let named = [rows::CONFIG, rows::SECRET];
                into(&named, &|edge| dropped(rows::part(&edge.by)));
            }
        }
        ("", "Service") => {
            if goes {
                into(&[rows::BACKEND, rows::CALLBACK, rows::SLICE], &|_| true);
            }
            if verb != Verb::Create && (goes || differs("/spec/selector") || differs("/spec/ports"))
            {
                edges.extend(graph.dependencies(id, &[rows::SELECTS, rows::PORT]));
            }
        }
        ("", "Node") if goes => into(&[rows::PINNED], &|_| true),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") if verb != Verb::Create => {
            into(&[rows::GRANTS, rows::AGGREGATES], &|edge| {
                edge.by == rows::GRANTS || edge.before != edge.after
            });
        }
        ("networking.k8s.io", "NetworkPolicy") if verb == Verb::Create => {
            let taken = wide::dependents(graph, id, &|row| row == rows::POLICY);
            let taken = taken.into_iter().find(|edge| {
                let lived = graph.node(&edge.from).is_some_and(|node| node.before.is_some());
                edge.after && lived
            });
            edges.extend(taken);
        }
        ("networking.k8s.io", "Ingress") | ("gateway.networking.k8s.io", _) if !gone(case) => {
            referred(graph, case, rows::BACKEND, changed, edges);
            ports(graph, case, edges);
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy",
        ) => into(&[rows::BINDS], &|_| true),
        ("admissionregistration.k8s.io", _)
        | ("apiregistration.k8s.io", "APIService")
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
            if !gone(case) =>
        {
            referred(graph, case, rows::CALLBACK, changed, edges);
        }
        ("", "Namespace") if verb == Verb::Update && labels(case.before) != labels(case.after) => {
            edges.extend(holds::holds(graph, id));
        }
        _ => {}
    }
    if Workload::is(id) {
        workload(graph, case, Verb::of(case.actions), edges);
    }
}

/// What happens to the object, where an update that the server does not take counts as the
/// replacement that it would have to be.
pub(super) fn verb_of(case: &Case<'_>) -> Verb {
    match Verb::of(case.actions) {
        Verb::Update if !replace_paths(case.resource, case.before, case.after).is_empty() => {
            Verb::Replace
        }
        verb @ (Verb::Create | Verb::Update | Verb::Delete | Verb::Replace | Verb::Nothing) => verb,
    }
}

/// Whether a ConfigMap or Secret holds less than before.
fn loses_a_key(case: &Case<'_>) -> bool {
    HOLDERS.iter().any(|member| {
        let keys = |object: &Value| -> BTreeSet<String> {
            let held = object.get(member).and_then(Value::as_object);
            held.into_iter().flat_map(|held| held.keys().cloned()).collect()
        };
        keys(case.before).difference(&keys(case.after)).next().is_some()
    })
}

/// What of a workload decides which Services send to it, where that differs.
fn serves(case: &Case<'_>) -> bool {
    let id = &case.id;
    let of = |object| {
        let template = template(&id.group, &id.kind, object);
        let ports: Vec<&Value> = template
            .into_iter()
            .flat_map(containers)
            .filter_map(|container| container.get("ports"))
            .collect();
        (template.and_then(labels), ports, size(id, object) == 0)
    };
    of(case.before) != of(case.after)
}

fn gone(case: &Case<'_>) -> bool {
    case.after.is_null()
}

fn workload(graph: &Graph<'_>, case: &Case<'_>, verb: Verb, edges: &mut BTreeSet<Edge>) {
    let id = &case.id;
    if verb == Verb::Create {
        edges.extend(graph.tied(id, &[rows::ADOPTS]));
        return;
    }
    if verb != Verb::Update {
        return;
    }
    edges.extend(graph.tied(id, &[rows::CONTROLS]));
    for edge in graph.selecting(id, serves(case)) {
        if edge.before != edge.after {
            // What else the Service has left decides how bad the loss is.
            let row = [rows::row(&edge.by)];
            let others = graph.dependencies(&edge.from, &row).into_iter();
            edges.extend(others.filter(|other| other.by == edge.by && other.after));
            edges.insert(edge);
        }
    }
    let pods = |object| template(&id.group, &id.kind, object).and_then(labels);
    if pods(case.before) != pods(case.after) {
        edges.extend(holds::holds(graph, id));
        let own = graph.dependencies(id, &[rows::BUDGET]).into_iter();
        edges.extend(own.filter(|e| e.before != e.after));
    }
}

/// References of one row from a changed object to what may or may not be there afterwards.
fn referred(
    graph: &Graph<'_>,
    case: &Case<'_>,
    row: &str,
    changed: &BTreeSet<&ResourceId>,
    edges: &mut BTreeSet<Edge>,
) {
    let own = graph.dependencies(&case.id, &[row]).into_iter();
    edges.extend(own.filter(|edge| edge.after && !changed.contains(&edge.to)));
    if graph.target == Coverage::Tree {
        return;
    }
    for link in links::of(&case.id, case.after).into_iter().filter(|link| link.row == row) {
        let lacking = graph.lacks(|lists| needs::named(lists, link.to));
        if graph.find(link.to).is_none() && !lacking {
            let (group, kind, namespace, name) = link.to;
            edges.insert(Edge {
                from: case.id.clone(),
                to: crate::plan::shape::id(group, kind, namespace, name),
                by: format!("{row}-absent"),
                optional: false,
                before: !case.before.is_null(),
                after: true,
            });
        }
    }
}

/// Named ports of Services that a changed Ingress refers to and that are there.
fn ports(graph: &Graph<'_>, case: &Case<'_>, edges: &mut BTreeSet<Edge>) {
    for mut edge in graph.dependencies(&case.id, &[rows::BACKEND_PORT]) {
        let port = rows::part(&edge.by).to_owned();
        let [before, after] = Side::BOTH.map(|side| {
            let service = graph.node(&edge.to).and_then(|node| node.on(side));
            service.is_some_and(|s| list(s, "/spec/ports").iter().any(|p| text(p, "/name") == port))
        });
        edge.before &= before;
        edge.after &= after;
        if edge.before || edge.after {
            edges.insert(edge);
        }
    }
}

/// Facts that are properties of one object, for all changes.
pub(super) fn properties(graph: &Graph<'_>, cases: &[Case<'_>]) -> Facts {
    let mut facts = Facts::default();
    let judged = |case: &&Case<'_>| {
        graph.target == Coverage::Tree || Verb::of(case.actions) != Verb::Nothing
    };
    for case in cases.iter().filter(judged) {
        of::of_case(graph, case, &mut facts);
    }
    facts.volumes.sort();
    facts.volumes.dedup();
    facts.roles.sort_by(|a, b| a.role.cmp(&b.role));
    facts.roles.dedup_by(|a, b| a.role == b.role);
    facts.instances.sort();
    facts.owners.sort();
    facts.owners.dedup();
    facts.contents.sort();
    let scaled = cases.iter().filter(|case| {
        Workload::is(&case.id)
            && case.before.pointer("/spec/replicas") != case.after.pointer("/spec/replicas")
            && Verb::of(case.actions) == Verb::Update
    });
    facts.declared = declared(graph, scaled.map(|case| &case.id)).collect();
    facts.declared.sort();
    facts
}

/// Declared sizes of the workloads among `ids`.
pub(super) fn declared<'g>(
    graph: &'g Graph<'_>,
    ids: impl Iterator<Item = &'g ResourceId>,
) -> impl Iterator<Item = DeclaredFact> {
    ids.filter(|id| Workload::is(id)).filter_map(|id| Some(size_of(graph, graph.node(id)?)))
}

fn size_of(graph: &Graph<'_>, node: &Node<'_>) -> DeclaredFact {
    let sides = Side::BOTH.map(|side| node.on(side));
    let objects = || sides.iter().flatten();
    let scalers: Vec<ResourceId> = graph
        .dependencies(node.id, &[rows::SCALED])
        .into_iter()
        .map(|edge| edge.to)
        .filter(|id| id.kind != "VerticalPodAutoscaler")
        .collect();
    let bounds = |hpa: &str, keda: &str, default: Option<i64>| {
        let read = |scaler: &ResourceId| -> Vec<u64> {
            let node = graph.node(scaler);
            let sides = Side::BOTH.map(|side| node.and_then(|node| node.on(side)));
            let own = if scaler.group == "keda.sh" { keda } else { hpa };
            let found = sides.iter().flatten().filter_map(|s| number(s, own).or(default));
            found.filter_map(|n| u64::try_from(n).ok()).collect()
        };
        scalers.iter().flat_map(read).collect::<Vec<_>>()
    };
    // Defaults: one replica at least; a ScaledObject goes to 100 at most.
    let min = bounds("/spec/minReplicas", "/spec/minReplicaCount", Some(1));
    let max = bounds("/spec/maxReplicas", "/spec/maxReplicaCount", Some(100)).into_iter().max();
    DeclaredFact {
        workload: node.id.clone(),
        // Under an autoscaler the live number moves by itself.
        n: max.or_else(|| objects().map(|object| size(node.id, object)).max()).unwrap_or(0),
        min: min.into_iter().min(),
        max,
        stateful: objects().any(|object| is_stateful(node.id, object)),
    }
}

/// Whether an object follows a controller.
pub(super) fn is_controlled(object: &Value) -> bool {
    controller(object).is_some()
}
