//! The way of a change through both pipelines: proposed, planned, approved, merged, applied once.

use super::runner::{Event, Service, run};
use super::world::{BRANCH, World};
use crate::support::killed::side_by_side;

const SERVICES: [Service; 2] = [Service::GitHub, Service::GitLab];

/// A request that was planned and approved, and is merged.
fn merged(service: Service) -> (World, Event) {
    let world = World::new();
    world.requested();
    run(&world, service, "plan", &Event::Request, "plan").exits(0);
    world.approved_by("bob");
    world.approved_by("carol");
    let (before, after) = world.merged();
    (world, Event::Push { before, after })
}

#[test]
fn a_proposal_is_planned_approved_merged_and_applied_once() {
    for service in SERVICES {
        let world = World::new();
        let head = world.requested();
        run(&world, service, "verify", &Event::Request, "verify-0").exits(0);
        run(&world, service, "plan", &Event::Request, "plan-1").exits(0);
        let planned = world.head(BRANCH);
        assert_eq!(world.remote(&["rev-parse", &format!("{planned}^")]), head);
        let files = world.remote(&["diff", "--name-only", &head, &planned]);
        let plan = ["plans/scale-web/plan.json", "plans/scale-web/planner.intoto.json"];
        assert_eq!(files.lines().collect::<Vec<_>>(), plan);
        run(&world, service, "verify", &Event::Request, "verify-1").exits(11).says("bob");

        world.approved_by("bob");
        world.approved_by("carol");
        let approved = world.head(BRANCH);
        // A plan that comes out the same again is left alone, so the approvals count.
        run(&world, service, "plan", &Event::Request, "plan-2").exits(0).says("Nothing to plan");
        assert_eq!(world.head(BRANCH), approved);
        run(&world, service, "verify", &Event::Request, "verify-2").exits(0);

        let (before, after) = world.merged();
        let event = Event::Push { before, after: after.clone() };
        run(&world, service, "apply", &event, "apply-1").exits(0).says("Applied plans/scale-web");
        let applied = world.head("main");
        assert_eq!(world.applies(), std::slice::from_ref(&applied));
        assert_eq!(world.remote(&["rev-parse", &format!("{applied}^")]), after);
        let files = world.remote(&["diff", "--name-only", &after, &applied]);
        let files: Vec<_> = files.lines().collect();
        assert_eq!(files.len(), 3, "{files:?}");
        assert_eq!(files[..2], ["manifests/shop/config.yaml", "manifests/shop/web.yaml"]);
        assert!(files[2].starts_with("plans/scale-web/receipts/"), "{files:?}");
        let web = world.remote(&["show", &format!("{applied}:manifests/shop/web.yaml")]);
        assert!(web.contains("replicas: 5"));

        // The job run again: the approvals are spent, and nothing is changed.
        let refs = world.remote(&["for-each-ref"]);
        run(&world, service, "apply", &event, "apply-2").exits(12).says("spent");
        assert_eq!(world.remote(&["for-each-ref"]), refs);
    }
}

#[test]
fn no_plan_of_a_push_waits_for_another_one() {
    for service in SERVICES {
        let world = World::new();
        world.requested();
        world.alice(
            "cat > proposals/extra.yaml <<'END'\n\
             apiVersion: countersign/v1\n\
             kind: Proposal\n\
             name: extra\n\
             environment: prod\n\
             target: manifests\n\
             intent: {request: more, summary: more}\n\
             operations:\n\
             - apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: extra, namespace: shop}, data: {a: b}}\n\
             END\n\
             git add proposals && git commit -qm 'More' && git push -q origin HEAD",
        );
        run(&world, service, "plan", &Event::Request, "plan").exits(0);
        world.approved_by("bob");
        world.approved_by("carol");
        let (before, after) = world.merged();
        let event = Event::Push { before, after };
        // The first one lacks its approvals; the second one is applied all the same.
        run(&world, service, "apply", &event, "apply-1").exits(11).says("Applied plans/scale-web");
        for person in ["bob", "carol"] {
            world.approved(person, "main", "extra");
        }
        // And what was applied is in nobody's way when the job runs again.
        run(&world, service, "apply", &event, "apply-2").exits(12).says("Applied plans/extra");
        assert_eq!(world.applies().len(), 2);
    }
}

#[test]
fn a_review_is_shown_where_the_service_shows_it() {
    for (service, file) in
        [(Service::GitHub, "summary.md"), (Service::GitLab, "work/shop/review.md")]
    {
        let world = World::new();
        world.requested();
        run(&world, service, "plan", &Event::Request, "plan").exits(0);
        let shown = std::fs::read_to_string(world.path("runners/plan").join(file)).unwrap();
        assert!(shown.contains("scale-web") && shown.contains("replicas"), "{shown}");
    }
}

#[test]
fn of_two_runners_at_once_one_applies() {
    for service in SERVICES {
        let (world, event) = merged(service);
        let mut codes: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = ["one", "two"]
                .map(|name| {
                    let (world, event) = (&world, &event);
                    scope.spawn(move || run(world, service, "apply", event, name))
                })
                .into_iter()
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        codes.sort_by_key(|ended| ended.code);
        let [first, second] = codes.as_slice() else { panic!() };
        assert_eq!((first.code, second.code), (Some(0), Some(12)), "{codes:#?}");
        assert_eq!(world.applies().len(), 1);
    }
}

#[test]
fn a_runner_that_dies_at_any_push_is_followed_by_a_run_that_ends_its_work() {
    let whole = SERVICES.map(|service| (service, merged(service)));
    let hooks = ["pre-receive", "post-receive"];
    let cases = whole.iter().flat_map(|case| hooks.map(|hook| (case, hook)));
    let words = ["Lock", "Spend", "Record"];
    let cases = cases.flat_map(|(case, hook)| words.map(|word| (case, hook, word)));
    side_by_side(cases.collect::<Vec<_>>(), |((service, (world, event)), hook, word)| {
        let world = world.again();
        world.dies_at(hook, word);
        let died = run(&world, *service, "apply", event, "dies");
        assert_eq!(died.code, Some(137), "{word}: {died:#?}");
        let landed = world.applies().len();
        assert_eq!(landed, usize::from((hook, word) == ("post-receive", "Record")));
        let again = run(&world, *service, "apply", event, "again");
        again.exits(if landed == 1 { 12 } else { 0 });
        assert_eq!(world.applies().len(), 1, "{hook}: {word}");
    });
}

#[test]
fn a_request_does_not_bring_its_own_rules() {
    for service in SERVICES {
        let world = World::new();
        world.requested();
        run(&world, service, "plan", &Event::Request, "plan").exits(0);
        world.alice(&format!(
            "git pull -q --ff-only origin '{BRANCH}'\n\
             countersign -q trust quorum prod --require approver=1\n\
             printf '#!/bin/bash\\nexit 0\\n' > ci/countersign\n\
             git add -A && git commit -qm 'Make it easy' && git push -q origin HEAD"
        ));
        world.approved_by("bob");
        // Bob's approval goes by the request's own trust.json, which counts nowhere yet.
        run(&world, service, "verify", &Event::Request, "verify").exits(12);
        let (before, after) = world.merged();
        let event = Event::Push { before, after: after.clone() };
        run(&world, service, "apply", &event, "apply").exits(12);
        assert_eq!(world.head("main"), after);
    }
}

#[test]
fn a_change_beside_the_plans_does_not_pass() {
    for service in SERVICES {
        let world = World::new();
        world.requested();
        world.alice(
            "sed -i 's/replicas: 3/replicas: 9/' manifests/shop/web.yaml\n\
             git commit -qam 'By hand' && git push -q origin HEAD",
        );
        run(&world, service, "verify", &Event::Request, "verify")
            .exits(1)
            .says("propose the change");
    }
}
