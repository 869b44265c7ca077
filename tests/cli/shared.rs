//! Shared ledgers from the command line: made, missing, moved back, let go of; and the two commands
//! of a second machine.

use countersign::remote::kubernetes::Identity;

use super::shop::Shop;
use crate::support::cluster::cluster;
use crate::support::cluster::ledger::{granted, identity};
use crate::support::git::{Server, git};
use crate::support::localstack;

const APPLY: [&str; 4] = ["apply", "plans/scale-web", "--trusted", "."];
const LEDGER: &str = "refs/heads/countersign-ledger";

/// An approved plan in a clone whose ledger is to be a branch of its remote.
fn in_a_branch() -> (Shop, Server) {
    let (shop, server) = (Shop::approved(), Server::new());
    git(&shop.path("shop"), &["init", "--quiet"]);
    git(&shop.path("shop"), &["remote", "add", "origin", &server.address()]);
    shop.keeps_its_ledger_in("kind = \"git\"");
    (shop, server)
}

/// Each command that asks the ledger.
fn all(shop: &Shop) -> Vec<Vec<String>> {
    let digest = shop.digest("scale-web");
    let lines = [
        &APPLY[..],
        &["verify", "plans/scale-web", "--trusted", "."],
        &["status"],
        &["approve", "plans/scale-web", "--digest", &digest],
        &["log"],
        &["ledger", "show"],
        &["ledger", "unlock", "00000000000000000000000000000000"],
    ];
    lines.iter().map(|line| line.iter().map(|part| (*part).to_owned()).collect()).collect()
}

fn refuse(shop: &Shop, parts: &[&str]) {
    for line in all(shop) {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let run = shop.run(&line).exits(18).says(&["[ledger_unusable]", "Hint: "]).says(parts);
        assert!(run.stdout.is_empty(), "{run:#?}");
    }
}

#[test]
fn a_shared_ledger_that_was_never_made_refuses_whoever_asks_it() {
    let (shop, _server) = in_a_branch();
    refuse(
        &shop,
        &["there is no ledger at branch countersign-ledger", "`countersign ledger create`"],
    );
    let run = shop.run(&["ledger", "create"]).exits(0);
    assert!(run.stdout.contains("Made an empty ledger at branch countersign-ledger"), "{run:#?}");
    shop.run(&["ledger", "create"]).exits(18).says(&["already"]);
    shop.run(&APPLY).exits(0);
    shop.run(&APPLY).exits(12).says(&["is spent"]);
}

#[test]
fn a_branch_that_was_moved_back_or_deleted_is_refused_until_it_is_forgotten() {
    let (shop, server) = in_a_branch();
    shop.run(&["ledger", "create"]).exits(0);
    let made = git(&server.bare(), &["rev-parse", LEDGER]);
    shop.run(&APPLY).exits(0);
    let id = shop.run(&["-o", "json", "ledger", "show"]).exits(0).json()["id"].clone();
    let id = id.as_str().unwrap();

    git(&server.bare(), &["update-ref", LEDGER, &made]);
    refuse(&shop, &["is not the one that was there before", "which was seen here, is not in it"]);
    git(&server.bare(), &["update-ref", "-d", LEDGER]);
    refuse(&shop, &["is not the one that was there before", &format!("ledger {id} is gone")]);
    shop.run(&["ledger", "create"]).exits(18).says(&["is gone", "countersign ledger forget ID"]);

    let other = "00000000000000000000000000000000";
    shop.run(&["ledger", "forget", other]).exits(1).says(&[id]);
    let run = shop.run(&["ledger", "forget", id]).exits(0);
    assert!(run.stdout.contains(&format!("Forgot ledger {id}")), "{run:#?}");
    shop.run(&["ledger", "forget", id]).exits(1).says(&["has seen no ledger there"]);
    shop.run(&["ledger", "create"]).exits(0);
    shop.run(&["ledger", "show"]).exits(0);
}

#[test]
fn a_ledger_in_a_bucket_is_made_once_its_store_has_proved_itself() {
    let bucket = localstack::bucket();
    let shop = Shop::approved();
    let ledger = format!(
        "kind = \"object-store\"\nurl = \"{}\"\nregion = \"us-east-1\"\nendpoint = \"{}\"",
        bucket.url,
        localstack::address()
    );
    shop.keeps_its_ledger_in(&ledger);
    let run = |line: &[&str], state: &str| {
        let mut command = shop.command(line);
        command.env("AWS_ACCESS_KEY_ID", localstack::ACCOUNT);
        command.env("AWS_SECRET_ACCESS_KEY", "hidden-canary");
        if !state.is_empty() {
            command.env("COUNTERSIGN_STATE", shop.path(state));
            let key = shop.path("state/keys/shop/applier");
            command.env("COUNTERSIGN_APPLIER_KEY", key);
        }
        let run = shop.finish(line, command);
        assert!(!format!("{run:?}").contains("hidden-canary"), "{run:#?}");
        run
    };
    run(&APPLY, "").exits(18).says(&["there is no ledger at", "`countersign ledger create`"]);
    let made = run(&["ledger", "create"], "").exits(0);
    for part in ["keeps to conditions", "Made an empty ledger at s3://"] {
        assert!(made.stdout.contains(part), "no {part:?} in {made:#?}");
    }
    run(&["ledger", "create"], "").exits(18).says(&["already"]);
    run(&APPLY, "runner").exits(0);
    // A machine that has seen nothing of it.
    run(&APPLY, "another").exits(12).says(&["is spent"]);
    let log = run(&["-o", "json", "log"], "third").exits(0);
    assert_eq!(log.json().as_array().unwrap().len(), 1);
}

#[test]
fn a_ledger_in_a_namespace_is_made_shown_missed_and_let_go_of() {
    let (namespace, user) = granted();
    let shop = Shop::approved();
    let Identity { uid, ca_spki } = identity();
    let ledger = |namespace: &str| {
        format!(
            "kind = \"kubernetes\"\ncontext = \"prod\"\ncluster = \"{uid}\"\nca = \"{ca_spki}\"\n\
             namespace = \"{namespace}\""
        )
    };
    shop.keeps_its_ledger_in(&ledger(namespace.name()));
    let kubeconfig = user.kubeconfig(&shop.path("alice"));
    let run = |line: &[&str], state: &str| {
        let mut command = shop.command(line);
        command.env("KUBECONFIG", &kubeconfig);
        if !state.is_empty() {
            command.env("COUNTERSIGN_STATE", shop.path(state));
            command.env("COUNTERSIGN_APPLIER_KEY", shop.path("state/keys/shop/applier"));
        }
        let run = shop.finish(line, command);
        assert!(!format!("{run:?}").contains(user.token()), "{run:#?}");
        run
    };
    let there_is_none = format!("there is no ledger at namespace {} of cluster", namespace.name());
    run(&APPLY, "").exits(18).says(&[&there_is_none, "`countersign ledger create`"]);
    let made = run(&["ledger", "create"], "").exits(0);
    for part in ["keeps to conditions", "Made an empty ledger at namespace ledger-"] {
        assert!(made.stdout.contains(part), "no {part:?} in {made:#?}");
    }
    run(&["ledger", "create"], "").exits(18).says(&["already"]);
    run(&APPLY, "runner").exits(0);
    // A machine that has seen nothing of it.
    run(&APPLY, "another").exits(12).says(&["is spent"]);
    let log = run(&["-o", "json", "log"], "third").exits(0);
    assert_eq!(log.json().as_array().unwrap().len(), 1);
    let id = run(&["-o", "json", "ledger", "show"], "").exits(0).json()["id"].clone();

    // All of it is deleted; the machines that saw it know that there was one.
    let admin = cluster().admin();
    for kind in ["configmaps", "leases"] {
        let path = match kind {
            "leases" => namespace.path_of("coordination.k8s.io/v1", kind),
            _ => namespace.path(kind),
        };
        assert_eq!(admin.delete(&path, &serde_json::Value::Null).0, 200);
    }
    let gone = format!("ledger {} is gone", id.as_str().unwrap());
    run(&APPLY, "").exits(18).says(&["is not the one that was there before", &gone]);
    run(&["ledger", "create"], "").exits(18).says(&["countersign ledger forget ID"]);
    run(&APPLY, "newcomer").exits(18).says(&["approvals that were spent count again"]);
    // It is let go of without its cluster.
    let mut command = shop.command(&["ledger", "forget", id.as_str().unwrap()]);
    command.env("KUBECONFIG", shop.path("nowhere"));
    shop.finish(&["ledger", "forget"], command).exits(0);
    run(&["ledger", "create"], "").exits(0);

    // Its users' rights were in the namespace.
    let path = format!("/api/v1/namespaces/{}", namespace.name());
    assert_eq!(admin.delete(&path, &serde_json::Value::Null).0, 200);
    admin.wait_for(&path, "the namespace is gone", serde_json::Value::is_null);
    run(&APPLY, "newcomer").exits(18).says(&["gone with it if that was deleted"]);
    run(&["ledger", "create"], "").exits(18).says(&["may not get configmaps", "README"]);
}
