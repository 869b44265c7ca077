//! What a person sees of ordinary plans.

use countersign::document::ident::Digest;
use countersign::document::plan::PlanDocument;
use countersign::document::statement::{ApprovalId, Fate, Outcome, Receipt, ReceiptItem};
use countersign::review::log::{Entry, Link};
use countersign::review::standing::SetAside;
use countersign::review::{self, Page, StandingView, Style};
use insta::assert_snapshot;
use serde_json::json;

use super::plans::{
    DROP_PG_SAYS, change, directory, drop_pg, judgements, label, standing, verdict,
};

fn page<'a>(plan: &'a PlanDocument) -> Page<'a> {
    Page {
        plan,
        digest: Digest::of(b"plan"),
        judgements: &[],
        verdict: None,
        standing: None,
        place: None,
        notes: &[],
    }
}

fn text(page: &Page<'_>) -> String {
    review::terminal(page, Style::default()).text
}

#[test]
fn a_plan_that_is_blocked_and_denied() {
    let plan = drop_pg();
    let judgements = judgements(&plan, &DROP_PG_SAYS);
    let verdict = verdict(
        json!([{"rule": "data.pvc_needs_snapshot", "message": "no snapshot of pg-data is known",
                "change": "/PersistentVolumeClaim/shop/pg-data", "file": "policies/data.rego", "line": 14}]),
        json!([{"rule": "images.pinned", "message": "", "change": "apps/Deployment/shop/web",
                "file": "builtin/images.rego", "line": 9}]),
        json!([{"role": "dba", "count": 1, "finding":
                {"rule": "data.loss_needs_dba", "message": "data may be lost", "change": "",
                 "file": "builtin/data.rego", "line": 30}}]),
    );
    let standing = standing();
    let view = StandingView { standing: &standing, expires: None, set_aside: &[] };
    let page = Page {
        judgements: &judgements,
        verdict: Some(&verdict),
        standing: Some(&view),
        place: Some("plans/drop-pg"),
        ..page(&plan)
    };
    assert_snapshot!(text(&page));
    assert_snapshot!("a_plan_that_is_blocked_and_denied_markdown", review::markdown(&[page]));
    assert_snapshot!(
        "a_plan_that_is_blocked_and_denied_json",
        review::neutral::json(&review::json(&page))
    );
}

/// Two more replicas, as a person sees it at each step.
fn scale_web() -> PlanDocument {
    let web = |replicas: u32| json!({"spec": {"replicas": replicas}});
    let before = "kind: Deployment\nspec:\n  replicas: 3\n";
    let files =
        [json!({"path": "shop/web.yaml", "before": before, "after": before.replace('3', "5")})];
    let web = change("apps/Deployment/shop/web", json!(["update"]), "mutating", web(3), web(5));
    serde_json::from_value(directory("scale-web", &[web], &files)).unwrap()
}

#[test]
fn a_plan_that_waits_for_an_approval() {
    let plan = scale_web();
    let verdict = verdict(json!([]), json!([]), json!([]));
    let standing = standing();
    let aside = [SetAside {
        file: "approvals/mallory-7.intoto.json".to_owned(),
        because: "signed by a key nobody enrolled".to_owned(),
    }];
    let view = StandingView {
        standing: &standing,
        expires: Some("2026-01-31T14:00:00Z".parse().unwrap()),
        set_aside: &aside,
    };
    let notes = ["Planned again with another digest: 1 earlier approval is dropped.".to_owned()];
    let page = Page {
        verdict: Some(&verdict),
        standing: Some(&view),
        place: Some("plans/scale-web"),
        notes: &notes,
        ..page(&plan)
    };
    assert_snapshot!(text(&page));
    assert_snapshot!(
        "a_plan_that_waits_for_an_approval_status",
        review::status(&page, Style::default())
    );
}

#[test]
fn a_plan_that_is_approved_or_rejected_says_what_comes_next() {
    let plan = scale_web();
    let mut standing = standing();
    standing.missing.clear();
    for (rejected, state, next) in [
        (vec![], " APPROVED\n", "Next: `countersign apply plans/x`\n"),
        (vec![label("bob")], " REJECTED\n", "Next: talk to whoever rejected it"),
    ] {
        standing.rejected = rejected;
        let view = StandingView { standing: &standing, expires: None, set_aside: &[] };
        let page = Page { standing: Some(&view), place: Some("plans/x"), ..page(&plan) };
        let text = text(&page);
        assert!(text.contains(state) && text.contains(next), "{text}");
    }
}

#[test]
fn the_part_about_the_plan_is_the_same_whatever_stands_beside_it() {
    let plan = scale_web();
    let alone = text(&page(&plan));
    let standing = standing();
    let view = StandingView { standing: &standing, expires: None, set_aside: &[] };
    let beside = text(&Page { standing: Some(&view), ..page(&plan) });
    let body = |text: &str| {
        let body = text.split("Beside the plan").next().unwrap().trim_end().to_owned();
        body.lines().skip(1).filter(|l| !l.starts_with("sha256")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(body(&alone).trim_end(), body(&beside).trim_end());
}

#[test]
fn the_digest_is_the_last_line_and_no_line_is_wider_than_the_page() {
    let plan = drop_pg();
    for width in [60, 80, 120] {
        let style = Style { width, ..Style::default() };
        let text = review::terminal(&page(&plan), style).text;
        let last = format!("sha256 {}", Digest::of(b"plan"));
        assert_eq!(text.lines().last(), Some(last.as_str()));
        for line in text.lines().filter(|line| !line.starts_with("sha256")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn the_gravest_changes_are_named_once_more() {
    let plan = drop_pg();
    let judgements = judgements(&plan, &DROP_PG_SAYS);
    let page = Page { judgements: &judgements, ..page(&plan) };
    assert_eq!(
        review::gravest(&page, Style::default()),
        "[1] DATA-LOSS   delete   PersistentVolumeClaim shop/pg-data\n    \
         the volume may be deleted with its claim (not certain)\n\
         [2] OUTAGE      replace  Deployment shop/api                             BLOCKED\n"
    );
    let plan = scale_web();
    assert_eq!(review::gravest(&Page { plan: &plan, ..page }, Style::default()), "");
}

#[test]
fn colour_says_nothing_that_words_do_not() {
    let plan = drop_pg();
    let coloured = review::terminal(&page(&plan), Style { colour: true, ..Style::default() }).text;
    assert!(coloured.contains("\u{1b}[1;31mDATA-LOSS\u{1b}[0m"));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, text(&page(&plan)));
}

#[test]
fn changes_are_shown_the_most_dangerous_first() {
    let all = ["none", "additive", "mutating", "disruptive", "outage", "data-loss"];
    let changes: Vec<_> = all
        .iter()
        .map(|class| {
            change(
                &format!("/ConfigMap/shop/{class}"),
                json!(["update"]),
                class,
                json!({}),
                json!({}),
            )
        })
        .collect();
    let plan: PlanDocument = serde_json::from_value(directory("x", &changes, &[])).unwrap();
    let text = text(&page(&plan));
    let classes: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with('['))
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(classes, ["DATA-LOSS", "OUTAGE", "DISRUPTIVE", "MUTATING", "ADDITIVE", "NONE"]);
}

#[test]
fn a_page_without_its_texts_is_not_whole() {
    let plan = scale_web();
    let rendered = review::terminal(&page(&plan), Style { texts: false, ..Style::default() });
    assert!(!rendered.whole && rendered.text.contains("1 text are not shown"), "{}", rendered.text);
    assert!(review::terminal(&page(&plan), Style::default()).whole);
}

#[test]
fn an_object_of_a_cluster_is_shown_as_yaml() {
    let mut plan = serde_json::to_value(scale_web()).unwrap();
    plan["effect"]["target"] = json!({"kind": "kubernetes", "caSpki": "", "namespaces": {},
        "clusterUid": "7c1e52aa-0000-4000-8000-000000000000"});
    plan["effect"]["files"] = json!([]);
    let change = &mut plan["effect"]["changes"][0];
    change["preview"]["state"] = json!("server");
    change["unknown"] = json!(["/metadata/generation"]);
    change["force"] = json!([{"path": "/spec/replicas", "manager": "kubectl-edit"}]);
    change["warnings"] = json!(["spec.old is deprecated"]);
    change["flags"] = json!(["identity", "unpinned-image"]);
    let plan: PlanDocument = serde_json::from_value(plan).unwrap();
    assert_snapshot!(text(&page(&plan)));
}

#[test]
fn several_plans_are_one_markdown_document() {
    let (one, two) = (scale_web(), drop_pg());
    let text = review::markdown(&[page(&one), page(&two)]);
    assert!(text.starts_with("# 2 plans\n"));
    assert_eq!(text.matches("\n## Plan ").count(), 2);
    assert_eq!(text.matches("`sha256 ").count(), 2);
}

#[test]
fn receipts_are_a_chain_that_holds_or_does_not() {
    let item = |item: &str, fate, because: &str| ReceiptItem {
        item: item.to_owned(),
        fate,
        digest: String::new(),
        because: because.to_owned(),
    };
    let applied = Receipt {
        principal: label("applier"),
        apply_id: ApprovalId::from_random([1; 16]),
        outcome: Outcome::Applied,
        started_at: "2026-01-31T09:00:00Z".parse().unwrap(),
        finished_at: "2026-01-31T09:00:02Z".parse().unwrap(),
        generator: "countersign 0.1.0".to_owned(),
        environment: label("prod"),
        target: label("manifests"),
        policy_digest: Digest::of(b"policy"),
        trust_version: "7".to_owned(),
        approvals: vec![ApprovalId::from_random([2; 16])],
        items: vec![item("shop/web.yaml", Fate::Written, "")],
        previous: String::new(),
        reason: String::new(),
    };
    let mut partial = applied.clone();
    partial.outcome = Outcome::Partial;
    partial.items.push(item("shop/api.yaml", Fate::Failed, "no space left on device"));
    partial.items.push(item("shop/db.yaml", Fate::NotWritten, ""));
    let entry =
        |receipt, link| Entry { name: "scale-web", plan: Digest::of(b"plan"), receipt, link };
    let good = [entry(&applied, Link::First), entry(&partial, Link::Follows)];
    assert_snapshot!(review::receipts(&good, Style::default()));
    let bad =
        [entry(&applied, Link::Broken("it names another receipt as the one before it".to_owned()))];
    assert_snapshot!("a_chain_that_is_broken", review::receipts(&bad, Style::default()));
    assert_eq!(review::receipts(&[], Style::default()), "No receipts.\n");
}

#[test]
fn ten_thousand_changes_are_shown_in_seconds() {
    let object = |n: usize| json!({"spec": {"replicas": n, "image": format!("web:{n}")}});
    let build = |count: usize| -> PlanDocument {
        let id = |n: usize| format!("apps/Deployment/shop/web-{n:05}");
        let changes: Vec<_> = (0..count)
            .map(|n| change(&id(n), json!(["update"]), "disruptive", object(n), object(n + 1)))
            .collect();
        let files: Vec<_> = (0..count)
            .map(|n| json!({"path": format!("{n:05}.yaml"), "before": format!("a: {n}\n"), "after": "b: 1\n"}))
            .collect();
        serde_json::from_value(directory("big", &changes, &files)).unwrap()
    };
    let plan = build(10_000);
    let start = std::time::Instant::now();
    assert!(text(&page(&plan)).contains("\n[10000] DISRUPTIVE"));
    assert!(review::markdown(&[page(&plan)]).contains("- [10000] "));
    assert_eq!(review::json(&page(&plan))["changes"].as_array().unwrap().len(), 10_000);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
