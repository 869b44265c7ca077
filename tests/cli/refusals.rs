//! The main failures, word for word: the object, the value, the person, and the next command.

use std::fs;

use insta::assert_snapshot;

use super::shop::{Shop, fixtures};

const APPLY: [&str; 4] = ["apply", "plans/scale-web", "--trusted", "."];

#[test]
fn what_is_not_there_is_named_with_what_makes_it() {
    let shop = Shop::bare();
    shop.run(&["status"]).exits(1);
    shop.run(&["-C", "nowhere", "status"]).exits(1);
    shop.run(&["init", "--manifests", "nothing"]).exits(1);
    shop.run(&["init", "--key", "none.pub"]).exits(1);
    shop.run(&["init"]).exits(0);
    shop.run(&["status"]).exits(0);
    shop.run(&["review", "plans/none"]).exits(1);
    shop.run(&["review", "manifests"]).exits(1);
    shop.run(&["plan", "-f", "none.yaml", "--name", "x"]).exits(1);
    shop.run(&["plan", "-f", "manifests", "--name", "x"]).exits(1);
    shop.run(&["plan", "-f", "-", "--name", "x"]).exits(1);
    shop.run(&["approve", "plans/none", "--key", "none"]).exits(1);
    fs::remove_dir_all(shop.path("state/ledgers")).unwrap();
    shop.run(&["ledger", "show"]).exits(18);
    fs::remove_file(shop.path("shop/trust.json")).unwrap();
    shop.run(&["status"]).exits(17);
    assert_snapshot!(shop.told());
}

#[test]
fn what_stands_against_an_apply_is_said_with_what_comes_next() {
    let shop = Shop::planned();
    let manifests = shop.text("shop/manifests/shop/web.yaml");
    let plan = shop.text("shop/plans/scale-web/plan.json");
    let trust = shop.text("shop/trust.json");
    shop.forget();
    shop.run(&["apply", "plans/scale-web"]).exits(64);
    shop.run(&APPLY).exits(11);
    shop.approve().exits(0);
    shop.forget();
    shop.write("shop/plans/scale-web/plan.json", plan.replace("\"replicas\":5", "\"replicas\":9"));
    shop.run(&APPLY).exits(14);
    shop.run(&["status"]).exits(0);
    shop.write("shop/plans/scale-web/plan.json", plan.replace(':', ": "));
    shop.run(&APPLY).exits(14);
    shop.write("shop/plans/scale-web/plan.json", &plan);
    shop.write("shop/manifests/shop/web.yaml", manifests.replace("replicas: 3", "replicas: 4"));
    shop.run(&APPLY).exits(13);
    shop.run(&["verify", "plans/scale-web", "--trusted", ".", "--live"]).exits(13);
    shop.write("shop/manifests/shop/web.yaml", &manifests);
    shop.write("shop/trust.json", trust.replace("\"version\": 1", "\"version\": 0"));
    shop.run(&APPLY).exits(17);
    shop.write("shop/trust.json", &trust);
    let toml = shop.text("shop/countersign.toml");
    shop.write("shop/countersign.toml", toml.replace("bundles", "bundels"));
    shop.run(&APPLY).exits(17);
    shop.write("shop/countersign.toml", &toml);
    let statement = shop.path("shop/plans/scale-web/planner.intoto.json");
    let kept = fs::read(&statement).unwrap();
    fs::remove_file(&statement).unwrap();
    shop.run(&APPLY).exits(14);
    fs::write(&statement, kept).unwrap();
    shop.write("shop/policies/broken.rego", "package broken\n\ndeny contains msg if {\n");
    shop.run(&APPLY).exits(1);
    fs::remove_file(shop.path("shop/policies/broken.rego")).unwrap();
    assert_snapshot!(shop.told());
    assert_eq!(shop.text("shop/manifests/shop/web.yaml"), manifests);
    shop.run(&APPLY).exits(0);
}

#[test]
fn who_may_not_sign_is_told_why() {
    let shop = Shop::planned();
    shop.key("keys", "mallory", 9);
    let digest = shop.digest("scale-web");
    let other = "0".repeat(64);
    shop.forget();
    let approve = |more: &[&str]| {
        let mut line = vec!["approve", "plans/scale-web"];
        line.extend(more);
        shop.run(&line)
    };
    let quiet = |run: super::shop::Run| assert!(run.code != Some(0), "{run:#?}");
    quiet(approve(&["--key", "../keys/mallory", "--digest", &digest]));
    quiet(approve(&["--key", "../state/keys/shop/planner", "--digest", &digest]));
    quiet(approve(&["--key", "../keys/mallory.pub", "--digest", &digest]));
    quiet(approve(&["--key", "agent:SHA256:AAAA", "--digest", &digest]));
    quiet(approve(&["--expires-in", "90d", "--digest", &digest]));
    shop.key("alice/.ssh", "id_second", 4);
    shop.run(&[
        "trust",
        "add",
        "alice",
        "--key",
        "../alice/.ssh/id_second.pub",
        "--role",
        "approver",
    ])
    .exits(0);
    quiet(approve(&["--digest", &digest]));
    assert_snapshot!(shop.told());
    let one = ["--key", "../alice/.ssh/id_ed25519"];
    approve(&[&one[..], &["--digest", &other]].concat())
        .exits(12)
        .says(&["--digest is not the digest of this plan", &digest]);
    approve(&one).exits(1).says(&["nobody can be asked", "give it with --digest"]);
    assert_eq!(shop.names("shop/plans/scale-web/approvals"), Vec::<String>::new());
}

#[test]
fn a_class_that_nobody_acknowledged_is_not_approved() {
    let shop = Shop::new();
    let toml = shop.text("shop/countersign.toml");
    shop.write("shop/countersign.toml", toml.replace("[policy]", "[policy]\nbuiltin = false"));
    let drop = fixtures().join("proposals/drop-db.yaml");
    shop.run(&["plan", "-f", drop.to_str().unwrap()]).exits(0);
    let digest = shop.digest("drop-db");
    let line = ["approve", "plans/drop-db", "--digest", &digest];
    shop.run(&line).exits(1).says(&["class outage", "`--acknowledge outage`"]);
    assert_eq!(shop.names("shop/plans/drop-db/approvals"), Vec::<String>::new());
    let run = shop.run(&[&line[..], &["--acknowledge", "outage,data-loss"]].concat()).exits(0);
    assert!(run.stderr.contains("OUTAGE"), "the gravest changes are shown once more: {run:#?}");
}
