//! Help is what a person reads first: every command has it, with one real example.

use insta::assert_snapshot;

use super::shop::Shop;

const COMMANDS: [&str; 28] = [
    "init",
    "plan",
    "review",
    "policy",
    "policy check",
    "policy test",
    "policy digest",
    "status",
    "approve",
    "reject",
    "verify",
    "apply",
    "log",
    "trust",
    "trust show",
    "trust check",
    "trust whoami",
    "trust add",
    "trust remove",
    "trust revoke",
    "trust quorum",
    "trust renew",
    "ledger",
    "ledger create",
    "ledger show",
    "ledger unlock",
    "schema",
    "demo",
];

#[test]
fn every_command_shows_one_real_example() {
    let shop = Shop::bare();
    for command in COMMANDS.iter().chain(&["completion"]) {
        let mut line: Vec<&str> = command.split(' ').collect();
        line.push("--help");
        let run = shop.run(&line).exits(0);
        assert_eq!(run.stderr, "", "{command}");
        // A family has its examples in its commands.
        if !matches!(*command, "policy" | "trust" | "ledger") {
            let example = format!("Example: countersign {command}");
            assert!(run.stdout.contains(&example), "{command}: {}", run.stdout);
        }
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "{command}");
    }
}

#[test]
fn the_help_of_the_program_names_every_command_and_every_variable() {
    let shop = Shop::bare();
    shop.run(&["--help"]).exits(0);
    assert_snapshot!(shop.told());
    let long = shop.run(&["help"]).exits(0).stdout;
    for variable in [
        "COUNTERSIGN_KEY",
        "COUNTERSIGN_PLANNER_KEY",
        "COUNTERSIGN_APPLIER_KEY",
        "COUNTERSIGN_STATE",
        "SSH_AUTH_SOCK",
        "NO_COLOR",
    ] {
        assert!(long.contains(variable), "{variable}");
    }
    for command in COMMANDS.iter().filter(|command| !command.contains(' ')) {
        assert!(long.contains(&format!("\n  {command} ")), "{command}");
    }
}

#[test]
fn the_version_is_one_line() {
    let shop = Shop::bare();
    let run = shop.run(&["--version"]).exits(0);
    assert_eq!(run.stdout, format!("countersign {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_line_says_what_is_wrong_and_where_help_is() {
    let shop = Shop::bare();
    for line in [
        &[][..],
        &["frob"],
        &["plan"],
        &["plan", "-f", "x", "--nam", "x"],
        &["plan", "-f", "x", "--name", "Bad_Name"],
        &["status", "--state", "redy"],
        &["approve", "p", "--digest", "abc"],
        &["approve", "p", "--expires-in", "8 hours"],
        &["approve", "p", "--acknowledge", "everything"],
        &["reject", "p"],
        &["apply", "p", "--abandon"],
        &["apply", "p", "--resume", "--abandon", "--reason", "x"],
        &["trust", "add", "bob"],
        &["trust", "add", "bot", "--key", "k.pub", "--role", "planner", "--machine"],
        &["trust", "quorum", "prod", "--require", "approver"],
        &["trust", "revoke", "x"],
        &["ledger", "unlock", "x"],
        &["schema", "trust"],
        &["completion", "tcsh"],
        &["status", "-o", "markdown"],
        &["demo", "-o", "json"],
        &["status", "-o", "yaml"],
        &["status", "--color", "sometimes"],
    ] {
        shop.run(line).exits(64);
    }
    assert_snapshot!(shop.told());
}
