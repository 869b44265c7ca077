//! What is said of a ledger in a branch to whoever finds it locked, gone, or to be something else.

use super::world::{Ended, World, bash, end};

/// A line in alice's clone, on a machine that has seen nothing yet.
fn fresh(world: &World, line: &str) -> Ended {
    let state = tempfile::tempdir().unwrap();
    let mut command = bash(line, &world.path("alice/shop"), &world.path("alice"));
    command.env("COUNTERSIGN_STATE", state.path());
    command.env("COUNTERSIGN_APPLIER_KEY", world.machine("applier"));
    end(command)
}

#[test]
fn a_lock_is_shown_with_its_holder_and_lease() {
    let world = World::new();
    world.approved_on_main();
    world.dies_at("pre-receive", "Record");
    let line = "countersign apply plans/scale-web --trusted . --commit; exit $?";
    fresh(&world, line).exits(137);
    let shown = fresh(&world, "countersign ledger show").exits(0).stdout;
    for words in [
        "LOCKED prod/manifests by applier on ",
        "    renewed 20",
        "; a holder that lives renews within 12 s\n",
    ] {
        assert!(shown.contains(words), "no {words:?} in {shown}");
    }
}

#[test]
fn a_ledger_that_is_gone_is_not_made_anew_without_a_word() {
    let world = World::new();
    world.approved_on_main();
    world.remote(&["update-ref", "-d", "refs/heads/countersign-ledger"]);
    let line = "countersign apply plans/scale-web --trusted .";
    fresh(&world, line)
        .exits(18)
        .says("restore it: in an empty one, approvals that were spent count");
    fresh(&world, "countersign verify plans/scale-web --trusted .").exits(18).says("restore it");
}

#[test]
fn no_hint_about_a_branch_speaks_of_a_folder_alone() {
    let world = World::new();
    let show = "countersign ledger show";
    let other = "sed -i 's/^name = .*/name = \"other\"/' countersign.toml";
    fresh(&world, &format!("{other} && {show}"))
        .exits(18)
        .says("another place in countersign.toml");
    world.alice("git checkout -q countersign.toml");
    world.remote(&["update-ref", "refs/heads/countersign-ledger", "refs/heads/main"]);
    fresh(&world, show).exits(18).says("it is no ledger").says("reach, read and write it");
}
