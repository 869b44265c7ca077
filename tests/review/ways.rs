//! How far a plan reaches, in words: who needs what, from the farthest to the change.

use countersign::document::ident::Digest;
use countersign::document::plan::PlanDocument;
use countersign::review::{self, Page, Style};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::plans::{change, directory, edge};

/// A plan of these changes (id and whether it goes), which reaches what the edges say.
fn plan(changes: &[(&str, bool)], edges: &[(&str, &str, &str)]) -> PlanDocument {
    let before = json!({"spec": {"replicas": 3}});
    let changes: Vec<Value> = changes
        .iter()
        .map(|(id, goes)| {
            let (actions, after) =
                if *goes { ("delete", Value::Null) } else { ("update", json!({"spec": {}})) };
            change(id, json!([actions]), "disruptive", before.clone(), after)
        })
        .collect();
    let changed = |id: &str| changes.iter().any(|change| change["id"] == id);
    let mut reached: Vec<&str> =
        edges.iter().map(|(from, _, _)| *from).filter(|id| !changed(id)).collect();
    reached.sort_unstable();
    reached.dedup();
    let mut plan = directory("reach", &changes, &[]);
    plan["effect"]["impact"]["dependents"] = json!(reached);
    plan["effect"]["facts"]["edges"] =
        edges.iter().map(|(from, to, by)| edge(from, to, by)).collect();
    serde_json::from_value(plan).unwrap()
}

fn text(plan: &PlanDocument) -> String {
    let page = Page {
        plan,
        digest: Digest::of(b"plan"),
        judgements: &[],
        verdict: None,
        standing: None,
        place: None,
        notes: &[],
    };
    review::terminal(&page, Style::default()).text
}

/// The sentences that say how the plan reaches what is not next to a change.
fn ways(plan: &PlanDocument) -> Vec<String> {
    let text = text(plan);
    // A sentence may be broken into lines.
    let mut ways: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("Reaches "), ways.last_mut()) {
            (Some(way), _) => ways.push(way.to_owned()),
            (None, Some(last)) if !last.ends_with('.') => *last += &format!(" {}", line.trim()),
            (None, _) => {}
        }
    }
    ways
}

const SHOP: [(&str, &str, &str); 4] = [
    ("/Service/shop/web", "apps/Deployment/shop/api", "selects"),
    ("/Service/shop/web", "apps/Deployment/shop/web", "selects"),
    ("/Service/shop/web", "apps/Deployment/shop/worker", "selects"),
    ("networking.k8s.io/Ingress/shop/web", "/Service/shop/web", "backend"),
];
const DEPLOYMENTS: [(&str, bool); 3] = [
    ("apps/Deployment/shop/api", false),
    ("apps/Deployment/shop/web", false),
    ("apps/Deployment/shop/worker", false),
];

#[test]
fn the_way_to_the_farthest_dependent_is_told_step_by_step() {
    let plan = plan(&DEPLOYMENTS, &SHOP);
    assert_eq!(ways(&plan), ["Ingress shop/web -> Service shop/web -> 3 Deployments."]);
    assert_snapshot!(text(&plan));
    let page = Page {
        plan: &plan,
        digest: Digest::of(b"plan"),
        judgements: &[],
        verdict: None,
        standing: None,
        place: None,
        notes: &[],
    };
    assert_snapshot!("the_way_in_markdown", review::markdown(&[page]));
}

#[test]
fn what_is_alike_stands_once_and_what_is_next_to_a_change_stands_with_it() {
    let high = ("scheduling.k8s.io/PriorityClass//high", true);
    let high_id = high.0;
    let route = "gateway.networking.k8s.io/HTTPRoute/shop/web";
    let hook = "admissionregistration.k8s.io/ValidatingWebhookConfiguration//hook";
    for (changes, edges, expected) in [
        // Direct dependents are told beside the change.
        (vec![high], vec![("apps/Deployment/shop/web", high_id, "priority")], vec![]),
        (
            vec![high],
            vec![
                ("apps/Deployment/shop/web", high_id, "priority"),
                ("apps/StatefulSet/shop/db", high_id, "priority"),
                ("apps/StatefulSet/shop/log", high_id, "priority"),
                ("/Service/shop/all", "apps/Deployment/shop/web", "selects"),
                ("/Service/shop/all", "apps/StatefulSet/shop/db", "selects"),
                ("/Service/shop/all", "apps/StatefulSet/shop/log", "selects"),
                (route, "/Service/shop/all", "backend"),
                ("networking.k8s.io/Ingress/shop/a", "/Service/shop/all", "backend"),
                ("networking.k8s.io/Ingress/shop/b", "/Service/shop/all", "backend"),
            ],
            vec![
                "HTTPRoute.gateway.networking.k8s.io shop/web -> Service shop/all -> \
                 Deployment shop/web and 2 StatefulSets -> PriorityClass high.",
                "2 Ingresses -> Service shop/all -> Deployment shop/web and 2 StatefulSets -> \
                 PriorityClass high.",
            ],
        ),
        // The shortest way counts, and a circle has an end.
        (
            vec![("/Service/shop/web", false)],
            vec![
                (hook, "/Service/shop/web", "callback"),
                ("/Pod//*", hook, "admits"),
                ("/Service/shop/web", hook, "callback"),
                (hook, "/Pod//*", "callback"),
            ],
            vec!["every Pod -> ValidatingWebhookConfiguration hook -> Service shop/web."],
        ),
        // What is followed only from what goes is not followed from what stays.
        (
            vec![("/ServiceAccount/shop/web", false)],
            vec![
                ("apps/Deployment/shop/web", "/ServiceAccount/shop/web", "account"),
                (
                    "autoscaling/HorizontalPodAutoscaler/shop/web",
                    "apps/Deployment/shop/web",
                    "scales",
                ),
            ],
            vec!["1 object more."],
        ),
    ] {
        assert_eq!(ways(&plan(&changes, &edges)), expected, "{edges:?}");
    }
}

#[test]
fn the_order_of_the_facts_means_nothing_to_the_words() {
    let first = text(&plan(&DEPLOYMENTS, &SHOP));
    let mut edges = SHOP;
    for _ in 0..edges.len() {
        edges.rotate_left(1);
        assert_eq!(text(&plan(&DEPLOYMENTS, &edges)), first);
    }
}

#[test]
fn many_ways_are_cut_with_their_number() {
    let names: Vec<(String, String)> = (10..30)
        .map(|n| (format!("/Service/shop/s{n}"), format!("networking.k8s.io/Ingress/shop/i{n}")))
        .collect();
    let web = "apps/Deployment/shop/web";
    let mut edges = Vec::new();
    for (service, ingress) in &names {
        edges.push((service.as_str(), web, "selects"));
        edges.push((ingress.as_str(), service.as_str(), "backend"));
    }
    let ways = ways(&plan(&[(web, false)], &edges));
    assert_eq!(ways.len(), 7, "{ways:#?}");
    assert_eq!(ways[0], "Ingress shop/i10 -> Service shop/s10 -> Deployment shop/web.");
    assert_eq!(ways[6], "14 objects more.");
}

#[test]
fn a_kind_that_is_no_word_cannot_colour_the_page() {
    let crd = "apiextensions.k8s.io/CustomResourceDefinition//x";
    let kind = "Bad\u{1b}[31m -> Deployment";
    let (one, two) = (format!("x.example/{kind}/shop/a"), format!("x.example/{kind}/shop/b"));
    let edges = [
        ("apps/Deployment/shop/web", crd, "instance"),
        (one.as_str(), "apps/Deployment/shop/web", "selects"),
        (two.as_str(), "apps/Deployment/shop/web", "selects"),
    ];
    let text = text(&plan(&[(crd, true)], &edges));
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("Reaches 2 "), "{text}");
}

/// The same plan on a cluster, where a deletion takes along what depends on its object.
fn on_a_cluster(plan: &PlanDocument) -> PlanDocument {
    let mut plan = serde_json::to_value(plan).unwrap();
    plan["effect"]["target"] = json!({"kind": "kubernetes", "clusterUid": "c",
        "caSpki": "sha256:0", "namespaces": {}});
    serde_json::from_value(plan).unwrap()
}

#[test]
fn what_goes_with_a_deleted_object_is_not_said_to_stay() {
    let edges = [
        ("/ConfigMap/old/c", "/Namespace//old", "namespace"),
        ("/Service/old/web", "apps/Deployment/old/web", "selects"),
    ];
    let changes = [("/Namespace//old", true), ("apps/Deployment/old/web", true)];
    let text = text(&on_a_cluster(&plan(&changes, &edges)));
    assert!(text.contains("Takes along ConfigMap old/c."), "{text}");
    assert!(text.contains("Used by Service old/web, which does not change."), "{text}");
    assert!(!text.contains("Used by ConfigMap"), "{text}");
}

#[test]
fn what_a_deferred_change_waits_for_is_said_in_words() {
    let deployment = "apps/Deployment/shop/web";
    for (by, because, told) in [
        ("/Namespace//shop", "namespace", "known once [2] made its namespace."),
        ("/Namespace//shop", "crd", "known once [2] made its kind."),
        (deployment, "replace", "known once the old one is gone."),
    ] {
        let plan = plan(&[(deployment, false), ("/Namespace//shop", false)], &[]);
        let mut plan = serde_json::to_value(plan).unwrap();
        plan["effect"]["changes"][0]["preview"] =
            json!({"state": "deferred", "because": because, "by": by});
        let text = text(&serde_json::from_value(plan).unwrap());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(told), "{text}");
    }
}
