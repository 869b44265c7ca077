//! Ledgers: those of environments and targets have commands of their own, and only one that is not
//! there is passed over by commands that can do without.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::shop::Shop;

const APPLY: [&str; 4] = ["apply", "plans/scale-web", "--trusted", "."];
const VERIFY: [&str; 4] = ["verify", "plans/scale-web", "--trusted", "."];

/// An approved plan in a project whose target has a ledger of its own, which is not made yet.
fn of_a_target(environment: bool) -> Shop {
    let shop = Shop::approved();
    let toml = shop.text("shop/countersign.toml");
    let own = shop.path("own/ledger").display().to_string();
    let part = match environment {
        true => format!("[environments.prod.ledger]\nkind = \"local\"\npath = \"{own}\"\n"),
        false => format!(
            "[environments.prod.targets.manifests.ledger]\nkind = \"local\"\npath = \"{own}\"\n"
        ),
    };
    shop.write("shop/countersign.toml", format!("{toml}\n{part}"));
    shop
}

#[test]
fn the_ledger_of_a_target_is_made_shown_and_told_by_its_flags() {
    for (environment, flags) in [
        (false, &["--env", "prod", "--target", "manifests"][..]),
        (false, &["--target", "manifests"]),
        (true, &["--env", "prod"]),
    ] {
        let shop = of_a_target(environment);
        let named = match environment {
            true => "`countersign ledger create --env prod` makes",
            false => "`countersign ledger create --env prod --target manifests` makes",
        };
        shop.run(&APPLY).exits(18).says(&[named]);
        shop.run(&[&["ledger", "show"], flags].concat()).exits(18).says(&[named]);
        shop.run(&["ledger", "create"]).exits(18).says(&["already"]);
        let run = shop.run(&[&["ledger", "create"], flags].concat()).exits(0);
        assert!(run.stdout.contains("own/ledger"), "{run:#?}");
        shop.run(&[&["ledger", "create"], flags].concat()).exits(18);
        shop.run(&APPLY).exits(0);
        let run = shop.run(&[&["ledger", "show"], flags].concat()).exits(0);
        assert!(run.stdout.contains("1 receipt"), "{run:#?}");
        let run = shop.run(&["ledger", "show"]).exits(0);
        assert!(!run.stdout.contains("receipts"), "{run:#?}");
        let run = shop.run(&[&["-o", "json", "log"], flags].concat()).exits(0);
        assert_eq!(run.json().as_array().unwrap().len(), 1);
        let run = shop.run(&["-o", "json", "log"]).exits(0);
        assert_eq!(run.json(), serde_json::json!([]));
        let run = shop.run(&["-o", "json", "log", "plans/scale-web"]).exits(0);
        assert_eq!(run.json().as_array().unwrap().len(), 1);
        let unlock = ["ledger", "unlock", "00000000000000000000000000000000"];
        shop.run(&[&unlock[..], flags].concat()).exits(1).says(&["no target is locked"]);
        shop.run(&[&["log", "plans/scale-web"], flags].concat()).exits(64);
    }
}

#[test]
fn flags_that_name_no_target_are_refused() {
    let shop = Shop::new();
    for (flags, what) in [
        (&["--env", "nowhere"][..], "nowhere"),
        (&["--env", "prod", "--target", "nothing"], "nothing"),
        (&["--target", "nothing"], "nothing"),
    ] {
        for line in [&["ledger", "show"][..], &["ledger", "create"], &["log"]] {
            shop.run(&[line, flags].concat()).exits(1).says(&[what]);
        }
    }
}

#[test]
fn only_a_ledger_that_is_not_there_is_passed_over() {
    let digest = |shop: &Shop| shop.digest("scale-web");
    type Spoil<'a> = (&'a str, &'a dyn Fn(&Shop), i32);
    let spoils: [Spoil<'_>; 5] = [
        ("missing", &|shop| fs::remove_dir_all(shop.path("state/ledgers/shop")).unwrap(), 0),
        ("damaged", &|shop| shop.write("state/ledgers/shop/head.json", "{}\n"), 18),
        (
            "another's",
            &|shop| {
                let head = shop.text("state/ledgers/shop/head.json");
                shop.write("state/ledgers/shop/head.json", head.replace("shop", "pohs"));
            },
            18,
        ),
        (
            "open to others",
            &|shop| {
                let path = shop.path("state/ledgers/shop");
                fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
            },
            18,
        ),
        (
            "a link",
            &|shop| {
                fs::rename(shop.path("state/ledgers/shop"), shop.path("state/other")).unwrap();
                let link = shop.path("state/ledgers/shop");
                std::os::unix::fs::symlink(shop.path("state/other"), link).unwrap();
            },
            18,
        ),
    ];
    for (what, spoil, code) in spoils {
        let shop = Shop::approved();
        spoil(&shop);
        let run = shop.run(&VERIFY).exits(code);
        assert_eq!(run.stdout.contains("Not checked: whether approvals are spent"), code == 0);
        shop.run(&["status"]).exits(code);
        let line = ["approve", "plans/scale-web", "--digest", &digest(&shop)];
        shop.run(&line).exits(code);
        let run = shop.run(&APPLY).exits(18);
        assert!(run.stderr.contains("[ledger_unusable]"), "{what}: {run:#?}");
    }
}

#[test]
fn a_receipt_that_cannot_be_copied_is_a_warning_and_the_apply_a_success() {
    for to in ["no/such/folder/receipt", "manifests", "/dev/null", "/"] {
        let shop = Shop::approved();
        let line = [&APPLY[..], &["--receipt", to]].concat();
        let run = shop.run(&line).exits(0).says(&["warning: ", "is not written", "the receipt is"]);
        assert!(run.stdout.contains("Applied plans/scale-web"), "{to}: {run:#?}");
        let line = [&APPLY[..], &["-q", "-o", "json", "--receipt", to]].concat();
        let shop = Shop::approved();
        let run = shop.run(&line).exits(0).says(&["warning: "]);
        assert_eq!(run.json()["outcome"], "applied", "{to}");
    }
    let shop = Shop::approved();
    let line = [&APPLY[..], &["--receipt", "here.intoto.json"]].concat();
    let run = shop.run(&line).exits(0);
    assert_eq!(run.stderr, "");
    let kept = fs::read(shop.only("receipts", ".intoto.json")).unwrap();
    assert_eq!(fs::read(shop.path("shop/here.intoto.json")).unwrap(), kept);
}

#[test]
fn a_requester_who_is_nobody_is_refused_before_anything_is_read() {
    let shop = Shop::new();
    let line = ["plan", "-f", "nowhere.yaml", "--requested-by", "alicf"];
    shop.run(&line).exits(1).says(&[
        "alicf is nobody in trust.json version 1",
        "people there: alice",
        "countersign trust add alicf",
    ]);
    assert!(shop.names("shop/plans").is_empty());
}
