//! The digests of plans over the shop, pinned. What changes one of them changes what old approvals
//! are bound to: if it is meant, raise `RULES` in `src/document/plan.rs`, and write the new ones here.

use std::path::Path;

use countersign::config::{Config, Limits, Target};
use countersign::document::effect::Class;
use countersign::document::ident::Label;
use countersign::document::plan::RULES;
use countersign::intake::{Defaults, Source, read};
use countersign::observe::directory::observe;
use countersign::plan::Plan;

const CONFIG: &str = "name = \"shop\"\n[environments.prod.targets.manifests]\nkind = \"directory\"\npath = \"shop\"\n";

const REPLACE: &str = "\
apiVersion: countersign/v1
kind: Proposal
name: replace
operations:
- patch:
    resource: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}
    merge: {spec: {selector: {matchLabels: {tier: frontend}}}}
- delete: {apiVersion: storage.k8s.io/v1, kind: StorageClass, name: fast}
- delete: {apiVersion: v1, kind: Namespace, name: shop}
";

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn plan(bytes: Vec<u8>, name: Option<&str>) -> Plan {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let config = Config::parse(CONFIG).unwrap();
    let defaults = Defaults {
        project: label("shop"),
        planner: label("planner"),
        name: name.map(label),
        environment: None,
        target: None,
        only: Some((label("prod"), label("manifests"))),
        requested_by: None,
    };
    let source = Source { name: "input".to_owned(), bytes };
    let limits = Limits::default();
    let proposal = read(&[source], &defaults, &limits).unwrap().proposal;
    let Target::Directory(target) =
        config.target(&label("prod"), &label("manifests")).unwrap().clone()
    else {
        panic!("not a directory")
    };
    Plan::make(observe(proposal, &fixtures, &target, &limits).unwrap()).unwrap()
}

#[test]
fn the_bytes_of_plans_are_those_of_these_rules() {
    assert_eq!(RULES, 1);
    let file = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/proposals");
        std::fs::read(folder.join(name)).unwrap()
    };
    let found = [
        plan(file("scale-web.chat.md"), None),
        plan(file("drop-db.yaml"), None),
        plan(file("flags.json"), None),
        plan(file("new-worker.yaml"), Some("thumbnails")),
        plan(REPLACE.as_bytes().to_vec(), None),
    ];
    let digests: Vec<String> = found.iter().map(|plan| plan.digest().to_string()).collect();
    let classes: std::collections::BTreeSet<Class> = found
        .iter()
        .flat_map(|plan| plan.document().effect.changes.iter().map(|change| change.class))
        .collect();
    assert!(classes.len() >= 5, "{classes:?}");
    assert_eq!(
        digests,
        [
            "eac8c58bd176b4de435fd8f1ed4b192a21da75cea9aad1a8cec3cfccc3fe83da",
            "76ba740f165245219de86f4c9c958a3ecfcc76569d35fdfaf3993482f4f1cdf9",
            "c59500c5fc15d48de9c9d3a6c2f5d7d528b84d40b794c79a4854fe6ea20c5437",
            "90126264a2d7f15d84cd4d865204388186d5b2f4ff5d62eaa70c932e8b656168",
            "16abaaaf48b00a1bbfc708103b29c8fcbe7858cd7e474878c745c23500c8e2b5",
        ]
    );
}
