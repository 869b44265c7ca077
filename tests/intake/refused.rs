//! Every refusal by name, with line, column and pointer.

use std::time::{Duration, Instant};

use countersign::config::Limits;
use countersign::intake::{MOST_PROBLEMS, read};

use super::{filled, problems, proposal, source, take};

/// One text, and the problem that must be among what it gets: message, line, column, pointer.
struct Case {
    text: String,
    message: &'static str,
    at: (u32, u32),
    pointer: &'static str,
}

fn check(cases: &[Case]) {
    let mut missed = Vec::new();
    for Case { text, message, at, pointer } in cases {
        let found = problems(text.as_str());
        let hit = found.iter().any(|located| {
            let problem = &located.problem;
            problem.message.contains(message)
                && (problem.line, problem.column) == *at
                && problem.pointer.as_str() == *pointer
        });
        if !hit {
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            missed.push(format!("{text:?} gets {found:#?}, not {message:?} {at:?} {pointer:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Operations on lines 4 and on, as `- ` items.
fn op(text: &str, message: &'static str, at: (u32, u32), pointer: &'static str) -> Case {
    Case { text: proposal(text), message, at, pointer }
}

fn raw(text: &str, message: &'static str, at: (u32, u32), pointer: &'static str) -> Case {
    Case { text: text.to_owned(), message, at, pointer }
}

const CONFIGMAP: &str =
    "apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}";

#[test]
fn what_readers_read_differently_is_refused_in_place() {
    check(&[
        raw(
            "apiVersion: v1\napiVersion: v1\n",
            "a member that stands twice",
            (2, 1),
            "/apiVersion",
        ),
        raw("{\"kind\": 1,\n \"kind\": 1}", "a member that stands twice", (2, 2), "/kind"),
        raw("apiVersion: !!str v1\n", "a tag", (1, 19), "/apiVersion"),
        raw("apiVersion: v1\ndata: {a: no}\n", "a boolean in YAML 1.1", (2, 11), "/data/a"),
        raw("apiVersion: v1\ndata:\n  mode: 0755\n", "octal", (3, 9), "/data/mode"),
        raw("apiVersion: v1\ndata:\n  at: 1:30\n", "base 60", (3, 7), "/data/at"),
        raw("apiVersion: v1\n1: a\n", "not a text", (2, 1), "/1"),
        raw("apiVersion: v1\nn: 9007199254740993\n", "beyond +-(2^53-1)", (2, 4), "/n"),
        raw("apiVersion: v1\nn: -9007199254740993\n", "beyond +-(2^53-1)", (2, 4), "/n"),
        raw("apiVersion: v1\na: \0\n", "a NUL byte", (2, 4), ""),
        raw("\u{feff}apiVersion: v1\n", "byte order mark", (1, 1), ""),
        raw("apiVersion: v1\na: [1\n", "not YAML", (2, 4), ""),
    ]);
    let found = problems(b"apiVersion: v1\nkind: \xff\n".as_slice());
    assert_eq!((found[0].problem.line, found[0].problem.column), (2, 7));
    assert!(found[0].problem.message.contains("not UTF-8"));
}

#[test]
fn an_object_says_who_it_is() {
    let one = |rest: &str| format!("- apply: {{apiVersion: v1, kind: ConfigMap, {rest}}}\n");
    check(&[
        op(
            &one("metadata: {name: a}"),
            "no metadata.namespace",
            (4, 54),
            "/operations/0/apply/metadata",
        ),
        op(
            &one("metadata: {name: ../../etc, namespace: shop}"),
            "not a name that Kubernetes takes",
            (4, 61),
            "/operations/0/apply/metadata/name",
        ),
        op(
            &one("metadata: {name: a/b, namespace: shop}"),
            "not a name that Kubernetes takes",
            (4, 61),
            "/operations/0/apply/metadata/name",
        ),
        op(
            &one("metadata: {name: a, namespace: ../x}"),
            "not a name that Kubernetes takes",
            (4, 75),
            "/operations/0/apply/metadata/namespace",
        ),
        op(
            &one("metadata: {namespace: a}"),
            "metadata.name is missing",
            (4, 54),
            "/operations/0/apply/metadata/name",
        ),
        op(
            "- apply: {apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}\n",
            "cluster-scoped",
            (4, 75),
            "/operations/0/apply/metadata/namespace",
        ),
        op(
            "- apply: {apiVersion: v1, kind: List, items: []}\n",
            "is a list",
            (4, 10),
            "/operations/0/apply",
        ),
        op(
            &one("metadata: {name: a, namespace: b}, items: [1]"),
            "has a top-level `items`",
            (4, 86),
            "/operations/0/apply/items",
        ),
        op(
            "- apply: {apiVersion: v1, kind: secret, metadata: {name: a, namespace: b}}\n",
            "kind secret is spelled Secret",
            (4, 33),
            "/operations/0/apply/kind",
        ),
        op(
            "- patch: {resource: {apiVersion: v1, kind: ConfigMap, namespace: s, name: a}, merge: {items: []}}\n",
            "a top-level `items`",
            (4, 87),
            "/operations/0/patch/merge/items",
        ),
        op(
            "- patch: {resource: {apiVersion: v1, kind: ConfigMap, namespace: s, name: a}, operations: [{op: add, path: /items, value: []}]}\n",
            "a top-level `items`",
            (4, 102),
            "/operations/0/patch/operations/0/path",
        ),
        raw(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\nitems:\n- apiVersion: v1\n",
            "has a top-level `items`",
            (5, 3),
            "/items",
        ),
        op("- apply: []\n", "a list, where an object is expected", (4, 10), "/operations/0/apply"),
        op(
            "- apply: {apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization}\n",
            "Kustomization",
            (4, 10),
            "/operations/0/apply",
        ),
        raw(
            "kind: ConfigMap\nmetadata: {name: a, namespace: b}\n",
            "apiVersion is missing",
            (1, 1),
            "/apiVersion",
        ),
        raw("just words\n", "neither a document nor", (1, 1), ""),
        raw("- kind: list\n", "neither a document nor", (1, 1), ""),
        raw("", "nothing to plan", (0, 0), ""),
        raw("# only a comment\n", "nothing to plan", (0, 0), ""),
    ]);
}

#[test]
fn what_only_the_server_writes_is_refused_by_name() {
    for (field, at) in [
        ("status: {}", "/status"),
        ("metadata: {name: a, namespace: b, uid: x}", "/metadata/uid"),
        ("metadata: {name: a, namespace: b, resourceVersion: \"1\"}", "/metadata/resourceVersion"),
        ("metadata: {name: a, namespace: b, managedFields: []}", "/metadata/managedFields"),
        (
            "metadata: {name: a, namespace: b, creationTimestamp: null}",
            "/metadata/creationTimestamp",
        ),
        ("metadata: {generateName: a, namespace: b}", "/metadata/generateName"),
    ] {
        let text = format!("apiVersion: v1\nkind: ConfigMap\n{field}\n");
        let found = problems(text.as_str());
        assert!(
            found.iter().any(|l| l.problem.pointer.as_str() == at && l.problem.line == 3),
            "{found:?}"
        );
    }
    let patch = |body: &str| {
        format!(
            "- patch: {{resource: {{apiVersion: v1, kind: ConfigMap, namespace: s, name: a}}, {body}}}\n"
        )
    };
    for body in [
        "merge: {status: {}}",
        "merge: {metadata: {uid: x}}",
        "operations: [{op: add, path: /metadata/uid, value: x}]",
        "operations: [{op: remove, path: /status/phase}]",
        "operations: [{op: replace, path: /metadata, value: {uid: x}}]",
        "operations: [{op: copy, from: /data, path: /status}]",
        "operations: [{op: move, from: /data, path: /metadata}]",
    ] {
        let found = problems(proposal(&patch(body)));
        assert!(
            found.iter().any(|l| l.problem.message.contains("by the server alone")),
            "{body}: {found:?}"
        );
    }
}

#[test]
fn no_secret_value_is_taken_in() {
    let secret = |data: &str| {
        proposal(&format!(
            "- apply:\n    apiVersion: v1\n    kind: Secret\n    metadata: {{name: a, namespace: b}}\n    {data}\n"
        ))
    };
    for (data, pointer) in [
        ("data: {p: c2VjcmV0}", "/operations/0/apply/data/p"),
        ("stringData: {p: hunter2}", "/operations/0/apply/stringData/p"),
        ("data: {p: {$secret: x, more: y}}", "/operations/0/apply/data/p"),
        ("data: {p: {$secret: Not_A_Label}}", "/operations/0/apply/data/p"),
        ("data: {$secret: x}", "/operations/0/apply/data/$secret"),
        ("data: hunter2", "/operations/0/apply/data"),
        ("type: {$secret: x}", "/operations/0/apply/type/$secret"),
    ] {
        let found = problems(secret(data));
        assert!(found.iter().any(|l| l.problem.pointer.as_str() == pointer), "{data}: {found:?}");
        assert!(found.iter().all(|l| !l.to_string().contains("hunter2")), "{found:?}");
    }
    assert!(take(secret("data: {p: {$secret: db-password}}"), &filled()).is_ok());
    // The reader's own problems name the place alone.
    for data in ["data: {p: 0755}", "stringData: {p: 1:30}", "data: {p: 90071992547409931}"] {
        let found = problems(secret(data));
        let value = data.trim_end_matches('}').rsplit(' ').next().unwrap();
        assert!(found.iter().all(|l| !l.to_string().contains(value)), "{found:?}");
    }
    let copy = "- apply: {apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b, annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}}}\n";
    assert!(problems(proposal(copy))[0].problem.message.contains("holds the values of a Secret"));
    let patch = |body: &str| {
        proposal(&format!(
            "- patch: {{resource: {{apiVersion: v1, kind: Secret, namespace: s, name: a}}, {body}}}\n"
        ))
    };
    for body in [
        "merge: {data: {p: x}}",
        "merge: {stringData: {p: x}}",
        "operations: [{op: add, path: /data/p, value: x}]",
        "operations: [{op: replace, path: /data, value: {p: x}}]",
        "operations: [{op: test, path: /data/p, value: x}]",
        "operations: [{op: copy, from: /data/p, path: /metadata/labels/p}]",
        "operations: [{op: move, from: /metadata/labels/p, path: /data/p}]",
        "operations: [{op: add, path: /data/p/q, value: x}]",
        "operations: [{op: add, path: /metadata/labels, value: {p: {$secret: x}}}]",
    ] {
        let found = problems(patch(body));
        assert!(found.iter().any(|l| l.problem.message.contains("secret")), "{body}: {found:?}");
    }
    assert!(take(patch("merge: {data: {p: {$secret: x}, old: null}}"), &filled()).is_ok());
    let elsewhere = "- apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}, data: {a: {$secret: x}}}\n";
    check(&[op(
        elsewhere,
        "`$secret` where no secret belongs",
        (4, 90),
        "/operations/0/apply/data/a/$secret",
    )]);
    let stack = |parameters: &str| {
        proposal(&format!(
            "- stack: {{name: edge, template: {{Parameters: {{P: {{Type: String, NoEcho: true}}, Q: {{Type: String}}}}}}, parameters: {parameters}}}\n"
        ))
    };
    assert!(problems(stack("{P: hunter2}"))[0].problem.message.contains("a literal secret value"));
    assert!(!problems(stack("{Q: {$secret: x}}")).is_empty());
    assert!(take(stack("{P: {$secret: x}, Q: plain}"), &filled()).is_ok());
}

#[test]
fn unknown_members_get_the_nearest_known_one() {
    for (text, name, hint) in [
        (
            proposal(&format!("- {CONFIGMAP}\n")) + "enviroment: prod\n",
            "enviroment",
            "did you mean `environment`?",
        ),
        (
            proposal(&format!("- {CONFIGMAP}\n")) + "context: prod\n",
            "context",
            "countersign.toml alone says this",
        ),
        (
            proposal(&format!("- {CONFIGMAP}\n")) + "profile: prod\n",
            "profile",
            "countersign.toml alone says this",
        ),
        (
            proposal(&format!("- {CONFIGMAP}\n")) + "requestedBy: bob\n",
            "requestedBy",
            "`--requested-by` says who asked",
        ),
        (
            proposal(&format!("- {CONFIGMAP}\n")) + "planner: bob\n",
            "planner",
            "the key that signs says who plans",
        ),
        (
            proposal(&format!("- {CONFIGMAP}\n  role: admin\n")),
            "role",
            "countersign.toml alone says this",
        ),
        (
            proposal(&format!("- {CONFIGMAP}\n  dependson: []\n")),
            "dependson",
            "did you mean `dependsOn`?",
        ),
        (proposal("- aply: {}\n"), "aply", "did you mean `apply`?"),
        (
            proposal("- verb: apply\n"),
            "verb",
            "write the verb itself: `apply:`, `patch:`, `delete:` or `stack:`",
        ),
        (
            proposal("- stack: {name: a, template: null, roleArn: x}\n"),
            "roleArn",
            "countersign.toml alone says this",
        ),
        (
            proposal("- delete: {apiVersion: v1, kind: Pod, metadata: {}}\n"),
            "metadata",
            "`namespace` and `name` stand here themselves",
        ),
    ] {
        let found = problems(text.as_str());
        let wanted = format!("unknown member {name:?}");
        let hit = found.iter().any(|l| l.problem.message == wanted && l.problem.hint == hint);
        assert!(hit, "{text} gets {found:#?}");
    }
}

#[test]
fn an_operation_does_one_thing_and_has_one_name() {
    let two = |a: &str, b: &str| {
        format!(
            "- {CONFIGMAP}\n  {a}\n- apply: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: b, namespace: shop}}}}\n  {b}\n"
        )
    };
    check(&[
        op("- reason: x\n", "an operation without a verb", (4, 3), "/operations/0"),
        op(
            &format!(
                "- {CONFIGMAP}\n  delete: {{apiVersion: v1, kind: Pod, namespace: a, name: b}}\n"
            ),
            "two verbs in one operation: apply and delete",
            (5, 3),
            "/operations/0/delete",
        ),
        op(&two("id: a", "id: a"), "id a stands twice", (7, 7), "/operations/1/id"),
        op(&two("id: op-2", "reason: x"), "id op-2 stands twice", (6, 3), "/operations/1"),
        op(&two("id: A_B", "id: b"), "is not a DNS label", (5, 7), "/operations/0/id"),
        op(
            &two("id: a", "dependsOn: [c]"),
            "no operation has the id c",
            (7, 15),
            "/operations/1/dependsOn/0",
        ),
        op(
            &two("dependsOn: [op-1]", "id: b"),
            "depends on itself",
            (5, 15),
            "/operations/0/dependsOn/0",
        ),
        op(
            &two("{id: a, dependsOn: [b]}", "id: b")
                .replace("  {id: a, dependsOn: [b]}", "  id: a\n  dependsOn: [b]")
                .replace("  id: b\n", "  id: b\n  dependsOn: [a]\n"),
            "wait for each other: a -> b -> a",
            (9, 15),
            "/operations/1/dependsOn/0",
        ),
        op(&format!("- {CONFIGMAP}\n- {CONFIGMAP}\n"), "is changed twice", (5, 3), "/operations/1"),
        op(
            "- delete: {apiVersion: apps/v1, kind: Deployment, namespace: s, name: a}\n- delete: {apiVersion: apps/v1beta1, kind: Deployment, namespace: s, name: a}\n",
            "is changed twice",
            (5, 3),
            "/operations/1",
        ),
        op(
            &two("replace: maybe", "id: b"),
            "neither `allowed` nor `refused`",
            (5, 12),
            "/operations/0/replace",
        ),
        op(
            &two("wait: {timeoutSeconds: 1.5}", "id: b"),
            "not a whole number",
            (5, 26),
            "/operations/0/wait/timeoutSeconds",
        ),
        op("  []\n", "no operations", (4, 3), "/operations"),
        op("- nothing\n", "a text, where a map is expected", (4, 3), "/operations/0"),
        op(
            "- delete: {apiVersion: v1, kind: Pod, name: a}\n",
            "no namespace",
            (4, 11),
            "/operations/0/delete",
        ),
        op(
            "- delete: {apiVersion: v1, kind: Pod, namespace: a, name: b, propagation: Never}\n",
            "is no way to delete",
            (4, 75),
            "/operations/0/delete/propagation",
        ),
        op(
            "- patch: {resource: {apiVersion: v1, kind: Pod, namespace: a, name: b}}\n",
            "neither `merge` nor",
            (4, 10),
            "/operations/0/patch",
        ),
        op(
            "- patch: {resource: {apiVersion: v1, kind: Pod, namespace: a, name: b}, operations: [{op: ad, path: /a}]}\n",
            "is no operation of RFC 6902",
            (4, 91),
            "/operations/0/patch/operations/0/op",
        ),
    ]);
}

#[test]
fn a_chat_text_has_exactly_one_fenced_proposal() {
    let fenced = "```yaml\napiVersion: countersign/v1\nkind: Proposal\noperations: []\n```\n";
    check(&[
        raw("Sure!\n\n```sh\nls\n```\n", "is a Proposal; found \"sh\" at line 3", (3, 1), ""),
        raw(
            "Sure!\n```yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n```\n",
            "found Pod a at line 2",
            (2, 1),
            "",
        ),
        raw(
            &format!("One:\n{fenced}Two:\n{fenced}"),
            "2 fenced Proposals, at line 2 and at line 8",
            (8, 1),
            "",
        ),
        raw(
            "Here:\n```yaml\napiVersion: countersign/v1\nkind: Proposal\n",
            "never closed",
            (2, 1),
            "",
        ),
        // Positions are those of the text itself.
        raw(&format!("Here:\n\n{fenced}"), "no operations", (6, 13), "/operations"),
        raw(
            "1. Here:\n   ```yaml\n   kind: Proposal\n   name: no\n   ```\n",
            "a boolean in YAML 1.1",
            (4, 10),
            "/name",
        ),
        raw("Sorry, I cannot do that.\n", "it begins with \"Sorry, I cannot", (1, 1), ""),
    ]);
}

#[test]
fn a_proposal_stands_alone() {
    let one = proposal(&format!("- {CONFIGMAP}\n"));
    check(&[
        Case {
            text: format!("{one}---\n{one}"),
            message: "a second Proposal",
            at: (6, 1),
            pointer: "",
        },
        Case {
            text: format!(
                "{one}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: z, namespace: b}}\n"
            ),
            message: "a manifest beside the Proposal",
            at: (6, 1),
            pointer: "",
        },
        raw(
            "apiVersion: countersign/v2\nkind: Proposal\noperations: []\n",
            "is not countersign/v1",
            (1, 13),
            "/apiVersion",
        ),
    ]);
    let kustomization = countersign::intake::Source {
        name: "app/kustomization.yaml".to_owned(),
        bytes: b"resources: [a.yaml]\n".to_vec(),
    };
    let error = read(&[kustomization], &filled(), &Limits::default()).unwrap_err();
    assert!(error.problems[0].problem.hint.contains("kustomize build"), "{error}");
}

#[test]
fn limits_hold_and_are_named() {
    let many: String = (0..11)
        .map(|n| format!("- apply: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{n}, namespace: s}}}}\n"))
        .collect();
    let limits = Limits { max_operations: 10, ..Limits::default() };
    let error = read(&[source(proposal(&many))], &filled(), &limits).unwrap_err();
    assert!(error.to_string().contains("11 operations, and a plan has at most 10"), "{error}");
    let limits = Limits { max_bytes: 100, ..Limits::default() };
    let error = read(&[source(proposal(&many))], &filled(), &limits).unwrap_err();
    assert!(error.to_string().contains("larger than 100 bytes"), "{error}");
}

#[test]
fn deep_and_swelling_texts_are_refused_in_time() {
    let start = Instant::now();
    let mut laughs = String::from(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\na0: &a0 [lol, lol]\n",
    );
    for level in 1..40 {
        laughs += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    let mut chain = String::from("apiVersion: v1\na0: &a0 [x]\n");
    for level in 1..20_000 {
        chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    let brackets = format!("apiVersion: v1\na: {}", "[".repeat(100_000));
    let json = format!("{{\"a\":{}", "[".repeat(100_000));
    let dashes = format!("apiVersion: v1\na:\n{}", "- ".repeat(100_000));
    let fences = "```\n".repeat(100_001);
    let members: String = (0..100_000).map(|n| format!("m{n}: x\n")).collect();
    let unknown = proposal("- {}\n") + &members;
    let twice = proposal(&format!("- {CONFIGMAP}\n").repeat(10_000));
    let ids: String =
        (0..10_000).map(|n| format!("- {{id: a, reason: x{n}, dependsOn: [b{n}]}}\n")).collect();
    let ids = proposal(&ids);
    for (text, said) in [
        (laughs, "aliases"),
        (chain, "aliases nest deeper than 64 levels"),
        (brackets, ""),
        (json, ""),
        (dashes, ""),
        (fences, "is a Proposal"),
        (unknown, "unknown member"),
        (twice, "is changed twice"),
        (ids, "without a verb"),
        (format!("apiVersion: v1\na: {}{}\n", "[".repeat(63), "]".repeat(63)), "missing"),
        (
            format!(
                "apiVersion: v1\nkind: A\nmetadata: {{name: a}}\na: {}{}\n",
                "[".repeat(60),
                "]".repeat(60)
            ),
            "nested deeper than 56 levels",
        ),
    ] {
        let found = problems(text.as_str());
        assert!(found.iter().any(|l| l.problem.message.contains(said)), "{found:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn all_problems_come_at_once_and_no_more_than_a_hundred() {
    let found = problems(proposal("- apply: {}\n  reasn: x\n- delete: {kind: no}\n"));
    assert!(found.len() >= 4, "{found:#?}");
    let many: String = (0..300).map(|_| "- {}\n").collect();
    assert_eq!(problems(proposal(&many)).len(), MOST_PROBLEMS);
}

#[test]
fn what_the_command_line_says_is_missing_or_contradicted_by_name() {
    let text = proposal(&format!("- {CONFIGMAP}\n")) + "name: a\nenvironment: prod\n";
    let error = take(text.as_str(), &super::defaults()).unwrap_err();
    let found = error.problems;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].problem.hint.contains("--target"), "{found:?}");
    let error = take(text.as_str(), &filled()).unwrap_err();
    let problem = &error.problems[0].problem;
    assert_eq!((problem.line, problem.column, problem.pointer.as_str()), (5, 7, "/name"));
    assert!(problem.message.contains("--name says n"), "{problem}");
}
