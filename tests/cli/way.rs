//! What each family of commands prints on the usual way, as a person reads it.

use insta::assert_snapshot;

use super::shop::{Shop, fixtures};

#[test]
fn init_makes_a_project_and_names_the_next_command() {
    let shop = Shop::bare();
    shop.run(&["init"]).exits(0);
    shop.run(&["init"]).exits(1);
    assert_snapshot!(shop.told());
    let made = shop.names("shop");
    let wanted = [".gitattributes", "countersign.toml", "manifests", "policies", "trust.json"];
    assert_eq!(made, wanted);
}

/// What `init` tells the user to type, typed.
#[test]
fn the_commands_that_init_names_work_as_they_stand() {
    let shop = Shop::bare();
    let told = shop.run(&["init"]).exits(0).stdout;
    let (_, next) = told.split_once("plan it:\n").unwrap();
    let mut lines = next.lines().map(str::trim);
    let copy: Vec<&str> = lines.next().unwrap().split(' ').collect();
    assert_eq!((copy[0], copy[2]), ("cp", "."));
    let name = copy[1].rsplit('/').next().unwrap();
    let text = shop.text(&format!("shop/{}", copy[1]));
    assert!(text.contains("replicas: 2"), "{text}");
    shop.write(&format!("shop/{name}"), text.replace("replicas: 2", "replicas: 3"));
    let plan: Vec<&str> = lines.next().unwrap().split(' ').collect();
    shop.run(&plan[1..]).exits(0).says(&["Wrote plans/first-plan/plan.json"]);
}

#[test]
fn plan_shows_the_change_the_verdict_and_the_next_command() {
    let shop = Shop::new();
    let plan = |file: &str, more: &[&str]| {
        let file = fixtures().join("proposals").join(file);
        let mut line = vec!["plan", "-f", file.to_str().unwrap(), "--requested-by", "alice"];
        line.extend(more);
        shop.run(&line)
    };
    shop.forget();
    plan("scale-web.chat.md", &[]).exits(0);
    plan("scale-web.chat.md", &["-q", "--locked", "--detailed-exitcode"]).exits(2);
    plan("flags.json", &["--locked"]).exits(1);
    shop.write("shop/same.yaml", shop.text("shop/manifests/shop/web.yaml"));
    shop.run(&["plan", "-f", "same.yaml", "--name", "same", "--detailed-exitcode"]).exits(0);
    assert_snapshot!(shop.told());
    assert_eq!(shop.names("shop/plans"), ["scale-web"], "no change writes nothing");
}

#[test]
fn a_plan_that_comes_out_otherwise_drops_its_approvals_and_says_so() {
    let shop = Shop::approved();
    let web = shop.text("shop/manifests/shop/web.yaml");
    shop.write("shop/manifests/shop/web.yaml", web.replace("replicas: 3", "replicas: 2"));
    let answer = fixtures().join("proposals/scale-web.chat.md");
    let line = ["plan", "-q", "-f", answer.to_str().unwrap(), "--requested-by", "alice"];
    let mut locked = line.to_vec();
    locked.push("--locked");
    shop.forget();
    shop.run(&locked).exits(13);
    let line: Vec<&str> = line.into_iter().filter(|word| *word != "-q").collect();
    shop.run(&line).exits(0).says(&["and 1 old approval for it was removed"]);
    shop.run(&line).exits(0).says(&["comes out the same"]);
    assert_eq!(shop.names("shop/plans/scale-web/approvals"), Vec::<String>::new());
    shop.approve().exits(0);
    shop.run(&["apply", "plans/scale-web", "--trusted", "."]).exits(0);
    shop.write("shop/manifests/shop/web.yaml", web.replace("replicas: 3", "replicas: 2"));
    shop.run(&line).exits(1).says(&["was applied already: it has a receipt", "--name"]);
}

#[test]
fn the_verdict_and_the_tests_of_policies_are_shown() {
    let shop = Shop::planned();
    let drop = fixtures().join("proposals/drop-db.yaml");
    shop.run(&["plan", "-f", drop.to_str().unwrap()]).exits(0);
    shop.forget();
    shop.run(&["policy", "check", "plans/scale-web"]).exits(0);
    shop.run(&["policy", "check", "plans/drop-db", "plans/scale-web"]).exits(10);
    shop.run(&["policy", "test"]).exits(0);
    shop.run(&["policy", "digest"]).exits(0);
    assert_snapshot!(shop.told());
}

#[test]
fn approve_reject_verify_apply_and_log_tell_a_story() {
    let shop = Shop::planned();
    let digest = shop.digest("scale-web");
    shop.forget();
    shop.run(&["status"]).exits(0);
    shop.run(&["reject", "plans/scale-web", "--reason", "not now"]).exits(0);
    shop.run(&["status", "plans/scale-web"]).exits(0);
    // Of two statements of one second, the no counts.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let review = shop.run(&["review", "plans/scale-web"]).exits(0).stdout;
    let approved =
        shop.run(&["approve", "plans/scale-web/plan.json", "--digest", &digest]).exits(0);
    // The whole plan is read before it is signed; beside it stands what is not of its bytes.
    for line in review.lines().skip(1) {
        assert!(approved.stdout.contains(line), "{line} in {}", approved.stdout);
    }
    shop.run(&["status", "--state", "ready"]).exits(0);
    shop.run(&["status", "--state", "begun"]).exits(0);
    shop.run(&["verify", "plans/scale-web", "--trusted", "."]).exits(0);
    shop.run(&["verify", "plans/scale-web", "--trusted", ".", "--live"]).exits(0);
    shop.run(&["apply", "plans/scale-web", "--trusted", ".", "--receipt", "r.json"]).exits(0);
    shop.run(&["apply", "plans/scale-web", "--trusted", "."]).exits(12);
    shop.run(&["status"]).exits(0);
    shop.run(&["log"]).exits(0);
    shop.run(&["log", "plans/scale-web"]).exits(0);
    assert_snapshot!(shop.told());
    let receipt = std::fs::read_to_string(shop.only("receipts", ".intoto.json")).unwrap();
    assert_eq!(receipt, shop.text("shop/r.json"));
}

#[test]
fn trust_and_ledger_say_what_they_hold_and_what_they_changed() {
    let shop = Shop::new();
    shop.key("keys", "bob", 2);
    shop.key("keys", "bot", 3);
    shop.forget();
    let bob = ["trust", "add", "bob", "--key", "../keys/bob.pub", "--role", "approver"];
    shop.run(&bob).exits(0);
    shop.run(&[
        "trust",
        "add",
        "bot",
        "--key",
        "../keys/bot.pub",
        "--role",
        "applier",
        "--machine",
        "--owner",
        "bob",
    ])
    .exits(0);
    shop.run(&["trust", "quorum", "prod", "--from", "outage", "--require", "approver=2"]).exits(0);
    shop.run(&["trust", "revoke", "0123456789abcdef0123456789abcdef"]).exits(0);
    shop.run(&["trust", "renew", "--days", "30"]).exits(0);
    shop.run(&["trust", "show"]).exits(0);
    shop.run(&["trust", "check"]).exits(0);
    shop.run(&["trust", "whoami"]).exits(0);
    shop.run(&["trust", "remove", "bot"]).exits(0);
    shop.run(&["trust", "remove", "alice"]).exits(17);
    shop.run(&bob).exits(17);
    shop.run(&["ledger", "show"]).exits(0);
    shop.run(&["ledger", "create"]).exits(18);
    shop.run(&["ledger", "unlock", "0123456789abcdef0123456789abcdef"]).exits(1);
    assert_snapshot!(shop.told());
}
