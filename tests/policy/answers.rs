//! What a rule may answer, and what happens to anything else.

use super::{problems_of, verdict_of};

#[test]
fn a_text_and_an_object_with_a_message_are_findings() {
    let rules = r#"package data.pvc
deny contains "plain" if true

deny contains {"id": "named", "msg": "about web", "change": c.id} if some c in input.effect.changes

warn contains {"msg": "only a warning"} if true

require_approval contains {"msg": "two of them", "role": "dba", "count": 2} if true
"#;
    let verdict = verdict_of(&[("a/b.rego", rules)]).unwrap();
    let lines: Vec<String> = verdict
        .deny
        .iter()
        .map(|f| format!("{} {}:{} [{}] {}", f.rule, f.file, f.line, f.change, f.message))
        .collect();
    assert_eq!(
        lines,
        [
            "data.pvc p/a/b.rego:2 [] plain",
            "data.pvc.named p/a/b.rego:4 [apps/Deployment/shop/web] about web",
        ]
    );
    assert_eq!(verdict.warn[0].message, "only a warning");
    assert_eq!(verdict.warn[0].line, 6);
    let raise = &verdict.require_approval[0];
    assert_eq!((raise.role.as_str(), raise.count, raise.finding.line), ("dba", 2, 8));
    assert_eq!(verdict.rules, 4);
    assert!(!verdict.passes());
}

#[test]
fn a_plan_that_no_rule_minds_passes() {
    let rules = "package main\ndeny contains \"x\" if input.effect.impact.delete > 0\n";
    let verdict = verdict_of(&[("main.rego", rules)]).unwrap();
    assert!(verdict.passes() && verdict.warn.is_empty() && verdict.rules == 1);
}

#[test]
fn an_answer_of_another_shape_is_an_error_that_names_the_rule() {
    for (kind, answer, says) in [
        ("deny", "true", "neither a text nor an object"),
        ("deny", "5", "neither a text nor an object"),
        ("deny", "null", "neither a text nor an object"),
        ("deny", "[[]]", "neither a text nor an object"),
        ("deny", "{\"a\"}", "neither a text nor an object"),
        ("deny", "\"\"", "missing or empty"),
        ("deny", "\" \\n\"", "missing or empty"),
        ("deny", "{}", "missing or empty"),
        ("deny", "{\"message\": \"x\"}", "\"message\""),
        ("deny", "{\"msg\": 5}", "`msg` is no text"),
        ("deny", "{\"msg\": \"\"}", "missing or empty"),
        ("deny", "{\"msg\": \"x\", \"id\": \"a b\"}", "letters, digits"),
        ("deny", "{\"msg\": \"x\", \"id\": 1}", "`id` is no text"),
        ("deny", "{\"msg\": \"x\", \"severity\": \"high\"}", "\"severity\""),
        (
            "deny",
            "{\"msg\": \"x\", \"change\": \"apps/Deployment/shop/wep\"}",
            "no change of this plan",
        ),
        ("warn", "{\"msg\": \"x\", \"role\": \"dba\"}", "\"role\""),
        ("warn", "false", "neither a text nor an object"),
        ("require_approval", "\"x\"", "names no `role`"),
        ("require_approval", "{\"msg\": \"x\"}", "names no `role`"),
        ("require_approval", "{\"msg\": \"x\", \"role\": \"\"}", "DNS label"),
        ("require_approval", "{\"msg\": \"x\", \"role\": \"a\", \"count\": 0}", "above 0"),
        ("require_approval", "{\"msg\": \"x\", \"role\": \"a\", \"count\": 1.5}", "above 0"),
        ("require_approval", "{\"msg\": \"x\", \"role\": \"a\", \"count\": \"2\"}", "above 0"),
        ("require_approval", "{\"msg\": \"x\", \"role\": \"a\", \"count\": -1}", "above 0"),
        ("require_approval", "{\"role\": \"a\", \"count\": 1}", "missing or empty"),
    ] {
        let rules = format!("package main\n\n{kind} contains x if x := {answer}\n");
        let problems = problems_of(&[("main.rego", &rules)]);
        assert!(
            problems.starts_with("p/main.rego:3: an answer of data.main."),
            "{answer}: {problems}"
        );
        assert!(problems.contains(says), "{answer}: {problems}");
    }
}

#[test]
fn a_rule_that_is_no_set_is_refused_with_the_way_to_write_it() {
    for rule in [
        "deny := true",
        "deny if true",
        "deny := [\"x\"]",
        "deny[msg] if msg := \"x\"",
        "deny.foo contains \"x\" if true",
        "default deny := false",
        "deny(x) := x",
        "deny := \"\"",
        "deny[\"a\"] := \"b\"",
    ] {
        let rules = format!("package main\n{rule}\nwarn contains \"w\" if false\n");
        let problems = problems_of(&[("main.rego", &rules)]);
        assert!(problems.contains("p/main.rego:2: `deny` must be a set"), "{rule}: {problems}");
        assert!(problems.contains("deny contains finding if"), "{rule}: {problems}");
    }
}

#[test]
fn an_error_in_a_rule_is_no_pass() {
    for (body, says) in [
        ("to_number(\"x\") > 0", "main.rego:2"),
        ("x := 1 / 0\n\tx > 0", "divide by zero"),
        ("a := input.effect.changes[0]\n\ta.force + 1 > 0", "main.rego"),
    ] {
        let rules = format!("package main\ndeny contains \"x\" if {{ {body} }}\n");
        let problems = problems_of(&[("main.rego", &rules)]);
        assert!(problems.contains(says), "{body}: {problems}");
    }
    // Two values for one name.
    let rules = "package main\na := 1 if true\na := 2 if true\ndeny contains \"x\" if a == 1\n";
    let problems = problems_of(&[("main.rego", rules)]);
    assert!(problems.contains("main.rego"), "{problems}");
}

#[test]
fn numbers_texts_and_order_are_as_pinned() {
    // What changes with another version of the engine, or with another feature of serde_json.
    for (expression, expected) in [
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1.0", "1"),
        ("9007199254740991", "9007199254740991"),
        ("json.unmarshal(\"123456789012345678901234567890\")", "123456789012345680000000000000"),
        ("\"3\" > 5", "true"),
        ("null > 5", "false"),
        ("{3, 1, 2}", "{1, 2, 3}"),
        ("sort([\"b\", \"B\", \"a\"])", "[\"B\", \"a\", \"b\"]"),
        ("regex.match(`^\\d$`, \"\u{0663}\")", "true"),
        ("[x | some x in {\"b\": 2, \"a\": 1}]", "[1, 2]"),
    ] {
        let rules = format!(
            "package main\nvalue := {expression}\ndeny contains sprintf(\"%v\", [value]) if true\n"
        );
        let verdict = verdict_of(&[("main.rego", &rules)]).unwrap();
        assert_eq!(verdict.deny[0].message, expected, "{expression}");
    }
}

#[test]
fn one_plan_and_one_bundle_always_give_the_same_verdict() {
    let rules = r#"package main
deny contains sprintf("%s %v", [name, value]) if some name, value in input.effect.impact

warn contains sprintf("%v", [{x | some x in ["c", "a", "b"]}]) if true
"#;
    let first = verdict_of(&[("main.rego", rules)]).unwrap();
    for _ in 0..20 {
        assert_eq!(verdict_of(&[("main.rego", rules)]).unwrap(), first);
    }
}
