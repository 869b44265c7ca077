//! What stands in the files of a plan that anybody may have written: no list in disguise, and no
//! more than fits in memory.

use std::time::{Duration, Instant};

use countersign::document::canonical;
use countersign::plan::{OpenError, Plan};
use serde_json::{Value, json};

/// Why a plan with these files is refused, and how long that takes.
fn refusal(bend: impl FnOnce(&mut Value)) -> (String, Duration) {
    let mut plan = super::make::sample();
    bend(&mut plan);
    let bytes = canonical::to_bytes(&plan).unwrap();
    let start = Instant::now();
    let error = Plan::open(bytes).unwrap_err();
    assert!(matches!(error, OpenError::Contradiction(_)), "{error:?}");
    let mut said = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        said = format!("{said}: {inner}");
        source = inner.source();
    }
    (said, start.elapsed())
}

/// A ConfigMap whose aliases expand to more than eight to the power of `levels` bytes.
fn bomb(name: &str, levels: usize) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: s}}\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]\n"
    );
    for level in 1..levels {
        let below = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 8].join(", "));
    }
    text
}

#[test]
fn an_alias_bomb_in_a_file_is_refused_within_its_limit() {
    let (said, took) = refusal(|plan| plan["effect"]["files"][0]["before"] = json!(bomb("a", 12)));
    assert!(said.contains("aliases expand beyond the size limit"), "{said}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn many_small_bombs_share_one_limit() {
    let (said, took) = refusal(|plan| {
        let files = plan["effect"]["files"].as_array_mut().unwrap();
        for n in 0..2000 {
            let text = bomb(&format!("n{n}"), 6);
            files.push(json!({"path": format!("n/{n:04}.yaml"), "before": text, "after": text}));
        }
    });
    assert!(said.contains("n/00") && said.contains("beyond the size limit"), "{said}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn anchors_in_anchors_share_the_limit_too() {
    let mut text =
        String::from("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: s}\ndata: ");
    for level in 0..50 {
        text += &format!("&a{level} [");
    }
    text += &"x".repeat(2 << 20);
    text += &"]".repeat(50);
    text.push('\n');
    let (said, took) = refusal(|plan| plan["effect"]["files"][0]["before"] = json!(text));
    assert!(said.contains("anchors and aliases expand beyond the size limit"), "{said}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_document_that_is_no_object_of_a_tree_is_refused() {
    let binding =
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}}";
    for (document, why) in [
        (
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: s}}\nitems: [{binding}]\n"
            ),
            "ConfigMap has a top-level `items`",
        ),
        (
            format!(
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {{name: x}}\nitems: [{binding}]\n"
            ),
            "Kustomization has a top-level `items`",
        ),
        ("x: 1\n".to_owned(), "apiVersion is missing"),
        (
            "apiVersion: v1\nkind: secret\nmetadata: {name: k, namespace: s}\n".to_owned(),
            "is spelled Secret",
        ),
    ] {
        let (said, _) = refusal(|plan| {
            let slot = &mut plan["effect"]["files"][0]["before"];
            *slot = json!(format!("{}---\n{document}", slot.as_str().unwrap()));
        });
        assert!(said.contains("holds what no tree can hold"), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_patch_that_doubles_is_refused_before_anybody_signed() {
    let (said, took) = refusal(|plan| {
        let double: Vec<_> = (0..64)
            .map(|n| json!({"op": "copy", "from": "/data", "path": format!("/data/k{n}")}))
            .collect();
        plan["proposal"]["operations"][0]["body"]["patch"] = json!({"operations": double});
    });
    assert!(
        said.contains("copy, move and shift more than") || said.contains("nest deeper"),
        "{said}"
    );
    assert!(took < Duration::from_secs(20), "{took:?}");
}
