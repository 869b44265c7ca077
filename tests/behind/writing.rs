//! Between the look at an object and its write, somebody else is faster: the apply stops with a
//! receipt, and what they did stays.

use serde_json::{Value, json};

use super::{Behind, Policy};
use crate::cli::kube_project::{KubeProject, applies};
use crate::support::cluster::audit::Event;
use crate::support::cluster::client::{MERGE, path};
use crate::support::killed::so_many_side_by_side;
use crate::support::proxy::{Fault, Rule, writes};

/// What is asked for, of the ConfigMap `web`, which has `a: 1` unless it is to be created.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Creation,
    Update,
    /// An update that takes over a field.
    Forced,
    Merge,
    Operations,
    Deletion,
}

/// What somebody else does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Done {
    /// To a field of ours.
    Edited,
    /// To another field of the object.
    Added,
    /// To a field that is left to others.
    Noted,
    Made,
    /// Without any field of ours.
    MadeOther,
    Deleted,
    MadeAnew,
    /// The same value, by somebody else.
    TakenOver,
    NamespaceDeleted,
    PolicyAdds,
    PolicyDenies,
    Quota,
    NoRights,
}

/// How it ends, by what the apply says.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// Stopped before the write of `web`.
    Before(&'static str),
    /// Stopped after it.
    After(&'static str),
    /// As planned.
    Well,
}

const CASES: [(Asked, Done, Ends); 24] = {
    use Asked::*;
    use Done::*;
    use Ends::*;
    const ANEW: &str = "it is another object than when planned";
    // Whose field it is comes first, in the words of the API server.
    const CONFLICT: &str = "conflict with \"somebody\"";
    const AT: &str = "it is not what it was when planned, at /data/";
    [
        (Update, Edited, Before("it is not what it was when planned, at /data/a")),
        (Update, Added, Before("it is not what it was when planned, at /data/b")),
        (Update, Noted, Well),
        (Update, Deleted, Before("it is gone")),
        (Update, MadeAnew, Before(ANEW)),
        (Update, TakenOver, Before(CONFLICT)),
        (Update, NamespaceDeleted, Before("")),
        (Update, PolicyAdds, After("the result differs from the plan at /data/added")),
        (Update, PolicyDenies, Before("not today")),
        (Update, NoRights, Before("forbidden")),
        (Forced, Edited, Before(AT)),
        (Forced, TakenOver, Before("somebody")),
        (Creation, Made, Before("it exists, and was to be created")),
        (Creation, MadeOther, Before("it exists, and was to be created")),
        (Creation, NamespaceDeleted, Before("")),
        (Creation, PolicyAdds, After("the result differs from the plan at /data/added")),
        (Creation, Quota, Before("exceeded quota: few")),
        (Merge, Edited, Before(AT)),
        (Merge, MadeAnew, Before(ANEW)),
        (Operations, Edited, Before(AT)),
        (Operations, Noted, Well),
        (Deletion, Edited, Before(AT)),
        (Deletion, Noted, Well),
        (Deletion, MadeAnew, Before(ANEW)),
    ]
};

impl Asked {
    fn operation(self, project: &KubeProject<'_>) -> Value {
        let resource = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "namespace": project.name(), "name": "web",
        });
        match self {
            Self::Creation | Self::Update => applies(&project.map("web", &json!({"a": "2"}))),
            Self::Forced => json!({
                "apply": project.map("web", &json!({"a": "2"})), "force": "allowed",
            }),
            Self::Merge => json!({"patch": {"resource": resource, "merge": {"data": {"a": "2"}}}}),
            Self::Operations => json!({"patch": {"resource": resource, "operations": [
                {"op": "test", "path": "/data/a", "value": "1"},
                {"op": "replace", "path": "/data/a", "value": "2"},
            ]}}),
            Self::Deletion => project.deletion("v1", "ConfigMap", "web"),
        }
    }

    /// What is there once it is done.
    fn result(self) -> Value {
        match self {
            Self::Creation | Self::Update | Self::Forced | Self::Merge | Self::Operations => {
                json!({"a": "2"})
            }
            Self::Deletion => Value::Null,
        }
    }
}

impl Done {
    fn to(self, behind: &Behind) {
        let web = behind.map("web", &json!({"a": "1"}));
        let patch = |patch: Value| {
            let path = format!("{}?fieldManager=somebody", path(&web));
            assert_eq!(behind.admin().patch(&path, MERGE, &patch).0, 200);
        };
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": behind.name()},
        });
        match self {
            Self::Edited => patch(json!({"data": {"a": "9"}})),
            Self::Added => patch(json!({"data": {"b": "x"}})),
            Self::Noted => patch(json!({"metadata": {"annotations": {"note": "seen"}}})),
            Self::Made => drop(behind.theirs(&behind.map("web", &json!({"a": "9"})))),
            Self::MadeOther => drop(behind.theirs(&behind.map("web", &json!({"b": "9"})))),
            Self::Deleted => behind.gone(&web),
            Self::MadeAnew => {
                behind.gone(&web);
                behind.ours(&web);
            }
            Self::TakenOver => drop(behind.theirs(&web)),
            Self::NamespaceDeleted => behind.gone(&namespace),
            Self::PolicyAdds => behind.policy(Policy::Adds),
            Self::PolicyDenies => behind.policy(Policy::Denies),
            Self::Quota => behind.quota(),
            Self::NoRights => behind.ungranted(),
        }
    }
}

#[test]
fn whoever_is_faster_than_the_first_write_stops_it_clean() {
    so_many_side_by_side(3, CASES, |case| meddled(case, false));
}

#[test]
fn whoever_is_faster_than_a_later_write_stops_it_half_way() {
    so_many_side_by_side(3, CASES, |case| meddled(case, true));
}

/// Lets somebody be faster than the write of `web`, which may come after another one.
fn meddled((asked, done, ends): (Asked, Done, Ends), later: bool) {
    let case = format!("{asked:?}, {done:?}");
    let project = KubeProject::new();
    project.configure("ignore = { ConfigMap = [\"/metadata/annotations/note\"] }");
    let web = project.map("web", &json!({"a": "1"}));
    match asked {
        Asked::Creation => {}
        Asked::Forced => drop(project.admin().apply_as("owner", &web)),
        Asked::Update | Asked::Merge | Asked::Operations | Asked::Deletion => {
            project.ours(&web);
        }
    }
    let mut operation = asked.operation(&project);
    operation["id"] = json!("web");
    let mut first = applies(&project.map("first", &json!({"a": "1"})));
    first["id"] = json!("first");
    let (operations, number) = match later {
        true => {
            operation["dependsOn"] = json!(["first"]);
            (json!([first, operation]), 2)
        }
        false => {
            first["dependsOn"] = json!(["web"]);
            (json!([operation, first]), 1)
        }
    };
    project.approved(&operations);
    let behind = Behind(project);
    let proxy = behind.cluster.proxy();
    behind.through(&proxy);
    proxy.add(Rule::each(Fault::Gate).which(writes).from(number).times(1));
    let mark = behind.cluster.mark();
    let applying = behind.applying(&[]);
    proxy.held(1);
    done.to(&behind);
    let there = behind.data("web");
    proxy.forward_held();
    let run = applying.ended();
    let took = |event: &Event| event.name == "web" && (200..300).contains(&event.code);
    let sent = behind.writes(mark).iter().filter(|event| took(event)).count();
    let landed = |wanted: bool| assert_eq!(sent, usize::from(wanted), "{case}: {run:#?}");
    match ends {
        Ends::Well => {
            assert_eq!(run.code, Some(0), "{case}: {run:#?}");
            landed(true);
            assert_eq!(behind.data("web"), asked.result(), "{case}");
        }
        Ends::Before(says) => {
            assert_eq!(run.code, Some(if later { 21 } else { 20 }), "{case}: {run:#?}");
            assert!(run.stderr.contains(says), "{case}: {run:#?}");
            landed(false);
            assert_eq!(behind.data("web"), there, "{case}: theirs stays");
        }
        Ends::After(says) => {
            assert_eq!(run.code, Some(21), "{case}: {run:#?}");
            assert!(run.stderr.contains(says), "{case}: {run:#?}");
            landed(true);
        }
    }
    assert_eq!(behind.receipts().len(), 1, "{case}");
    let first = if later || matches!(ends, Ends::Well) { json!({"a": "1"}) } else { Value::Null };
    if done != Done::NamespaceDeleted {
        assert_eq!(behind.data("first"), first, "{case}");
    }
}
