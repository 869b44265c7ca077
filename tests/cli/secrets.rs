//! A private key in a setting, in every spelling that is not read: refused, and no part of it in
//! what the program prints, which ends in the log of a pipeline.

use super::shop::{Run, Shop};
use crate::support::secret::{leaked, spellings};

fn with(shop: &Shop, variable: &str, value: &str, line: &[&str]) -> Run {
    let mut command = shop.command(line);
    command.env(variable, value);
    shop.finish(line, command)
}

/// The line is refused with each spelling of the key, and tells nothing of it.
fn refused(shop: &Shop, variable: &str, key: &str, line: &[&str]) {
    let text = shop.text(key);
    for output in ["text", "json"] {
        let line = [line, &["-v", "-o", output]].concat();
        for (what, value) in spellings(&text) {
            let run = with(shop, variable, &value, &line).exits(1);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert_eq!(leaked(&value, &said), None, "{what}: {said}");
            assert!(said.contains(variable), "{what}: {said}");
        }
    }
}

#[test]
fn the_planners_key_is_never_printed() {
    let shop = Shop::planned();
    let answer = super::shop::fixtures().join("proposals/scale-web.chat.md");
    let line = ["plan", "-f", answer.to_str().unwrap()];
    let before = shop.digest("scale-web");
    refused(&shop, "COUNTERSIGN_PLANNER_KEY", "state/keys/shop/planner", &line);
    assert_eq!(shop.digest("scale-web"), before);
    // As it is, and with what stores of secrets put in front.
    let text = shop.text("state/keys/shop/planner");
    for value in [text.clone(), format!("\n{text}"), format!("\u{feff}{text}")] {
        let run = with(&shop, "COUNTERSIGN_PLANNER_KEY", &value, &line).exits(0);
        assert_eq!(leaked(&value, &format!("{}{}", run.stdout, run.stderr)), None);
    }
}

#[test]
fn the_appliers_key_is_never_printed() {
    let shop = Shop::approved();
    let before = shop.text("shop/manifests/shop/web.yaml");
    let line = ["apply", "plans/scale-web", "--trusted", "."];
    refused(&shop, "COUNTERSIGN_APPLIER_KEY", "state/keys/shop/applier", &line);
    assert_eq!(shop.text("shop/manifests/shop/web.yaml"), before);
    let text = shop.text("state/keys/shop/applier");
    with(&shop, "COUNTERSIGN_APPLIER_KEY", &format!("\n{text}"), &line).exits(0);
}

#[test]
fn a_persons_key_in_place_of_its_path_is_never_printed() {
    let shop = Shop::planned();
    let digest = shop.digest("scale-web");
    let line = ["approve", "plans/scale-web", "--digest", &digest];
    refused(&shop, "COUNTERSIGN_KEY", "alice/.ssh/id_ed25519", &line);
    assert!(shop.names("shop/plans/scale-web/approvals").is_empty());
}

#[test]
fn a_setting_that_names_no_key_file_is_named_with_the_reason_and_without_its_value() {
    let shop = Shop::planned();
    let line = ["plan", "-f", "manifests", "--name", "again"];
    let nowhere = shop.path("no/such/file-of-a-key").display().to_string();
    let run = with(&shop, "COUNTERSIGN_PLANNER_KEY", &nowhere, &line).exits(1);
    assert_eq!(leaked(&nowhere, &run.stderr), None, "{run:#?}");
    run.says(&["COUNTERSIGN_PLANNER_KEY names", "No such file or directory"]);
}
