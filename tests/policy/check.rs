//! What is refused before any rule is asked.

use super::{problems_of, verdict_of};

/// Refused, and every text of `says` is in what is said of it.
fn refused(files: &[(&str, &str)], says: &[&str]) {
    let problems = problems_of(files);
    for text in says {
        assert!(problems.contains(text), "{files:?}\n{problems}\nlacks {text:?}");
    }
}

fn rule(body: &str) -> String {
    format!("package main\nimport data.limits\n\ndeny contains msg if {{\n\t{body}\n}}\n")
}

/// A body in a rule that may say `limits.most`, with `msg` given a value.
fn refused_body(body: &str, says: &[&str]) {
    let rules = rule(&format!("msg := \"x\"\n\t{body}"));
    refused(&[("main.rego", &rules), ("limits/d.json", "{\"most\": 3}")], says);
}

#[test]
fn nothing_to_ask_is_an_error() {
    for rules in
        ["package main\n", "package main\nallow if true\n", "package main\ndefault allow := true\n"]
    {
        refused(&[("main.rego", rules)], &["no package defines `deny`"]);
    }
}

#[test]
fn text_that_is_no_rego_is_refused_with_its_line() {
    for text in [
        "package main\n\ndeny contains \"x\" if }\n",
        "package main\n\ndeny { true }\n",
        "\n\nnothing\n",
        "package main\n\ndeny-x contains \"y\" if true\n",
        "package main\n\ndeny contains \"x\" if { true } { false }\n",
    ] {
        refused(&[("main.rego", text)], &["p/main.rego:3"]);
    }
}

#[test]
fn a_name_that_is_nearly_one_that_is_asked_is_refused() {
    for name in [
        "Deny",
        "DENY",
        "denies",
        "denied",
        "dney",
        "denny",
        "Warn",
        "warns",
        "warning",
        "warnings",
        "require_approvals",
        "requires_approval",
        "required_approval",
        "require_aproval",
        "violation",
        "deny_root",
        "warn_root",
        "violation_root",
    ] {
        let rules =
            format!("package main\ndeny contains \"x\" if false\n{name} contains \"x\" if true\n");
        refused(&[("main.rego", &rules)], &["p/main.rego:3", &format!("nothing asks `{name}`")]);
    }
    for name in ["destroys", "deny_list_size", "warmth", "dense"] {
        let rules = format!("package main\ndeny contains \"x\" if {name} > 1\n{name} := 2\n");
        verdict_of(&[("main.rego", &rules)]).unwrap();
    }
}

#[test]
fn a_function_that_does_not_exist_is_found_although_nothing_reaches_it() {
    refused_body(
        "false\n\tcuont(input.effect.changes) > 1",
        &["main.rego:7", "no function cuont", "did you mean count?"],
    );
    refused_body("startwith(\"a\", \"b\")", &["did you mean startswith?"]);
    refused_body("limits.most(3)", &["limits.most is no function"]);
    refused_body("data.other.f(3)", &["data.other.f is no function"]);
    refused_body("crypto.sha256(\"x\") == \"y\"", &["no function crypto.sha256"]);
    refused_body("count(1, 2, 3)", &["count takes 1 arguments, 3 are given"]);
    refused_body("startswith(\"a\")", &["startswith takes 2 arguments"]);
    let own = "package main\nf(a, b) := a + b\ndeny contains \"x\" if f(1) > 0\n";
    refused(&[("main.rego", own)], &["main.rego:3", "f takes 2 arguments, 1 are given"]);
}

#[test]
fn a_variable_without_a_value_is_refused() {
    refused_body("not input.effect.impact.byKind[k]", &["main.rego:6", "`k` has no value here"]);
    refused_body("some k\n\tnot input.effect.impact.byKind[k]", &["`k` has no value here"]);
    refused_body("inptu.effect.complete", &["`inptu` has no value here"]);
    refused_body("x == 1", &["`x` has no value here"]);
    refused_body("every c in input.effect.changes { c.id == d.id }", &["`d` has no value here"]);
    refused_body("count({y | input.effect.changes[_]}) > 0", &["`y` has no value here"]);
    refused(
        &[("main.rego", "package main\ndeny contains msg if true\n")],
        &["main.rego:2", "`msg` has no value here"],
    );
    refused(
        &[("main.rego", "package main\nm[k] := 1 if true\ndeny contains \"x\" if m.a\n")],
        &["`k` has no value here"],
    );
    refused(
        &[("main.rego", "package main\nf(x) := y if true\ndeny contains \"x\" if f(1)\n")],
        &["`y` has no value here"],
    );
}

#[test]
fn every_way_to_give_a_variable_its_value_is_known() {
    for body in [
        "some c in input.effect.changes\n\tnot c.id == \"x\"",
        "some i, c in input.effect.changes\n\ti > 5\n\tc.id",
        "some i\n\tinput.effect.changes[i].id == \"x\"",
        "input.effect.changes[i].id == \"x\"\n\ti > 3",
        "not input.effect.changes[_].id == \"x\"\n\tfalse",
        "[a, {\"k\": b}] := [1, {\"k\": 2}]\n\ta > b",
        "[a, b] = [1, 2]\n\ta > b",
        "walk(input, [path, value])\n\tvalue == path",
        "xs := [x | x := input.effect.changes[_].id; x == \"q\"]\n\tcount(xs) > 0",
        "m := {k: v | some k, v in input.effect.impact.byClass; v > 99}\n\tcount(m) > 0",
        "every k, v in {\"a\": 1} { v > 1; k != \"b\" }",
        "limits.most > 9",
        "data.limits[x] > 9\n\tx == \"most\"",
        "f(3) > 9",
        "count(\"x\") > 2 with input as {\"a\": 1}",
        "helper with data.limits.most as 99",
        "helper with input.effect.complete as true",
        "f(1) > 9 with f as g",
        "f(1) > 9 with f as 3",
        "1 in {2, 3}",
        "\"k\", 2 in {\"k\": 1}",
        "object.get(input, [\"effect\", \"nothing\"], 0) > 1",
        "numbers.range(1, 3)[_] > 5",
        "print(\"hello\", 1)\n\tfalse",
        "sprintf(\"%s\", [\"x\"]) == \"y\"",
        "`raw` == \"x\"",
        "true == false",
        "null == 1",
        "{1} | {2} == {3}",
        "x := {\"a\": 1}[\"a\"]\n\tx > 3",
    ] {
        let rules = format!(
            "{}\nf(x) := x + 1\ng(x) := x + 2\nhelper if limits.most > 99\nelse := false if limits.most > 3\n",
            rule(&format!("msg := \"x\"\n\t{body}"))
        );
        let verdict = verdict_of(&[("main.rego", &rules), ("limits/d.json", "{\"most\": 3}")]);
        let verdict = verdict.unwrap_or_else(|error| panic!("{body}: {error}"));
        assert!(verdict.deny.len() <= 1, "{body}");
    }
}

#[test]
fn a_reference_to_nothing_is_refused() {
    refused_body("limits.mots > 1", &["nothing stands at data.limits.mots"]);
    refused_body("data.limits.most.x > 1", &["nothing stands at data.limits.most.x"]);
    refused_body("data.typo.rule", &["nothing stands at data.typo.rule"]);
    refused_body("count(data) > 1", &["all of `data`"]);
    refused_body("data[x].y\n\tx == 1", &["all of `data`"]);
    refused_body("1 == 1 with data.limits.mots as 3", &["nothing stands at data.limits.mots"]);
    let import = "package main\nimport data.lib.typo\ndeny contains \"x\" if false\n";
    refused(&[("main.rego", import)], &["main.rego:2", "nothing stands at data.lib.typo"]);
}

#[test]
fn a_path_that_no_plan_has_is_refused() {
    refused_body(
        "inputs := input.efect.changes\n\tinputs != 1",
        &["main.rego:6", "no plan has `efect`", "`effect`?"],
    );
    refused_body("input.effect.changes[_].clas == \"outage\"", &["no plan has `clas`", "`class`?"]);
    refused_body("not input.effect.complet", &["no plan has `complet`"]);
    refused_body("input.plan.changes", &["no plan has `plan`", "countersign schema plan"]);
    let import = "package main\nimport input.effect as e\ndeny contains \"x\" if e.chnages\n";
    refused(&[("main.rego", import)], &["main.rego:3", "no plan has `chnages`"]);
}

#[test]
fn recursion_is_refused_in_rules_and_functions() {
    for (rules, says) in [
        ("f(n) := f(n + 1)\ndeny contains \"x\" if f(1)", "recursion: main.f needs main.f"),
        ("f(n) := g(n)\ng(n) := f(n)\ndeny contains \"x\" if f(1)", "needs"),
        ("a if b\nb if a\ndeny contains \"x\" if a", "recursion: main.a needs main.b needs main.a"),
        ("a if not b\nb if not a\ndeny contains \"x\" if a", "recursion"),
        ("deny contains \"x\" if count(deny) == 0", "recursion: main.deny needs main.deny"),
        ("deny contains \"x\" if count(data.main.deny) == 0", "recursion"),
        ("deny contains \"x\" if count(data.main) == 0", "recursion"),
        ("deny contains \"x\" if data.main[_]", "recursion"),
        ("deny contains \"x\" if count([1 | data.main.deny[_]]) == 0", "recursion"),
        ("a := x if { x := 1 with input as b }\nb := a\ndeny contains \"x\" if a", "recursion"),
        (
            "f(x) := x\ng(x) := y if { y := f(x) with f as g }\ndeny contains \"x\" if g(1)",
            "recursion",
        ),
        ("m.a := m.b\nm.b := m.a\ndeny contains \"x\" if m.a", "recursion"),
    ] {
        refused(&[("main.rego", &format!("package main\n{rules}\n"))], &[says]);
    }
    let two = "package two\nb if data.main.a\n";
    let one = "package main\na if data.two.b\ndeny contains \"x\" if a\n";
    refused(&[("one.rego", one), ("two.rego", two)], &["recursion", "two.b"]);
}

#[test]
fn a_long_chain_of_rules_is_no_danger_to_the_check() {
    let mut rules = "package main\nr0 := 1\n".to_owned();
    for n in 1..5000 {
        rules.push_str(&format!("r{n} := r{}\n", n - 1));
    }
    rules.push_str("deny contains \"x\" if r4 > 1\n");
    verdict_of(&[("main.rego", &rules)]).unwrap();
}

#[test]
fn what_the_plan_does_not_decide_cannot_be_asked() {
    for call in [
        "time.now_ns() > 0",
        "http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1/\"}).status_code == 200",
        "rand.intn(\"x\", 5) > 2",
        "uuid.rfc4122(\"x\") != \"\"",
        "opa.runtime().env != {}",
        "net.lookup_ip_addr(\"localhost\") != set()",
    ] {
        let name = call.split('(').next().unwrap();
        let says = format!("{name} is not available");
        refused_body(call, &["main.rego:6", &says]);
        refused_body(&format!("true with {name} as 1"), &[&says]);
        refused_body(&format!("count([]) == 0 with count as {name}"), &[&says]);
        refused_body(&format!("false\n\tcount([x | x := {call}]) > 0"), &[&says]);
    }
    // A function of one's own may have such a name.
    let own = "package time\nnow_ns() := 3\n";
    let rules = "package main\nimport data.time\ndeny contains \"x\" if time.now_ns() > 3\n";
    verdict_of(&[("time.rego", own), ("main.rego", rules)]).unwrap();
}

#[test]
fn data_never_stands_where_a_rule_does() {
    let rules = "package team.main\ndeny contains \"a\" if true\nhelper := 3\n";
    for data in [
        "{\"team\": {\"main\": {\"deny\": []}}}",
        "{\"team\": {\"main\": {\"deny\": {\"x\": 1}}}}",
        "{\"team\": {\"main\": {\"helper\": 1}}}",
        "{\"team\": {\"main\": null}}",
        "{\"team\": {\"main\": []}}",
        "{\"team\": 5}",
        "{\"team\": \"x\"}",
    ] {
        refused(
            &[("m.rego", rules), ("d.json", data)],
            &["p/m.rego:", "it would replace the rule"],
        );
    }
    refused(&[("m.rego", rules), ("team/main/d.json", "{\"deny\": []}")], &["data.team.main.deny"]);
    // Beside a rule there is room.
    let verdict =
        verdict_of(&[("m.rego", rules), ("d.json", "{\"team\": {\"main\": {\"x\": 1}}}")]);
    assert_eq!(verdict.unwrap().deny.len(), 1);
}

#[test]
fn reserved_packages_are_refused() {
    for package in ["__countersign", "countersign", "countersign.lib", "countersign.mine"] {
        let rules = format!("package {package}\ndeny contains \"x\" if true\n");
        refused(&[("m.rego", &rules)], &["p/m.rego:1"]);
    }
    refused(&[("m.rego", "package a[\"b c\"]\ndeny contains \"x\" if true\n")], &["no plain name"]);
    let target = "package main\n__target__ := \"x\"\ndeny contains \"x\" if true\n";
    refused(&[("m.rego", target)], &["m.rego"]);
}

#[test]
fn rules_and_tests_stand_in_their_own_files() {
    let rule = "package main\ndeny contains \"x\" if true\n";
    refused(
        &[("m.rego", rule), ("m_test.rego", "package main\ndeny contains \"y\" if true\n")],
        &["p/m_test.rego:2", "not loaded with a plan"],
    );
    refused(&[("m.rego", &format!("{rule}test_x if true\n"))], &["p/m.rego:3", "would never run"]);
    // What stands beside the tests does not reach a verdict.
    let hides = "package main\ndeny_off := true\ntest_x if true\n";
    let verdict = verdict_of(&[("m.rego", rule), ("m_test.rego", hides)]).unwrap();
    assert_eq!(verdict.deny.len(), 1);
}

#[test]
fn all_problems_are_told_at_once_in_order() {
    let rules = "package main\ndeny contains \"x\" if foo(1)\ndeny contains \"y\" if bar(1)\n";
    let problems =
        problems_of(&[("b.rego", rules), ("a.rego", "package a\nDeny contains 1 if true\n")]);
    let at = |text: &str| problems.find(text).unwrap_or_else(|| panic!("{text}: {problems}"));
    assert!(at("p/a.rego:2") < at("p/b.rego:2") && at("p/b.rego:2") < at("p/b.rego:3"));
}
