//! A symlink at every place where the program reads or writes: refused, named, nothing followed
//! and nothing written behind it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::shop::Shop;

/// Moves what is there out of the world's way, and puts a symlink to it in its place.
fn linked(shop: &Shop, place: &str) {
    let real = shop.path("elsewhere").join(place.replace('/', "-"));
    fs::create_dir_all(real.parent().unwrap()).unwrap();
    fs::rename(shop.path(place), &real).unwrap();
    symlink(&real, shop.path(place)).unwrap();
}

/// Every file beneath a folder with its bytes, and every symlink with what it names.
fn everything(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = path.display().to_string();
        if kind.is_symlink() {
            found.push((name, fs::read_link(&path).unwrap().display().to_string().into_bytes()));
        } else if kind.is_dir() {
            everything(&path, found);
        } else {
            found.push((name, fs::read(&path).unwrap()));
        }
    }
}

const APPLY: &[&str] = &["apply", "plans/scale-web", "--trusted", "."];
const VERIFY: &[&str] = &["verify", "plans/scale-web", "--trusted", "."];
const REVIEW: &[&str] = &["review", "plans/scale-web"];
const STATUS: &[&str] = &["status"];
const PLAN: &[&str] = &["plan", "-f", "change.yaml", "--name", "scale-web"];
const REJECT: &[&str] = &["reject", "plans/scale-web", "--reason", "no"];

#[test]
fn a_symlink_is_refused_wherever_something_is_read_or_written() {
    // Live files that are symlinks now are no longer what was planned: apply says 13.
    let places: &[(&str, &[&[&str]], i32)] = &[
        ("shop/plans", &[STATUS, PLAN], 1),
        ("shop/plans/scale-web", &[REVIEW, VERIFY, APPLY, PLAN, REJECT], 1),
        ("shop/plans/scale-web/plan.json", &[REVIEW, VERIFY, APPLY, PLAN, REJECT], 1),
        ("shop/plans/scale-web/planner.intoto.json", &[VERIFY, APPLY], 1),
        ("shop/plans/scale-web/approvals", &[VERIFY, APPLY, PLAN, REJECT], 1),
        ("shop/countersign.toml", &[STATUS, VERIFY, APPLY, PLAN], 17),
        ("shop/trust.json", &[STATUS, VERIFY, APPLY, &["trust", "renew"]], 17),
        ("shop/policies", &[STATUS, VERIFY, APPLY], 17),
        ("shop/policies/replicas.rego", &[STATUS, VERIFY, APPLY], 1),
        ("shop/manifests", &[PLAN], 1),
        ("shop/manifests", &[APPLY], 13),
        ("shop/manifests/shop", &[PLAN], 1),
        ("shop/manifests/shop", &[APPLY], 13),
        ("shop/manifests/shop/web.yaml", &[PLAN], 1),
        ("shop/manifests/shop/web.yaml", &[APPLY], 13),
        ("shop/manifests/shop/config.yaml", &[PLAN], 1),
        ("shop/manifests/shop/config.yaml", &[APPLY], 13),
        ("shop/change.yaml", &[PLAN], 1),
        ("state", &[PLAN], 1),
        ("state", &[APPLY, &["ledger", "show"]], 18),
        ("state/keys/shop/planner", &[PLAN], 1),
        ("state/keys/shop/applier", &[APPLY], 1),
        ("state/ledgers/shop", &[APPLY, &["ledger", "show"], &["ledger", "create"]], 18),
        ("alice/.ssh/id_ed25519", &[REJECT], 1),
    ];
    let shop = Shop::approved();
    let web = shop.text("shop/manifests/shop/web.yaml").replace("replicas: 3", "replicas: 7");
    shop.write("shop/change.yaml", web);
    for (place, lines, code) in places {
        linked(&shop, place);
        let name = place.rsplit('/').next().unwrap();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        // The ledger may take notes of its own: it is no place behind the symlink.
        for part in ["shop", "elsewhere", "alice", "state/keys"] {
            everything(&shop.path(part), &mut before);
        }
        for line in *lines {
            let run = shop.run(line);
            let told = format!("{place}: {run:#?}");
            assert_eq!(run.code, Some(*code), "{told}");
            assert!(run.stderr.contains("symlink") && run.stderr.contains(name), "{told}");
        }
        for part in ["shop", "elsewhere", "alice", "state/keys"] {
            everything(&shop.path(part), &mut after);
        }
        before.sort();
        after.sort();
        assert!(before == after, "something was written with a symlink at {place}");
        let real = fs::read_link(shop.path(place)).unwrap();
        fs::remove_file(shop.path(place)).unwrap();
        fs::rename(real, shop.path(place)).unwrap();
    }
    // And without symlinks all of it works.
    shop.run(APPLY).exits(0);
}

#[test]
fn a_symlink_that_an_option_names_is_refused() {
    let shop = Shop::planned();
    let digest = shop.digest("scale-web");
    shop.key("keys", "bob", 2);
    shop.write("shop/prompt.txt", "the prompt");
    shop.write("shop/r.json", "precious");
    let web = shop.text("shop/manifests/shop/web.yaml").replace("replicas: 3", "replicas: 7");
    shop.write("more/change.yaml", web);
    shop.approve().exits(0);
    fs::create_dir(shop.path("shop/more-approvals")).unwrap();
    for place in ["keys/bob", "keys/bob.pub", "shop/prompt.txt", "more", "shop/more-approvals"] {
        linked(&shop, place);
    }
    let plan = ["plan", "-f", "../more", "--name", "more"];
    for (line, name) in [
        (&plan[..], "more"),
        (
            &["plan", "-f", "manifests/shop/web.yaml", "--name", "x", "--prompt", "prompt.txt"],
            "prompt.txt",
        ),
        (&["approve", "plans/scale-web", "--key", "../keys/bob", "--digest", &digest], "bob"),
        (&["trust", "add", "bob", "--key", "../keys/bob.pub", "--role", "approver"], "bob.pub"),
        (
            &["verify", "plans/scale-web", "--trusted", ".", "--approvals", "more-approvals"],
            "more-approvals",
        ),
    ] {
        // A prompt is only read where there is a plan to speak of.
        if name == "prompt.txt" {
            shop.write(
                "shop/other.yaml",
                shop.text("shop/manifests/shop/api.yaml").replace("replicas: 2", "replicas: 4"),
            );
            let line = ["plan", "-f", "other.yaml", "--name", "x", "--prompt", "prompt.txt"];
            shop.run(&line).exits(1).says(&["symlink", name]);
            assert!(!shop.path("shop/plans/x").exists());
            continue;
        }
        shop.run(line).exits(1).says(&["symlink", name]);
    }
    // A receipt that is to be copied over a symlink: what it names stays.
    linked(&shop, "shop/r.json");
    shop.run(&[APPLY, &["--receipt", "r.json"]].concat());
    assert_eq!(shop.text("elsewhere/shop-r.json"), "precious");
}

#[test]
fn receipts_behind_a_symlink_stay_in_the_ledger_alone() {
    let shop = Shop::approved();
    fs::create_dir(shop.path("outside")).unwrap();
    symlink(shop.path("outside"), shop.path("shop/plans/scale-web/receipts")).unwrap();
    let run = shop.run(APPLY).exits(0).says(&["receipts is a symlink"]);
    assert!(run.stdout.contains("Receipt: the ledger"), "{run:#?}");
    assert!(shop.names("outside").is_empty());
    assert_eq!(shop.run(&["log", "-o", "json"]).exits(0).json().as_array().unwrap().len(), 1);
}

#[test]
fn init_writes_through_no_symlink() {
    for (place, folder) in [
        ("shop/countersign.toml", false),
        ("shop/trust.json", false),
        ("shop/.gitattributes", false),
        ("shop/policies", true),
        ("state", true),
    ] {
        let shop = Shop::bare();
        let target = shop.path("outside");
        match folder {
            true => fs::create_dir(&target).unwrap(),
            false => fs::write(&target, "precious").unwrap(),
        }
        symlink(&target, shop.path(place)).unwrap();
        let run = shop.run(&["init"]);
        assert!(run.code == Some(1), "{place}: {run:#?}");
        assert!(run.stderr.contains(place.rsplit('/').next().unwrap()), "{place}: {run:#?}");
        match folder {
            true => assert!(shop.names("outside").is_empty(), "{place}"),
            false => assert_eq!(shop.text("outside"), "precious"),
        }
        let toml = fs::symlink_metadata(shop.path("shop/countersign.toml"));
        assert!(!toml.is_ok_and(|found| found.is_file()), "{place}: half a project");
    }
}

#[test]
fn a_file_that_is_none_is_refused_at_once() {
    let shop = Shop::new();
    let pipe = shop.path("shop/pipe.yaml");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let line = ["plan", "-f", "pipe.yaml", "--name", "x"];
    shop.run(&line).exits(1).says(&["pipe.yaml is a device, pipe or socket"]);
    let line = ["plan", "-f", "/dev/zero", "--name", "x"];
    shop.run(&line).exits(1).says(&["/dev/zero is a device, pipe or socket"]);
}
