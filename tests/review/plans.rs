//! Plans, verdicts and standings made by hand, as the documents that they are.

use countersign::document::plan::PlanDocument;
use countersign::plan::judgement::Judgement;
use countersign::policy::verdict::Verdict;
use countersign::trust::quorum::{Counted, Demand, Missing, Standing};
use serde_json::{Value, json};

/// A label.
pub(super) fn label(text: &str) -> countersign::document::ident::Label {
    text.parse().unwrap()
}

/// A plan of these changes and files of a directory.
pub(super) fn directory(name: &str, changes: &[Value], files: &[Value]) -> Value {
    let count = |action: &Value| changes.iter().filter(|c| &c["actions"] == action).count();
    json!({
        "apiVersion": "countersign/v1", "kind": "Plan", "rules": 1,
        "proposal": {
            "project": "shop", "name": name, "environment": "prod", "target": "manifests",
            "planner": "ci-planner", "requestedBy": "alice",
            "intent": {"request": "", "summary": "drop the old database, ship 1.5"},
            "operations": [],
        },
        "effect": {
            "target": {"kind": "directory", "project": "shop", "path": "manifests"},
            "masking": "",
            "facts": {"edges": [], "volumes": [], "roles": [], "instances": [], "owners": [],
                      "contents": [], "declared": []},
            "changes": changes,
            "files": files,
            "stack": null,
            "impact": {
                "create": count(&json!(["create"])), "update": count(&json!(["update"])),
                "replace": count(&json!(["delete", "create"])), "delete": count(&json!(["delete"])),
                "byClass": {}, "byKind": {}, "namespaces": ["shop"], "clusterScoped": [],
                "stateful": [], "dependents": [], "unresolved": [], "truncated": false,
            },
            "waves": [], "complete": true,
        },
    })
}

/// A change of the object `group/Kind/namespace/name`.
pub(super) fn change(id: &str, actions: Value, class: &str, before: Value, after: Value) -> Value {
    let parts: Vec<&str> = id.split('/').collect();
    let version = if parts[0].is_empty() { "v1".to_owned() } else { format!("{}/v1", parts[0]) };
    json!({
        "id": id, "operation": "op-1",
        "resource": {"apiVersion": version, "kind": parts[1], "namespace": parts[2], "name": parts[3]},
        "actions": actions, "class": class, "certainty": "certain", "flags": [],
        "preview": {"state": "local", "because": "", "by": ""},
        "before": before, "after": after,
        "unknown": [], "sensitive": [], "replacePaths": [], "force": [], "warnings": [],
        "withoutEffect": [], "propagation": "", "guard": {},
    })
}

/// Who needs whom, before and after.
pub(super) fn edge(from: &str, to: &str, by: &str) -> Value {
    json!({"from": from, "to": to, "by": by, "optional": false, "before": true, "after": true})
}

/// The plan of the design's example: one of everything.
pub(super) fn drop_pg() -> PlanDocument {
    let web = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}});
    let mut pvc = change(
        "/PersistentVolumeClaim/shop/pg-data",
        json!(["delete"]),
        "data-loss",
        json!({"spec": {"resources": {"requests": {"storage": "200Gi"}}}}),
        json!(null),
    );
    pvc["certainty"] = json!("unknown");
    pvc["flags"] = json!(["irreversible"]);
    pvc["propagation"] = json!("Background");
    let mut api = change(
        "apps/Deployment/shop/api",
        json!(["delete", "create"]),
        "outage",
        json!({"spec": {"selector": {"matchLabels": {"app": "api"}}}}),
        json!({"spec": {"selector": {"matchLabels": {"app": "api-v2"}}}}),
    );
    api["preview"] = json!({
        "state": "blocked", "by": "",
        "because": "/spec/selector is immutable; the operation lacks `replace: allowed`",
    });
    api["replacePaths"] = json!(["/spec/selector/matchLabels/app"]);
    let web = change(
        "apps/Deployment/shop/web",
        json!(["update"]),
        "disruptive",
        web("web:1.4"),
        web("web:1.5"),
    );
    let flags = change(
        "/ConfigMap/shop/flags",
        json!(["create"]),
        "additive",
        json!(null),
        json!({"data": {"beta": "on"}}),
    );
    let files = [
        json!({"path": "shop/configmap-flags.yaml", "before": null,
               "after": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: flags\n  namespace: shop\ndata:\n  beta: \"on\"\n"}),
        json!({"path": "shop/web.yaml",
               "before": "# The storefront.\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  # kept small\n  image: web:1.4\n",
               "after": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  image: web:1.5\n"}),
        json!({"path": "shop/pg-data.yaml", "before": "kind: PersistentVolumeClaim\n", "after": null}),
    ];
    let mut plan = directory("drop-pg", &[pvc, flags, api, web], &files);
    plan["effect"]["impact"]["stateful"] = json!(["/PersistentVolumeClaim/shop/pg-data"]);
    plan["effect"]["impact"]["dependents"] =
        json!(["/Service/shop/pg", "apps/StatefulSet/shop/pg"]);
    plan["effect"]["facts"]["edges"] = json!([
        edge("apps/StatefulSet/shop/pg", "/PersistentVolumeClaim/shop/pg-data", "claim"),
        edge("/Service/shop/pg", "apps/StatefulSet/shop/pg", "selects"),
    ]);
    plan["effect"]["complete"] = json!(false);
    serde_json::from_value(plan).unwrap()
}

/// What the rules make of it, in the plan's order.
pub(super) fn judgements(plan: &PlanDocument, says: &[&str]) -> Vec<Judgement> {
    plan.effect
        .changes
        .iter()
        .zip(says)
        .map(|(change, says)| Judgement {
            class: change.class,
            certainty: change.certainty,
            flags: change.flags.clone(),
            reasons: vec![countersign::plan::judgement::Reason {
                rule: "a.rule".to_owned(),
                class: change.class,
                certainty: change.certainty,
                path: countersign::document::ident::Pointer::default(),
                says: (*says).to_owned(),
            }],
        })
        .collect()
}

/// Clauses for [`drop_pg`].
pub(super) const DROP_PG_SAYS: [&str; 4] =
    ["the volume may be deleted with its claim", "", "", "restarts its pods"];

/// A verdict.
pub(super) fn verdict(deny: Value, warn: Value, raise: Value) -> Verdict {
    serde_json::from_value(json!({
        "plan": "a".repeat(64), "policy": "b".repeat(64),
        "deny": deny, "warn": warn, "requireApproval": raise, "rules": 12,
    }))
    .unwrap()
}

/// Someone is missing, somebody is there.
pub(super) fn standing() -> Standing {
    Standing {
        required: vec![
            Demand { role: label("dba"), count: 1 },
            Demand { role: label("sre"), count: 1 },
        ],
        counted: vec![Counted {
            principal: label("alice"),
            role: label("sre"),
            approval: countersign::document::statement::ApprovalId::from_random([7; 16]),
            self_approved: false,
        }],
        missing: vec![Missing {
            role: label("dba"),
            count: 1,
            could: vec![label("bob"), label("carol")],
        }],
        rejected: Vec::new(),
    }
}
