//! What is read, what is refused and where, and that what is emitted reads back.

use std::process::Command;

use countersign::manifest::{Limits, emit, read};
use proptest::prelude::*;
use serde_json::{Value, json};

fn values(text: &str) -> Vec<Value> {
    let documents = read::documents(text, &Limits::default()).unwrap();
    documents.into_iter().map(|document| document.value).collect()
}

fn first_problem(text: &str) -> String {
    read::documents(text, &Limits::default()).unwrap_err()[0].to_string()
}

#[test]
fn several_documents_are_read_with_their_places() {
    let text = "# head\na: 1\n---\n# two\nb: [x, 'y', \"z\"]\n---\n---\nc: |\n  text\n";
    assert_eq!(
        values(text),
        [json!({"a": 1}), json!({"b": ["x", "y", "z"]}), json!({"c": "text\n"})]
    );
    let documents = read::documents(text, &Limits::default()).unwrap();
    let pieces: Vec<_> = documents.iter().map(|d| &text[d.span.clone()]).collect();
    assert_eq!(pieces.concat(), text);
    assert_eq!(pieces[0], "# head\na: 1\n");
    assert_eq!(documents[1].line, 5);
}

#[test]
fn hazards_are_refused_by_name_and_place() {
    for (text, said) in [
        ("a: no\n", "line 1, column 4: /a: the plain scalar `no` is a boolean in YAML 1.1"),
        (
            "a:\n  - b: 0755\n",
            "line 2, column 8: /a/0/b: the plain scalar `0755` is an octal number",
        ),
        ("a: 1:30\n", "base 60"),
        ("a: 0X1F\n", "the plain scalar `0X1F` is a number to some readers"),
        ("a: 0_17\n", "a number with separators to some readers"),
        ("a: 2001-01-01\n", "timestamp"),
        ("a: 1\na: 2\n", "a member that stands twice"),
        ("{\"a\": 1, \"a\": 2}", "a member that stands twice"),
        ("a: !!str 1\n", "a tag"),
        ("? [a]\n: 1\n", "a list or map as the name"),
        ("1: a\n", "a name of a member that is not a text"),
        ("a: &x [1]\nb: &y [*x]\n<<: *y\n", "merge"),
        ("a: 9007199254740992\n", "beyond"),
        ("a: .inf\n", "JSON cannot hold"),
        ("a: [1\n", "not YAML"),
        ("a: 1\n\tb: 2\n", "not YAML"),
        ("%YAML 1.1\n---\na: 1\n", "not YAML"),
        ("a: \0\n", "NUL"),
        ("a: *b\n", "not YAML"),
    ] {
        let problem = first_problem(text);
        assert!(problem.contains(said), "{text:?} says {problem:?}");
    }
}

#[test]
fn all_problems_of_a_text_come_at_once() {
    let problems = read::documents("a: no\nb: yes\nc: 0755\n", &Limits::default()).unwrap_err();
    assert_eq!(problems.len(), 3);
}

#[test]
fn bombs_are_refused_within_their_limits() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        laughs += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", "));
    }
    assert!(first_problem(&laughs).contains("aliases expand beyond"));
    for deep in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
        assert!(read::documents(&deep, &Limits::default()).is_err());
    }
    let small = Limits { max_bytes: 10, ..Limits::default() };
    assert!(read::documents("a: aaaaaaaaaaa\n", &small).is_err());
}

#[test]
fn every_file_of_the_shop_reads_as_another_reader_reads_it() {
    let shop = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop");
    let mut seen = 0;
    for entry in ["shop", "_cluster"].iter().flat_map(|f| std::fs::read_dir(shop.join(f)).unwrap())
    {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let theirs: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(values(&text), theirs);
        seen += theirs.len();
    }
    assert!(seen > 30);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        (-1.0e6..1.0e6_f64).prop_filter("integral", |f| f.fract() != 0.0).prop_map(Value::from),
        prop::sample::select(vec![
            "no",
            "0755",
            "1e3",
            "",
            " x",
            "a: b",
            "a #b",
            "- a",
            "x\n",
            "x\n\n",
            "\nx",
            "a\nb",
            "\t",
            "'",
            "\"",
            "é",
            "\u{85}",
            "\u{2028}",
            "=",
            "<<",
            "#",
            "a:",
            "|",
            "2001-01-01",
            "...",
            "---",
            "\u{feff}x",
            "?",
            "a\n b \n"
        ])
        .prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
        "[ -~\n]*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z0-9 .:#/-]*", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z]{1,4}", any_value(), 1..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn what_is_emitted_reads_back(value in object()) {
        let text = emit::document(&value);
        prop_assert_eq!(values(&text), std::slice::from_ref(&value), "{}", text);
        let flow = format!("{}\n", emit::flow(&value));
        prop_assert_eq!(values(&flow), [value], "{}", flow);
    }
}

/// YAML 1.1 as PyYAML reads it, in one process for many values.
#[test]
fn what_is_emitted_reads_the_same_under_yaml_1_1() {
    let python = std::env::var_os("COUNTERSIGN_TEST_PYTHON")
        .expect("run the tests with tests/run, which installs PyYAML and names its Python");
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let values: Vec<Value> = (0..300)
        .map(|_| proptest::strategy::ValueTree::current(&object().new_tree(&mut runner).unwrap()))
        .collect();
    let texts: Vec<String> = values.iter().map(emit::document).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("texts.json"), serde_json::to_vec(&texts).unwrap()).unwrap();
    let script = "import json,sys,yaml\nprint(json.dumps([yaml.safe_load(t) for t in json.load(open(sys.argv[1]))]))";
    let output = Command::new(python)
        .arg("-c")
        .arg(script)
        .arg(folder.path().join("texts.json"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for ((value, text), theirs) in values.iter().zip(&texts).zip(&theirs) {
        assert_eq!(value, theirs, "{text}");
    }
}

#[test]
fn json_is_read_as_json() {
    for text in [
        "{\"a\":\"\\ud83d\\ude00\"}".to_owned(),
        "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t1,\n\t\t2\n\t]\n}\n".to_owned(),
        "{\"a\":\"\\/\\b\\f\\n\\r\\t\\u00e9\\\\\"}".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"a\" : 1 , \"b\" :null}".to_owned(),
        "{\"a\n\":1}".replace('\n', "\\n"),
        "{\"a\":\"x # y: z\",\"b\":-1,\"c\":1.5,\"d\":1.5E+3}".to_owned(),
        "{\"a\":\"\u{85}\u{2028}\u{feff}\"}".to_owned(),
        "{\"a\":{\"b\":{}},\r\n\"c\":[[],[{}]]}\r\n".to_owned(),
    ] {
        let theirs: Value = serde_json::from_str(&text).unwrap();
        let ours = read::documents(&text, &Limits::default());
        match ours {
            Ok(documents) => assert_eq!(documents[0].value, theirs, "{text}"),
            Err(problems) => panic!("{text:?}: {}", problems[0]),
        }
    }
}

#[test]
fn aliases_that_stay_small_are_read_however_many_there_are() {
    let mut text = String::from("a0: &a0 {x: 1}\n");
    for level in 1..2000 {
        text += &format!("a{level}: &a{level} {{x: 1}}\nb{level}: *a{}\n", level - 1);
    }
    assert_eq!(values(&text)[0]["b1999"], json!({"x": 1}));
    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..70 {
        chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(first_problem(&chain).contains("aliases nest deeper than 64 levels"));
}
