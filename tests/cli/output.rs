//! Colour, quiet, verbose, progress: what is shown to whom.

use std::fs;

use super::shop::Shop;

#[test]
fn colour_is_there_only_where_it_is_asked_for() {
    let shop = Shop::planned();
    let coloured = |arguments: &[&str], set: Option<&str>| {
        let mut command = shop.command(arguments);
        command.envs(set.map(|value| ("NO_COLOR", value)));
        shop.finish(arguments, command).exits(0).stdout.contains('\u{1b}')
    };
    let page = ["review", "plans/scale-web"];
    let with = |when: &'static str| ["review", "plans/scale-web", "--color", when];
    // Standard output is a pipe here; a terminal is tried in `terminal`.
    assert!(!coloured(&page, None));
    assert!(!coloured(&with("auto"), None));
    assert!(!coloured(&with("never"), None));
    assert!(coloured(&with("always"), None));
    assert!(coloured(&with("always"), Some("1")), "who asks by an option gets it");
    assert!(!coloured(&["review", "plans/scale-web", "-o", "json"], None));
}

#[test]
fn colour_repeats_what_the_words_say() {
    let shop = Shop::planned();
    let plain = shop.run(&["review", "plans/scale-web"]).stdout;
    let coloured = shop.run(&["review", "plans/scale-web", "--color", "always"]).stdout;
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn verbose_says_by_which_rule_each_change_has_its_class() {
    let shop = Shop::planned();
    let why = |run: &super::shop::Run| run.stdout.matches("    Why: MUTATING by rule ").count();
    let plain = shop.run(&["review", "plans/scale-web"]);
    let verbose = shop.run(&["review", "plans/scale-web", "-v"]);
    assert_eq!((why(&plain), why(&verbose)), (0, 2), "{}", verbose.stdout);
    let last = verbose.stdout.lines().last().unwrap();
    assert_eq!(last, format!("sha256 {}", shop.digest("scale-web")));
}

#[test]
fn quiet_leaves_out_notes_and_what_comes_next_and_no_failure() {
    let shop = Shop::new();
    let answer = super::shop::fixtures().join("proposals/scale-web.chat.md");
    let run = shop.run(&["-q", "plan", "-f", answer.to_str().unwrap()]).exits(0);
    assert_eq!(run.stderr, "");
    assert!(!run.stdout.contains("Next:"), "{}", run.stdout);
    let run = shop.run(&["-q", "status"]).exits(0);
    assert!(!run.stdout.contains("Next:"), "{}", run.stdout);
    shop.run(&["-q", "review", "plans/none"]).exits(1).says(&["Error: ", "[error]"]);
    // What is signed is read, whoever asked for quiet.
    let digest = shop.digest("scale-web");
    let line = ["-q", "-o", "json", "approve", "plans/scale-web", "--digest", &digest];
    shop.run(&line).exits(0).says(&["PLAN scale-web", "Deployment shop/web"]);
}

#[test]
fn long_work_says_what_it_does_and_short_work_does_not() {
    let shop = Shop::new();
    let many: String = (0..6_000)
        .map(|n| {
            format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: shop}}\ndata: {{a: \"{n}\"}}\n")
        })
        .collect();
    shop.write("shop/many.yaml", many);
    let line = ["plan", "-f", "many.yaml", "--name", "many"];
    let long = shop.run(&line).exits(0);
    assert!(long.stderr.lines().any(|line| line.ends_with(" ...")), "{}", long.stderr);
    // Every change is named: a long list is not cut.
    assert_eq!(long.stdout.matches("create   ConfigMap shop/c").count(), 6_000);
    fs::remove_dir_all(shop.path("shop/plans")).unwrap();
    let mut quiet = line.to_vec();
    quiet.push("-q");
    assert_eq!(shop.run(&quiet).exits(0).stderr, "");
    let short = shop.run(&["schema", "config"]).exits(0);
    assert_eq!(short.stderr, "");
}
