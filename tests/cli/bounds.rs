//! Input without measure, through the real program: refused within a bounded time and with little
//! memory, whatever it is made of.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::shop::{Run, Shop, wait};

/// What a refusal may take; the machine may be busy.
const QUICK: Duration = Duration::from_secs(60);
/// Address space in bytes: the program is refused more, and must not need it.
const MEMORY: u64 = 600 << 20;

const PLAN: [&str; 5] = ["plan", "-f", "input.yaml", "--name", "x"];

#[track_caller]
fn refused(shop: &Shop, line: &[&str], input: Option<&[u8]>) -> Run {
    let began = Instant::now();
    let run = match input {
        Some(input) => shop.fed(line, input),
        None => shop.run(line),
    };
    assert!(began.elapsed() < QUICK, "{:?} {run:#?}", began.elapsed());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.len() < 20_000, "{} bytes of message", run.stderr.len());
    assert!(!shop.path("shop/plans").exists(), "something was planned");
    run
}

/// As [`refused`], in a shell that gives the program little memory.
#[track_caller]
fn refused_in_little(shop: &Shop, script: &str) -> String {
    let began = Instant::now();
    let script = format!("ulimit -v {}; {script}", MEMORY >> 10);
    let mut shell = shop.command(&[]);
    shell = {
        let mut inner = std::process::Command::new("bash");
        inner.args(["-c", &script]).current_dir(shop.path("shop")).env_clear();
        for (name, value) in shell.get_envs() {
            inner.envs(value.map(|value| (name, value)));
        }
        inner.env("CS", env!("CARGO_BIN_EXE_countersign"));
        inner.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        inner
    };
    let output = wait(shell.spawn().unwrap());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{script}: {told}");
    assert!(began.elapsed() < QUICK, "{script}: {:?}", began.elapsed());
    told
}

#[test]
fn five_hundred_megabytes_are_refused_in_little_memory() {
    let shop = Shop::new();
    let sparse = fs::File::create(shop.path("shop/input.yaml")).unwrap();
    sparse.set_len(500 << 20).unwrap();
    let told = refused_in_little(&shop, "\"$CS\" plan -f input.yaml --name x");
    assert!(told.contains("larger than"), "{told}");
    let stream = "set -o pipefail; head -c 500M /dev/zero | \"$CS\" plan -f - --name x; exit ${PIPESTATUS[1]}";
    let told = refused_in_little(&shop, stream);
    assert!(told.contains("larger than"), "{told}");
}

#[test]
fn a_huge_plan_approval_trust_root_or_manifest_is_refused_in_little_memory() {
    let shop = Shop::approved();
    let approval = shop.only("approvals", ".intoto.json");
    for (place, line) in [
        (shop.path("shop/plans/scale-web/plan.json"), "review plans/scale-web"),
        (shop.path("shop/plans/scale-web/planner.intoto.json"), "status plans/scale-web"),
        (approval, "verify plans/scale-web --trusted ."),
        (shop.path("shop/policies/replicas.rego"), "policy digest"),
    ] {
        let kept = fs::read(&place).unwrap();
        fs::OpenOptions::new().write(true).open(&place).unwrap().set_len(500 << 20).unwrap();
        let told = refused_in_little(&shop, &format!("\"$CS\" {line}"));
        assert!(told.contains("larger than"), "{}: {told}", place.display());
        fs::write(&place, kept).unwrap();
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let shop = Shop::new();
    let deep = 100_000;
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: ";
    let steps = |n: usize| (0..n).map(|at| format!("{}a:\n", " ".repeat(at))).collect::<String>();
    for input in [
        format!("{head}{}{}\n", "[".repeat(deep), "]".repeat(deep)),
        format!("{head}{}1{}\n", "{a: ".repeat(deep), "}".repeat(deep)),
        format!("{{\"a\":{}1{}}}", "[".repeat(deep), "]".repeat(deep)),
        format!("{head}\n{}", "- ".repeat(deep)),
        steps(2_000),
        "[".repeat(deep),
    ] {
        shop.write("shop/input.yaml", &input);
        let run = refused(&shop, &PLAN, None);
        assert!(run.stderr.contains("input.yaml: line "), "{}", run.stderr);
    }
    // plan.json is JSON: as deep, and refused as what cannot be believed.
    shop.write("shop/deep/plan.json", format!("{}{}\n", "[".repeat(deep), "]".repeat(deep)));
    shop.run(&["review", "deep"]).exits(14);
}

#[test]
fn yaml_that_expands_without_end_is_refused() {
    let shop = Shop::new();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let before = n - 1;
        let ten = vec![format!("*a{before}"); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{ten}]\n"));
    }
    shop.write("shop/input.yaml", &bomb);
    refused(&shop, &PLAN, None);
    let keys: String = (0..200_000).map(|n| format!("k{n}: 1\n")).collect();
    let same = "same: 1\n".repeat(200_000);
    for input in [keys, same, "? ".repeat(50_000), "&a ".repeat(50_000), "!!x ".repeat(50_000)] {
        refused(&shop, &["plan", "-f", "-", "--name", "x"], Some(input.as_bytes()));
    }
    let told = {
        shop.write("shop/input.yaml", &bomb);
        refused_in_little(&shop, "\"$CS\" plan -f input.yaml --name x")
    };
    assert!(told.contains("[error]"), "{told}");
}

#[test]
fn bytes_that_are_no_text_and_names_that_are_no_names_are_refused() {
    let shop = Shop::new();
    let named = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\ndata: {{a: b}}\n"
        )
    };
    let space = |name: &str| named("a").replace("namespace: shop", &format!("namespace: {name}"));
    let proposal = |name: &str| {
        format!(
            "apiVersion: countersign/v1\nkind: Proposal\nname: {name}\nenvironment: prod\ntarget: manifests\noperations: []\n"
        )
    };
    for input in [
        b"kind: \xff\xfe\n".to_vec(),
        b"\xff\xfek\0i\0n\0d\0".to_vec(),
        b"kind: a\0b\n".to_vec(),
        named("\"a\\0b\"").into_bytes(),
        named("\"../../../etc/passwd\"").into_bytes(),
        named("..").into_bytes(),
        named("a/b").into_bytes(),
        named("\"a\\nb\"").into_bytes(),
        named("\"a\\u202Eb\"").into_bytes(),
        space("\"../x\"").into_bytes(),
        space("\"..\"").into_bytes(),
        named("a").replace("kind: ConfigMap", "kind: \"../Config\"").into_bytes(),
        proposal("../x").into_bytes(),
        proposal("..").into_bytes(),
        proposal("\"a\\0b\"").into_bytes(),
    ] {
        let line = ["plan", "-f", "-", "--env", "prod", "--target", "manifests"];
        let mut line = line.to_vec();
        if !input.starts_with(b"apiVersion: countersign") {
            line.extend(["--name", "x"]);
        }
        let run = refused(&shop, &line, Some(&input));
        let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
        assert!(run.stderr.chars().all(harmless), "{:?}", run.stderr);
    }
    for name in ["..", "../x", "a/b", "", "."] {
        shop.run(&["plan", "-f", "manifests/shop/web.yaml", "--name", name]).exits(64);
    }
}

#[test]
fn hostile_names_of_files_reach_the_terminal_escaped() {
    let shop = Shop::new();
    let name = "evil\u{1b}[2J\u{202e}.yaml";
    shop.write(&format!("shop/{name}"), "kind: x\n");
    let run = shop.run(&["plan", "-f", name, "--name", "x"]).exits(1);
    let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(run.stderr.chars().all(harmless), "{:?}", run.stderr);
}
