//! With `-o json`, stdout is exactly one JSON document, however a command ends.

use super::shop::{Shop, fixtures};

#[test]
fn every_command_answers_with_one_document() {
    let shop = Shop::bare();
    let json = |line: &[&str], code| {
        let mut line = line.to_vec();
        line.extend(["-o", "json"]);
        shop.run(&line).exits(code).json()
    };
    json(&["status"], 1);
    json(&["init"], 0);
    json(&["init"], 1);
    let answer = fixtures().join("proposals/scale-web.chat.md");
    let plan = ["plan", "-f", answer.to_str().unwrap(), "--requested-by", "alice"];
    let made = json(&plan, 0);
    assert_eq!(made["plan"], "plans/scale-web");
    assert_eq!(made["digest"], shop.digest("scale-web").as_str());
    let web = shop.text("shop/manifests/shop/web.yaml");
    shop.write("shop/same.yaml", web);
    assert!(json(&["plan", "-f", "same.yaml", "--name", "same"], 0)["plan"].is_null());
    json(&["review", "plans/scale-web"], 0);
    json(&["policy", "check", "plans/scale-web"], 0);
    json(&["policy", "test"], 0);
    json(&["policy", "digest"], 0);
    let digest = shop.digest("scale-web");
    json(&["apply", "plans/scale-web", "--trusted", "."], 11);
    json(&["approve", "plans/scale-web", "--digest", &digest, "--prepare"], 0);
    let approved = json(&["approve", "plans/scale-web", "--digest", &digest], 0);
    assert_eq!(approved["principal"], "alice");
    assert_eq!(json(&["status"], 0)[0]["state"], "ready");
    let verified = json(&["verify", "plans/scale-web", "--trusted", "."], 0);
    assert_eq!(verified["notChecked"].as_array().unwrap().len(), 1);
    json(&["verify", "plans/scale-web", "--trusted", ".", "--live"], 0);
    assert_eq!(json(&["apply", "plans/scale-web", "--trusted", "."], 0)["outcome"], "applied");
    json(&["apply", "plans/scale-web", "--trusted", "."], 12);
    json(&["apply", "plans/scale-web", "--trusted", ".", "--abandon", "--reason", "x"], 1);
    json(&["reject", "plans/scale-web", "--reason", "too late"], 0);
    assert_eq!(json(&["log"], 0).as_array().unwrap().len(), 1);
    for line in [
        &["trust", "show"][..],
        &["trust", "check"],
        &["trust", "whoami"],
        &["trust", "renew"],
        &["ledger", "show"],
        &["schema", "proposal"],
        &["schema", "plan"],
        &["schema", "receipt"],
        &["schema", "config"],
        &["completion", "bash"],
    ] {
        json(line, 0);
    }
    json(&["ledger", "create"], 18);
    for line in [&["frob"][..], &["plan"], &["demo"], &[], &["status", "--state", "x"]] {
        let failure = json(line, 64);
        assert_eq!(failure["code"], 64);
        assert_eq!(failure["error"], "usage");
    }
}

#[test]
fn a_failure_has_code_error_causes_and_hints() {
    let shop = Shop::new();
    let failure = shop.run(&["-o", "json", "review", "plans/none"]).exits(1).json();
    let members: Vec<_> = failure.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["causes", "code", "error", "hints", "message"]);
    assert_eq!(failure["code"], 1);
    assert_eq!(failure["error"], "error");
}

#[test]
fn all_problems_of_an_input_come_at_once_with_their_places() {
    let shop = Shop::new();
    let input =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: no}\n---\nkind: Foo\n";
    let run = shop.fed(&["plan", "-f", "-", "-o", "json"], input.as_bytes()).exits(1);
    let failure = run.json();
    let problems = failure["problems"].as_array().unwrap();
    let place = |at: usize| {
        let problem = &problems[at];
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        (text("file"), problem["line"].as_u64().unwrap(), text("pointer"))
    };
    assert_eq!(place(0), ("-".to_owned(), 4, "/data/x".to_owned()));
    assert_eq!(place(1), ("-".to_owned(), 3, "/metadata".to_owned()));
    assert_eq!(place(2), ("-".to_owned(), 6, "/apiVersion".to_owned()));
    assert_eq!(place(3).0, "", "the command line, which names no plan");
    assert_eq!(problems.len(), 4, "{failure:#}");
}
