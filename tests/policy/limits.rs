//! Policies that run away, and programs that are no worker: each ends, in time, as an error.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign::policy::judge::{PolicyError, WorkerLimits, judge};

use super::{limits, load, program, small_plan, verdict_of};

const RULE: &str = "package main\ndeny contains \"x\" if false\n";

fn asked(program: &Path, limits: WorkerLimits) -> PolicyError {
    let bundle = load(&[("m.rego", RULE)]).unwrap();
    judge(program, &bundle, small_plan().to_string().as_bytes(), limits).unwrap_err()
}

#[test]
fn a_loop_without_end_is_stopped() {
    let rules = "package main\nn := numbers.range(1, 100000)\ndeny contains \"x\" if { n[_] + n[_] == n[_] * -1 }\n";
    let bundle = load(&[("m.rego", rules)]).unwrap();
    let limits = WorkerLimits { cpu_seconds: 1, ..limits() };
    let started = Instant::now();
    let error = judge(program(), &bundle, small_plan().to_string().as_bytes(), limits).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    match error {
        PolicyError::Refused(problems) => {
            assert!(problems[0].message.contains("took too long"), "{problems:?}");
        }
        PolicyError::Processor { seconds: 1 } => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_range_without_measure_is_refused() {
    for call in ["numbers.range(1, 60000000)", "numbers.range_step(0, 9000000000, 1)"] {
        let rules = format!("package main\ndeny contains \"x\" if count({call}) > 5\n");
        match verdict_of(&[("m.rego", &rules)]) {
            Err(PolicyError::Refused(problems)) => {
                assert!(problems[0].message.contains("more than 1000000"), "{problems:?}");
                assert_eq!((problems[0].file.as_str(), problems[0].line), ("p/m.rego", 2));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn memory_without_measure_ends_the_worker() {
    let rules = "package main
s0 := concat(\"\", [\"0123456789abcdef\" | some _ in numbers.range(1, 1000000)])
s1 := concat(\"\", [s0 | some _ in numbers.range(1, 1000)])
deny contains \"x\" if count(s1) > 5
";
    let bundle = load(&[("m.rego", rules)]).unwrap();
    let limits = WorkerLimits { memory_bytes: 256 << 20, cpu_seconds: 20, wall_seconds: 40 };
    let error = judge(program(), &bundle, small_plan().to_string().as_bytes(), limits).unwrap_err();
    assert!(matches!(error, PolicyError::Signal { .. }), "{error:?}");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn a_single_call_that_cannot_be_interrupted_is_ended_by_the_system() {
    let rules = "package main
s0 := concat(\"\", [\"a\" | some _ in numbers.range(1, 200000)])
deny contains \"x\" if count(indexof_n(s0, concat(\"\", [s0, \"b\"]))) > 5
deny contains \"y\" if count(net.cidr_expand(\"10.0.0.0/4\")) > 5
";
    let bundle = load(&[("m.rego", rules)]).unwrap();
    let limits = WorkerLimits { cpu_seconds: 1, memory_bytes: 1 << 30, wall_seconds: 20 };
    let started = Instant::now();
    let error = judge(program(), &bundle, small_plan().to_string().as_bytes(), limits).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(18), "{error:?}");
}

#[test]
fn a_program_that_is_no_worker_never_gives_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let short = WorkerLimits { wall_seconds: 1, ..limits() };
    assert!(matches!(asked(Path::new("/bin/false"), short), PolicyError::Code { code: 1, .. }));
    assert!(matches!(asked(Path::new("/bin/true"), short), PolicyError::Silent));
    assert!(matches!(asked(Path::new("/nowhere/countersign"), short), PolicyError::Start { .. }));
    let garbage = script("garbage", "cat > /dev/null; echo yes");
    assert!(matches!(asked(&garbage, limits()), PolicyError::Garbage(_)));
    let half = script("half", "cat > /dev/null; printf '{\"judged\":{\"deny\":[],\"warn\":[]'");
    assert!(matches!(asked(&half, limits()), PolicyError::Garbage(_)));
    let other = script("other", "cat > /dev/null; printf '{\"tested\":[]}'");
    assert!(matches!(asked(&other, limits()), PolicyError::Mismatch));
    // A good answer is worth nothing from a worker that then fails.
    let good = r#"{"judged":{"deny":[],"warn":[],"requireApproval":[],"rules":1}}"#;
    let failing = script("failing", &format!("cat > /dev/null; printf '{good}'; exit 3"));
    assert!(matches!(asked(&failing, limits()), PolicyError::Code { code: 3, .. }));
    let killed = script("killed", &format!("cat > /dev/null; printf '{good}'; kill -9 $$"));
    assert!(matches!(asked(&killed, limits()), PolicyError::Signal { signal: 9, .. }));
    let endless = script("endless", "exec cat /dev/zero");
    assert!(matches!(asked(&endless, limits()), PolicyError::TooLarge));
    let said = script("said", "echo out of luck >&2; exit 7");
    assert!(asked(&said, limits()).to_string().contains("out of luck"));
}

#[test]
fn a_program_that_never_ends_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let limits = WorkerLimits { wall_seconds: 1, ..limits() };
    for (name, text) in [
        ("sleeps", "exec sleep 600"),
        ("leaves", "sleep 600 & sleep 600"),
        ("closes", "exec 1>&-; exec sleep 600"),
        ("orphans", "sleep 600 & exit 0"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let started = Instant::now();
        let error = asked(&path, limits);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        assert!(matches!(error, PolicyError::Time { seconds: 1 }), "{name}: {error:?}");
    }
}

#[test]
fn a_plan_that_is_no_json_is_an_error() {
    let bundle = load(&[("m.rego", RULE)]).unwrap();
    for plan in [&b""[..], b"{", b"\xff", b"{\"a\":1}x"] {
        let error = judge(program(), &bundle, plan, limits()).unwrap_err();
        assert!(matches!(error, PolicyError::Refused(_)), "{plan:?}: {error:?}");
    }
}

#[test]
fn the_worker_sees_no_environment_and_says_so_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("env");
    std::fs::write(&path, "#!/bin/sh\ncat > /dev/null\n/usr/bin/env >&2\nexit 9\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    match asked(&path, limits()) {
        PolicyError::Code { said, .. } => {
            assert!(!said.contains("HOME=") && !said.contains("CARGO"), "{said}");
        }
        other => panic!("{other:?}"),
    }
}
