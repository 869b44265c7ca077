//! A diff says all that differs, and nothing else.

use std::process::Command;

use countersign::plan::diff::{self, FieldChange, Side};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

#[test]
fn a_field_change_is_as_small_as_can_be_said() {
    let web = |image: &str| json!({"name": "web", "image": image});
    let side = || json!({"name": "side", "image": "s:1"});
    for (before, after, changes) in [
        (json!({"a": 1}), json!({"a": 1}), vec![]),
        (json!({"a": 1}), json!({"a": 2}), vec![("/a", Some(json!(1)), Some(json!(2)))]),
        (json!({}), json!({"a": null}), vec![("/a", None, Some(json!(null)))]),
        (json!({"a": {"b": 1}}), json!({}), vec![("/a", Some(json!({"b": 1})), None)]),
        (json!({"a~/b": 1}), json!({"a~/b": 2}), vec![("/a~0~1b", Some(json!(1)), Some(json!(2)))]),
        (json!(null), json!({"a": 1}), vec![("", Some(json!(null)), Some(json!({"a": 1})))]),
        (json!({"a": 1}), json!({"a": "1"}), vec![("/a", Some(json!(1)), Some(json!("1")))]),
        // By index where the lengths agree, whole where they do not.
        (json!(["a", "b"]), json!(["a", "c"]), vec![("/1", Some(json!("b")), Some(json!("c")))]),
        (json!(["a"]), json!(["b", "a"]), vec![("", Some(json!(["a"])), Some(json!(["b", "a"])))]),
        // By name: an item that only moved because of another is not named.
        (
            json!([web("w:1")]),
            json!([side(), web("w:2")]),
            vec![("/0", None, Some(side())), ("/1/image", Some(json!("w:1")), Some(json!("w:2")))],
        ),
        (json!([side(), web("w:1")]), json!([web("w:1")]), vec![("/0", Some(side()), None)]),
        // Another order is a difference.
        (
            json!([side(), web("w:1")]),
            json!([web("w:1"), side()]),
            vec![
                ("/0/image", Some(json!("s:1")), Some(json!("w:1"))),
                ("/0/name", Some(json!("side")), Some(json!("web"))),
                ("/1/image", Some(json!("w:1")), Some(json!("s:1"))),
                ("/1/name", Some(json!("web")), Some(json!("side"))),
            ],
        ),
        // Two items of one name are told apart by index only.
        (
            json!([web("1"), web("2")]),
            json!([web("1"), web("3")]),
            vec![("/1/image", Some(json!("2")), Some(json!("3")))],
        ),
    ] {
        let wanted: Vec<_> = changes
            .into_iter()
            .map(|(path, before, after)| FieldChange { path: path.parse().unwrap(), before, after })
            .collect();
        assert_eq!(diff::fields(&before, &after), wanted, "{before} {after}");
    }
}

#[test]
fn a_text_diff_is_what_diff_u_writes() {
    for (before, after, wanted) in [
        (Some("a\n"), Some("a\n"), ""),
        (Some("a\n"), Some("b\n"), "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
        (None, Some("a\nb\n"), "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n"),
        (Some("a\nb\n"), None, "--- a/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"),
        (
            Some("a\nb"),
            Some("a\nb\n"),
            "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
        ),
        // A carriage return ends no line.
        (Some("a\rb\r\n"), Some("a\rb\n"), "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\rb\r\n+a\rb\n"),
        (
            Some("1\n2\n3\n4\n5\n6\n7\n8\n9\n"),
            Some("1\n2\n3\n4\n6\n7\n8\n9\n"),
            "--- a/x\n+++ b/x\n@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n",
        ),
    ] {
        assert_eq!(diff::text(before, after, "x"), wanted);
    }
    let quoted = diff::text(None, Some("a\n"), "a \"b\nc");
    assert!(quoted.starts_with("--- /dev/null\n+++ \"b/a \\042b\\012c\"\n@@"), "{quoted}");
}

#[test]
fn git_applies_a_text_diff() {
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/shop/shop/web.yaml");
    let before = std::fs::read_to_string(shop).unwrap();
    let after = before.replacen("replicas: 3", "replicas: 5", 1).replace("1.4.2", "1.5.0")
        + "---\nlast: without an end";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yaml");
    std::fs::write(&path, &before).unwrap();
    std::fs::write(
        folder.path().join("x.diff"),
        diff::text(Some(&before), Some(&after), "web.yaml"),
    )
    .unwrap();
    let done = Command::new("git")
        .args(["apply", "--unidiff-zero", "x.diff"])
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
}

/// Makes `after` out of `before` and what is said to differ, by a reading of its own.
fn applied(before: &Value, changes: &[(&[String], &FieldChange)]) -> Value {
    if let Some((_, change)) = changes.iter().find(|(path, _)| path.is_empty()) {
        return change.after.clone().unwrap();
    }
    let beneath = |name: &str| -> Vec<(&[String], &FieldChange)> {
        let inside = changes.iter().filter(|(path, _)| path[0] == name);
        inside.map(|(path, change)| (&path[1..], *change)).collect()
    };
    let is_gone =
        |(path, change): &(&[String], &FieldChange)| path.is_empty() && change.after.is_none();
    let is_new =
        |(path, change): &(&[String], &FieldChange)| path.is_empty() && change.before.is_none();
    match before {
        Value::Object(old) => {
            let mut new = Map::new();
            for (name, value) in old {
                let inside = beneath(name);
                if !inside.iter().any(is_gone) {
                    new.insert(name.clone(), applied(value, &inside));
                }
            }
            for (path, change) in changes {
                if path.len() == 1 && change.before.is_none() {
                    new.insert(path[0].clone(), change.after.clone().unwrap());
                }
            }
            new.into()
        }
        Value::Array(old) => {
            let mut kept = old
                .iter()
                .enumerate()
                .filter(|(index, _)| !beneath(&index.to_string()).iter().any(is_gone))
                .map(|(_, value)| value);
            let mut new = Vec::new();
            loop {
                let mut inside = beneath(&new.len().to_string());
                inside.retain(|change| !is_gone(change));
                if let Some((_, change)) = inside.iter().find(|change| is_new(change)) {
                    new.push(change.after.clone().unwrap());
                } else if let Some(value) = kept.next() {
                    new.push(applied(value, &inside));
                } else {
                    return new.into();
                }
            }
        }
        other => other.clone(),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!(null)), (0..3).prop_map(Value::from), "[ab]".prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner.clone(), 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            prop::collection::vec(("[abcd]", inner), 0..4).prop_map(|items| {
                items.into_iter().map(|(name, value)| json!({"name": name, "v": value})).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn the_fields_that_differ_are_all_that_differs(before in values(), after in values()) {
        let changes = diff::fields(&before, &after);
        prop_assert!(changes.is_sorted_by_key(|change| change.path.clone()));
        let paths: Vec<Vec<String>> =
            changes.iter().map(|change| change.path.segments().collect()).collect();
        let pairs: Vec<_> = paths.iter().map(Vec::as_slice).zip(&changes).collect();
        prop_assert_eq!(applied(&before, &pairs), after);
    }

    #[test]
    fn the_hunks_turn_one_text_into_the_other(before in "([ab]{0,1}\n){0,30}[ab]?", after in "([ab]{0,1}\n){0,30}[ab]?") {
        let lines: Vec<&str> = before.split_inclusive('\n').collect();
        let (mut out, mut at) = (String::new(), 0);
        for hunk in diff::hunks(&before, &after) {
            let range = hunk.header.split([' ', ',']).nth(1).unwrap();
            let start: usize = range.trim_start_matches('-').parse().unwrap();
            let is_empty = hunk.lines.iter().all(|line| line.side == Side::After);
            let start = if is_empty { start } else { start - 1 };
            out.extend(lines[at..start].iter().copied());
            at = start;
            for line in hunk.lines {
                let text = format!("{}{}", line.text, if line.unended { "" } else { "\n" });
                if line.side != Side::After {
                    prop_assert_eq!(lines[at], text.as_str());
                    at += 1;
                }
                if line.side != Side::Before {
                    out.push_str(&text);
                }
            }
        }
        out.extend(lines[at..].iter().copied());
        prop_assert_eq!(out, after);
    }
}

#[test]
fn large_texts_that_share_nothing_are_compared_in_bounded_time() {
    // A minimal script of these would take a square of the lines: minutes, not seconds.
    let text = |seed: u64| -> String {
        (0..60_000_u64).map(|n| format!("{}\n", (n * 2_654_435_761 + seed) % 1_009)).collect()
    };
    let (before, after) = (text(1), text(5));
    let start = std::time::Instant::now();
    assert!(!diff::hunks(&before, &after).is_empty());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
