//! Cases 97 to 100 of the impact reference, and what holds for every plan.

use std::collections::{BTreeMap, BTreeSet};

use countersign::document::effect::{Certainty, Class, Facts, Flag, PreviewState};
use countersign::observe::Surroundings;
use countersign::plan::class::{classify, sensitive};
use countersign::plan::facts::{Coverage, extract};
use countersign::plan::radius::impact;
use serde_json::{Value, json};

use super::trial::{Edit, Trial, id, shown};

const WEB: &str = "apps/Deployment/shop/web";
const DB: &str = "apps/StatefulSet/shop/db";

/// Changes of many kinds, each of a plan of its own.
fn changes() -> Vec<Trial> {
    let shop = Trial::shop;
    let scaled = "/spec/persistentVolumeClaimRetentionPolicy/whenScaled";
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "u-gone"}]);
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition", "metadata": {"name": "coupons.shop.example"},
        "spec": {"group": "shop.example", "names": {"kind": "Coupon"}, "versions": []}});
    let crd = "apiextensions.k8s.io/CustomResourceDefinition//coupons.shop.example";
    let binding = |role: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "b", "namespace": "shop"},
            "roleRef": {"kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "default"}]})
    };
    vec![
        shop().delete("/PersistentVolumeClaim/shop/data-db-0"),
        shop().delete("/PersistentVolumeClaim/shop/data-db-1"),
        shop().live(DB, scaled, json!("Delete")).update(DB, "/spec/replicas", json!(1)),
        shop().update("/PersistentVolumeClaim/shop/data-db-0", "/metadata/ownerReferences", owner),
        shop().with(definition).delete(crd),
        shop().delete("/Namespace//shop"),
        shop().update("apps/Deployment/shop/worker", "/spec/replicas", json!(1)),
        shop().update(WEB, "/spec/replicas", json!(1)),
        shop().update(WEB, "/spec/replicas", json!(0)),
        shop().create(binding("reader")),
        shop().delete("/ConfigMap/shop/flags"),
        shop().delete("/Service/shop/web"),
        shop().update("/Secret/shop/db", "/data/password", json!("hmac-sha256:bb")),
    ]
}

/// All of them in one plan, as far as they change different objects.
fn together() -> Trial {
    let mut all = Trial::shop();
    let mut seen = BTreeSet::new();
    for trial in changes() {
        for edit in trial.edits {
            if edit.resource.kind != "Namespace" && seen.insert(edit.resource.id()) {
                if !edit.before.is_null() {
                    all.live.insert(edit.resource.id(), edit.before.clone());
                }
                all.edits.push(edit);
            }
        }
    }
    all
}

#[test]
fn what_a_plan_says_of_itself_changes_nothing() {
    for trial in changes() {
        let plain = trial.run();
        let mut claims = trial.clone();
        for edit in &mut claims.edits {
            for side in [&mut edit.before, &mut edit.after] {
                if !side.is_null() {
                    let note = json!({"app.kubernetes.io/impact": "safe", "meta.helm.sh/deletion-policy": "retain"});
                    super::trial::set(side, "/metadata/annotations", note);
                }
            }
            edit.preview.because = "harmless".to_owned();
        }
        let claimed = claims.run();
        for (id, judgement) in &plain.judged {
            let other = &claimed.judged[id];
            assert_eq!(shown(judgement), shown(other), "{id}");
            assert_eq!(judgement.flags, other.flags, "{id}");
        }
    }
}

#[test]
fn the_order_of_changes_and_facts_means_nothing() {
    let plan = together();
    let first = plan.run();
    let wanted = serde_json::to_string(&(&first.facts, &first.impact)).unwrap();
    let mut turned = plan.clone();
    for turn in 0..plan.edits.len() {
        turned.edits.rotate_left(1);
        if turn % 2 == 0 {
            turned.edits.swap(0, 1);
        }
        let other = turned.run();
        assert_eq!(serde_json::to_string(&(&other.facts, &other.impact)).unwrap(), wanted);
        assert_eq!(other.judged, first.judged);
    }
    let mut facts = first.facts.clone();
    facts.edges.reverse();
    facts.volumes.reverse();
    facts.declared.reverse();
    let other = plan.run_with(facts);
    assert_eq!(other.judged, first.judged);
    assert_eq!(other.impact, first.impact);
}

/// Each way of taking one property out of the facts.
fn poorer(facts: &Facts) -> Vec<Facts> {
    let mut found = Vec::new();
    macro_rules! each {
        ($($list:ident),*) => {$(
            for place in 0..facts.$list.len() {
                let mut other = facts.clone();
                other.$list.remove(place);
                found.push(other);
            }
        )*};
    }
    each!(volumes, roles, instances, owners, contents, declared);
    found
}

#[test]
fn a_missing_fact_never_lowers_a_class() {
    let mut tried = 0;
    for trial in changes() {
        let full = trial.run();
        for facts in poorer(&full.facts) {
            tried += 1;
            let poor = trial.run_with(facts);
            for (id, judgement) in &full.judged {
                let other = &poor.judged[id];
                assert!(
                    other.class >= judgement.class,
                    "{id}: {} {}",
                    shown(judgement),
                    shown(other)
                );
                assert!(
                    other.flags.is_superset(&judgement.flags)
                        || judgement.flags.contains(&Flag::Irreversible),
                    "{id}"
                );
                if shown(other) != shown(judgement) {
                    assert_eq!(other.certainty, Certainty::Unknown, "{id}: {}", shown(other));
                }
            }
        }
    }
    assert!(tried > 10, "only {tried} facts were taken away");
}

#[test]
fn one_more_change_lowers_no_other_but_by_a_rule_on_the_graph_after() {
    /// Rules that read what the other changes leave behind.
    const AFTER: [&str; 6] = [
        "config.needed",
        "config.key-needed",
        "service.still-named",
        "service.lost-edge",
        "service.lost-port",
        "service.selector",
    ];
    let all = together();
    for left_out in 0..all.edits.len() {
        let mut fewer = all.clone();
        let extra: Edit = fewer.edits.remove(left_out);
        let (with, without) = (all.run(), fewer.run());
        for (id, judgement) in &without.judged {
            let other = &with.judged[id];
            let named =
                judgement.reasons.iter().any(|reason| AFTER.contains(&reason.rule.as_str()));
            assert!(
                other.class >= judgement.class || named,
                "{} lowers {id}: {} {}",
                extra.resource.id(),
                shown(judgement),
                shown(other)
            );
        }
    }
}

#[test]
fn facts_hold_no_more_than_the_changes_call_for() {
    let still = Trial::shop().update("/ConfigMap/shop/flags", "/data/beta", json!("on"));
    assert_eq!(still.facts(), Facts::default());
    let up = Trial::shop().update(WEB, "/spec/replicas", json!(4)).facts();
    assert!(up.edges.is_empty() && up.declared.len() == 1, "{up:?}");
    // What happens elsewhere does not make the plan stale.
    let rolls = |trial: Trial| {
        trial.update(WEB, "/spec/template/metadata/annotations", json!({"a": "b"})).facts()
    };
    let quiet = rolls(Trial::shop());
    assert_eq!(rolls(Trial::shop().live("/ConfigMap/shop/unused", "/data/x", json!("y"))), quiet);
    assert_eq!(
        rolls(Trial::shop().live("apps/Deployment/shop/worker", "/spec/replicas", json!(9))),
        quiet
    );
}

#[test]
fn what_cannot_be_previewed_is_not_certain() {
    for (state, wanted) in [
        (PreviewState::Server, "R!"),
        (PreviewState::Local, "R!"),
        (PreviewState::Deferred, "R?"),
        (PreviewState::Blocked, "R?"),
        (PreviewState::Unpreviewable, "R?"),
    ] {
        let mut trial =
            Trial::shop().update(WEB, "/spec/template/metadata/annotations", json!({"a": "b"}));
        trial.edits[0].preview.state = state;
        assert_eq!(shown(trial.run().of(WEB)), wanted, "{state:?}");
    }
    // A creation that waits for another change is as it is asked for: nothing else can be.
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "new", "namespace": "shop"}});
    for (state, wanted) in [
        (PreviewState::Server, "A!"),
        (PreviewState::Deferred, "A!"),
        (PreviewState::Blocked, "A?"),
        (PreviewState::Unpreviewable, "A?"),
    ] {
        let mut trial = Trial::shop().create(map.clone());
        trial.edits[0].preview.state = state;
        assert_eq!(shown(trial.run().of("/ConfigMap/shop/new")), wanted, "{state:?}");
    }
    // A replacement is deferred by itself.
    let selector = ("/spec/selector/matchLabels/x", json!("y"));
    let mut replaced = Trial::shop().replace(WEB, &[selector]);
    replaced.edits[0].preview.state = PreviewState::Deferred;
    assert_eq!(shown(replaced.run().of(WEB)), "O?");
    let mut open =
        Trial::shop().update("/Service/shop/web", "/spec/sessionAffinity", json!("ClientIP"));
    assert_eq!(shown(open.run().of("/Service/shop/web")), "R~");
    open.edits[0].unknown = vec!["/spec/sessionAffinity".parse().unwrap()];
    assert_eq!(shown(open.run().of("/Service/shop/web")), "R?");
}

#[test]
fn a_tree_keeps_nothing_running_by_orphaning() {
    let trial = Trial::shop().tree().orphan(WEB);
    assert_eq!(shown(trial.run().of(WEB)), "O!");
}

#[test]
fn limits_are_said() {
    let mut many = Trial::empty();
    many = many.with(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}));
    for place in 0..1_002 {
        many = many.with(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("c{place}"), "namespace": "n"}}));
    }
    let some = many.clone().without("/ConfigMap/n/c0").without("/ConfigMap/n/c1");
    let all = many.tree().delete("/Namespace//n").run().impact;
    assert!(all.truncated && all.dependents.len() == 1_000);
    let some = some.tree().delete("/Namespace//n").run().impact;
    assert!(!some.truncated && some.dependents.len() == 1_000, "{}", some.dependents.len());
}

#[test]
fn a_chain_that_is_too_long_is_said() {
    let role = |place: usize, next: usize| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": format!("r{place}"), "labels": {"is": format!("l{place}")}},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"is": format!("l{next}")}}]}})
    };
    for (length, truncated) in [(9, false), (10, true)] {
        let mut trial = Trial::empty();
        for place in 1..length {
            trial = trial.with(role(place, place - 1));
        }
        let trial = trial.with(role(0, 99)).delete("rbac.authorization.k8s.io/ClusterRole//r0");
        // Bound, so that its deletion is followed.
        let trial = trial.with(json!({"apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": "r0"},
            "subjects": [{"kind": "User", "name": "u"}]}));
        let impact = trial.run().impact;
        assert_eq!(impact.truncated, truncated, "{length}: {:?}", impact.dependents);
    }
}

#[test]
fn every_class_is_counted_and_namespaces_are_named() {
    let trial = together();
    let impact = trial.run().impact;
    assert_eq!(impact.by_class.len(), 6);
    assert_eq!(impact.by_class.values().sum::<u64>(), u64::try_from(trial.edits.len()).unwrap());
    assert_eq!(
        impact.create + impact.update + impact.delete + impact.replace,
        impact.by_class.values().sum::<u64>()
    );
    assert!(impact.namespaces.contains(&"shop".to_owned()));
    assert!(impact.cluster_scoped.iter().all(|id| id.namespace.is_empty()));
    assert!(impact.stateful.contains(&id(DB)));
    assert!(impact.dependents.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn secret_values_are_sensitive_and_nothing_else_is() {
    let trial = Trial::shop().update("/Secret/shop/db", "/stringData/a~1b", json!("x"));
    let edit = &trial.edits[0];
    let found: Vec<String> = sensitive(&edit.resource, &edit.before, &edit.after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, ["/data/password", "/stringData/a~1b"]);
    let other = Trial::shop().update("/ConfigMap/shop/flags", "/data/beta", json!("on"));
    let edit = &other.edits[0];
    assert!(sensitive(&edit.resource, &edit.before, &edit.after).is_empty());
}

/// Objects of a large tree: a Deployment, its Service, a ConfigMap it reads and a policy each.
fn large(size: usize) -> BTreeMap<countersign::document::ident::ResourceId, Value> {
    let mut trial = Trial::empty();
    for place in 0..size / 4 {
        let (ns, name) = (format!("ns{}", place % 50), format!("app{place}"));
        let meta = json!({"name": name, "namespace": ns});
        for object in [
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name, "tier": "x"}}, "spec": {"containers": [{
                    "name": "c", "image": "x@sha256:0", "ports": [{"name": "http", "containerPort": 80}],
                    "envFrom": [{"configMapRef": {"name": name}}]}]}}}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {
                "selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}}),
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": {
                "podSelector": {"matchLabels": {"app": name}},
                "ingress": [{"from": [{"namespaceSelector": {}}]}]}}),
        ] {
            trial = trial.with(object);
        }
    }
    trial.live
}

/// Ten thousand changes in twenty thousand objects; prints the times.
#[test]
#[ignore = "a measurement; run it by name"]
fn large_plans_take_near_linear_time() {
    let mut last = None;
    for changes in [1_000_usize, 10_000] {
        let live = large(changes * 2);
        let mut trial = Trial { live, ..Trial::empty() }.tree();
        let of_kind = |kind| trial.live.keys().filter(move |id| id.kind == kind);
        let names: Vec<_> =
            of_kind("Deployment").chain(of_kind("Service")).take(changes).cloned().collect();
        for name in names {
            let pointer = if name.kind == "Deployment" {
                "/spec/template/metadata/labels/tier"
            } else {
                "/metadata/labels/x"
            };
            trial = trial.update(&name.to_string(), pointer, json!("y"));
        }
        let (cases, around) = (
            trial.cases(),
            Surroundings { objects: trial.live.clone(), ..Surroundings::default() },
        );
        let start = std::time::Instant::now();
        let read = trial.read().1.len();
        println!("{} changes of a cluster: {read} lists in {:?}", cases.len(), start.elapsed());
        let start = std::time::Instant::now();
        let facts = extract(&cases, &around, Coverage::Tree);
        let extracted = start.elapsed();
        let judged = classify(&cases, &facts);
        let classified = start.elapsed();
        let reach = impact(&cases, &judged, &facts, &BTreeSet::new());
        let total = start.elapsed();
        println!(
            "{} changes: extract {extracted:?}, classify {:?}, impact {:?}; {} edges, {} dependents, truncated {}",
            cases.len(),
            classified - extracted,
            total - classified,
            facts.edges.len(),
            reach.dependents.len(),
            reach.truncated
        );
        assert!(judged.iter().all(|judgement| judgement.class > Class::None));
        if let Some(last) = last {
            assert!(total < last * 30, "{total:?} after {last:?}");
        }
        last = Some(total);
    }
}
