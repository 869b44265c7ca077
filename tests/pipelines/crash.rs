//! `apply --commit`, ended by SIGKILL at each of its steps, and gone on with from a fresh clone by a
//! machine that knows nothing of it: one commit in the end.

use countersign::clock::Instant;
use countersign::document::code::Code;

use super::world::{World, bash, end};
use crate::support::killed;

const CHILD: &str = "pipelines::crash::child_that_applies";

#[test]
#[ignore = "started by the test below"]
fn child_that_applies() {
    killed::watch_steps();
    let world = World::at(killed::folder());
    let line = ["apply", "plans/scale-web", "--trusted", ".", "--commit"];
    let (code, told) = world.in_process(&line, Instant::now);
    assert_eq!(code, Code::Ok, "{told}");
}

fn child(world: &World) -> std::process::Command {
    killed::child(CHILD, &world.path("."))
}

#[test]
fn an_apply_killed_at_any_step_is_ended_from_a_fresh_clone_with_one_commit() {
    let whole = World::new();
    whole.approved_on_main();
    let undisturbed = whole.again();
    let steps = killed::undisturbed(child(&undisturbed), &undisturbed.path("."));
    assert_eq!(undisturbed.applies().len(), 1);
    // Of what is written on this machine, each file once: a fresh clone sees nothing of it.
    let chosen =
        |(_, step): &(usize, &String)| step.starts_with("git ") || step.ends_with("rename");
    let chosen: Vec<usize> =
        steps.iter().enumerate().filter(chosen).map(|(at, _)| at + 1).collect();
    assert!(chosen.len() > 15, "{steps:?}");
    killed::side_by_side(chosen, |at| {
        let world = whole.again();
        if !killed::killed_if_reached(child(&world), at) {
            return;
        }
        let landed = world.applies().len();
        let before = world.head("main");
        let line = "set -e\n\
             git clone -q \"file://$HOME/../shop.git\" ../fresh && cd ../fresh\n\
             export COUNTERSIGN_APPLIER_KEY=~/.local/state/countersign/keys/shop/applier\n\
             export COUNTERSIGN_STATE=$(mktemp -d -p ~)\n\
             for i in $(seq 30); do\n\
               code=0\n\
               countersign apply plans/scale-web --trusted . --commit || code=$?\n\
               [ $code = 15 ] || exit $code\n\
               code=0\n\
               countersign apply plans/scale-web --trusted . --commit --resume || code=$?\n\
               [ $code = 15 ] || [ $code = 1 ] || exit $code\n\
               sleep 1\n\
             done; exit 15";
        let ended = end(bash(line, &world.path("alice/shop"), &world.path("alice")));
        let step = steps.get(at - 1);
        assert_eq!(ended.code, Some(if landed == 1 { 12 } else { 0 }), "{step:?}: {ended:#?}");
        assert_eq!(world.applies().len(), 1, "{step:?}");
        if landed == 0 {
            let head = world.head("main");
            assert_eq!(world.remote(&["rev-parse", &format!("{head}^")]), before);
            let files = world.remote(&["diff", "--name-only", &before, &head]);
            assert_eq!(files.lines().count(), 3, "{files}");
            let fresh =
                bash("git status --porcelain", &world.path("alice/fresh"), &world.path("alice"));
            assert_eq!(end(fresh).exits(0).stdout, "");
        }
    });
}
