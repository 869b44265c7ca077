//! As a pipeline uses it: trust from another folder, manifests from a pipe, no configuration of
//! this machine.

use std::fs;

use super::shop::{Shop, copy};

#[test]
fn manifests_come_from_a_pipe() {
    let shop = Shop::new();
    let web = shop.text("shop/manifests/shop/web.yaml").replace("replicas: 3", "replicas: 6");
    let run = shop.fed(&["plan", "-f", "-", "--name", "piped"], web.as_bytes()).exits(0);
    assert!(run.stdout.contains("replicas  3 -> 6"), "{}", run.stdout);
    assert_eq!(shop.names("shop/plans"), ["piped"]);
}

#[test]
fn the_only_target_need_not_be_named_and_of_two_one_must_be() {
    let shop = Shop::new();
    let web = shop.text("shop/manifests/shop/web.yaml").replace("replicas: 3", "replicas: 6");
    let toml = shop.text("shop/countersign.toml");
    let second = "[environments.prod.targets.second]\nkind = \"directory\"\npath = \"second\"\n\n";
    shop.write("shop/countersign.toml", toml.replace("[policy]", &format!("{second}[policy]")));
    shop.fed(&["plan", "-f", "-", "--name", "piped"], web.as_bytes())
        .exits(1)
        .says(&["the plan has no target", "--target"]);
    let line = ["plan", "-f", "-", "--name", "piped", "--env", "prod", "--target", "manifests"];
    shop.fed(&line, web.as_bytes()).exits(0);
}

#[test]
fn trust_comes_from_another_checkout_and_the_plan_lies_there() {
    let shop = Shop::approved();
    // A pull request that makes itself easy: its own trust.json and policies.
    copy(&shop.path("shop"), &shop.path("request"));
    shop.write("request/trust.json", "{}");
    shop.write("request/policies/replicas.rego", "package broken {");
    let verify = ["verify", "../request/plans/scale-web", "--trusted", "."];
    shop.run(&verify).exits(0);
    shop.run(&["-C", "../request", "verify", "plans/scale-web", "--trusted", "../shop"]).exits(0);
    shop.run(&["-C", "../request", "verify", "plans/scale-web", "--trusted", "."]).exits(17);
    shop.run(&["apply", "../request/plans/scale-web", "--trusted", "."]).exits(0);
    assert!(shop.text("shop/manifests/shop/web.yaml").contains("replicas: 5"));
    assert!(shop.text("request/manifests/shop/web.yaml").contains("replicas: 3"));
    assert_eq!(shop.names("request/plans/scale-web/receipts").len(), 1);
    assert_eq!(shop.names("shop/plans/scale-web/receipts").len(), 0);
}

#[test]
fn approvals_may_lie_in_a_folder_of_their_own() {
    let shop = Shop::approved();
    fs::rename(shop.path("shop/plans/scale-web/approvals"), shop.path("approvals")).unwrap();
    shop.run(&["verify", "plans/scale-web", "--trusted", "."]).exits(11);
    let with = ["--trusted", ".", "--approvals", "../approvals"];
    shop.run(&[&["verify", "plans/scale-web"][..], &with].concat()).exits(0);
    shop.run(&[&["apply", "plans/scale-web"][..], &with].concat()).exits(0);
}

#[test]
fn keys_of_machines_come_from_the_environment() {
    let shop = Shop::approved();
    let keys = shop.path("state/keys/shop");
    let applier = fs::read_to_string(keys.join("applier")).unwrap();
    fs::remove_dir_all(&keys).unwrap();
    let line = ["apply", "plans/scale-web", "--trusted", "."];
    shop.run(&line).exits(1).says(&["COUNTERSIGN_APPLIER_KEY"]);
    let mut command = shop.command(&line);
    command.env("COUNTERSIGN_APPLIER_KEY", applier);
    shop.finish(&line, command).exits(0);
}

#[test]
fn a_review_needs_no_project_no_home_and_no_state() {
    let shop = Shop::planned();
    copy(&shop.path("shop/plans/scale-web"), &shop.path("alone/scale-web"));
    let here = shop.run(&["review", "plans/scale-web"]).exits(0).stdout;
    for line in [&["review", "scale-web"][..], &["review", "scale-web/plan.json"]] {
        let mut command = shop.command(line);
        command.current_dir(shop.path("alone")).env_remove("HOME").env_remove("COUNTERSIGN_STATE");
        assert_eq!(shop.finish(line, command).exits(0).stdout, here);
    }
    for line in [&["--version"][..], &["schema", "plan"], &["completion", "zsh"], &["--help"]] {
        let mut command = shop.command(line);
        command.current_dir("/").env_clear();
        shop.finish(line, command).exits(0);
    }
}

#[test]
fn the_project_is_found_from_below_and_the_next_command_fits_there() {
    let shop = Shop::planned();
    let web = shop.text("shop/manifests/shop/web.yaml").replace("replicas: 3", "replicas: 6");
    shop.write("shop/manifests/web.txt", &web);
    let line = ["-C", "manifests/shop", "plan", "-f", "../web.txt", "--name", "below"];
    let run = shop.run(&line).exits(0);
    assert!(run.stdout.contains("`countersign approve ../../plans/below`"), "{}", run.stdout);
    shop.run(&["-C", "manifests/shop", "review", "../../plans/below"]).exits(0);
    let status = shop.run(&["-C", "plans", "status"]).exits(0).stdout;
    assert!(status.contains("scale-web: waiting for approvals"), "{status}");
}

#[test]
fn nobody_at_a_terminal_means_that_trust_is_named() {
    let shop = Shop::approved();
    for line in [&["verify", "plans/scale-web"][..], &["apply", "plans/scale-web"]] {
        shop.run(line).exits(64).says(&["--trusted", "[usage]"]);
    }
}
