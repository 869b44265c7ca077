//! What must stand in the files of the pipelines, whoever changes them.

use std::path::PathBuf;

use serde_json::Value;

pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/pipelines")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

pub(super) fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(super) fn request() -> Value {
    yaml("github-actions/countersign-request.yml")
}

pub(super) fn merged() -> Value {
    yaml("github-actions/countersign-apply.yml")
}

pub(super) fn gitlab() -> Value {
    yaml("gitlab/.gitlab-ci.yml")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn jobs(workflow: &Value) -> Vec<(&str, &Value)> {
    let jobs = workflow["jobs"].as_object().unwrap();
    jobs.iter().map(|(name, job)| (name.as_str(), job)).collect()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().unwrap()
}

#[test]
fn a_request_runs_without_the_rights_of_the_base_branch() {
    let (request, merged) = (request(), merged());
    assert_eq!(keys(&request["on"]), ["pull_request"]);
    assert_eq!(keys(&merged["on"]), ["push"]);
    for event in [&request["on"]["pull_request"], &merged["on"]["push"]] {
        assert_eq!(event["branches"], serde_json::json!(["main"]));
    }
    let plan = &request["jobs"]["plan"];
    assert_eq!(plan["if"], "github.event.pull_request.head.repo.full_name == github.repository");
    // A check of a job that was skipped counts as passed.
    let verify = &request["jobs"]["verify"];
    assert!(verify.get("if").is_none() && verify.get("needs").is_none(), "{verify}");
}

#[test]
fn every_job_has_the_least_rights() {
    for (workflow, expected) in [
        (request(), vec![("plan", "write"), ("verify", "read")]),
        (merged(), vec![("apply", "read")]),
    ] {
        assert_eq!(workflow["permissions"], serde_json::json!({}));
        let found: Vec<_> = jobs(&workflow)
            .into_iter()
            .map(|(name, job)| {
                assert_eq!(keys(&job["permissions"]), ["contents"]);
                (name.to_owned(), job["permissions"]["contents"].as_str().unwrap().to_owned())
            })
            .collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn no_run_is_forgotten_and_none_is_cut_off() {
    for workflow in [request(), merged()] {
        assert_eq!(workflow["concurrency"]["cancel-in-progress"], false);
    }
    // A waiting run is cancelled by the next one of its group.
    let group = merged()["concurrency"]["group"].as_str().unwrap().to_owned();
    assert!(group.ends_with("${{ github.sha }}"), "{group}");
    assert_eq!(gitlab()["apply"]["resource_group"], "production");
}

#[test]
fn nothing_that_somebody_chose_stands_in_a_script() {
    for workflow in [request(), merged()] {
        for (name, job) in jobs(&workflow) {
            for step in steps(job) {
                let run = step["run"].as_str().unwrap_or_default();
                assert!(!run.contains("${{"), "{name}: {run}");
                let uses = step["uses"].as_str().unwrap_or("actions/checkout@v5");
                assert_eq!(uses, "actions/checkout@v5", "{name}");
            }
        }
    }
    // Every use of a variable is quoted: a branch may be called `$(…)` or `a b`.
    let github = [request(), merged()];
    let runs = github.iter().flat_map(jobs).flat_map(|(_, job)| steps(job));
    let runs = runs.filter_map(|step| step["run"].as_str().map(str::to_owned));
    let gitlab = gitlab();
    let lines = ["plan", "verify", "apply"].map(|job| gitlab_lines(&gitlab, job).join("\n"));
    for run in runs.chain(lines) {
        for line in run.lines() {
            let bare = line.split('"').step_by(2).any(|outside| outside.contains('$'));
            assert!(!bare, "{line}");
        }
    }
}

#[test]
fn secrets_reach_only_the_step_that_needs_them() {
    let mut found = Vec::new();
    for workflow in [request(), merged()] {
        let whole = workflow.to_string();
        let mut told = 0;
        for (name, job) in jobs(&workflow) {
            for step in steps(job) {
                for place in ["env", "with"] {
                    let Some(values) = step[place].as_object() else { continue };
                    for value in values.values().filter_map(Value::as_str) {
                        if value.contains("secrets.") {
                            told += 1;
                            found.push(format!("{name}: {value}"));
                        }
                    }
                }
            }
        }
        assert_eq!(whole.matches("secrets.").count(), told, "a secret outside of a step");
    }
    found.sort();
    assert_eq!(
        found,
        [
            "apply: ${{ secrets.COUNTERSIGN_APPLIER_KEY }}",
            "apply: ${{ secrets.COUNTERSIGN_DEPLOY_KEY }}",
            "plan: ${{ secrets.COUNTERSIGN_PLANNER_KEY }}",
        ]
    );
    assert_eq!(merged()["jobs"]["apply"]["environment"], "production");
    assert_eq!(gitlab()["apply"]["environment"], "production");
}

#[test]
fn trust_never_comes_from_what_is_judged() {
    let script = text("ci/countersign");
    for command in ["plan -f", "verify \"", "apply \""] {
        let uses: Vec<_> = script
            .lines()
            .filter(|line| line.contains(&format!("countersign {command}")))
            .collect();
        assert!(!uses.is_empty(), "{command}");
        for line in uses {
            assert!(line.contains("--trusted \"$trusted\""), "{line}");
        }
    }
    // Only the copy of the trusted checkout runs.
    let (request, merged, gitlab) = (request(), merged(), gitlab());
    let github = |workflow: &Value, job: &str| -> Vec<String> {
        let job = &workflow["jobs"][job];
        let runs = steps(job).iter().filter_map(|step| step["run"].as_str());
        runs.flat_map(str::lines).map(str::to_owned).collect()
    };
    for (job, lines) in [
        ("plan", github(&request, "plan")),
        ("verify", github(&request, "verify")),
        ("apply", github(&merged, "apply")),
        ("plan", gitlab_lines(&gitlab, "plan")),
        ("verify", gitlab_lines(&gitlab, "verify")),
        ("apply", gitlab_lines(&gitlab, "apply")),
    ] {
        let uses: Vec<_> = lines.iter().filter(|line| line.contains("ci/countersign")).collect();
        assert!(!uses.is_empty(), "{job}");
        for line in uses {
            assert!(line.starts_with("\"$trusted/ci/countersign\" "), "{line}");
        }
        let from = lines.iter().find(|line| line.contains("worktree add")).unwrap();
        let before = ["\"$BEFORE\"", "\"$CI_COMMIT_BEFORE_SHA\""];
        assert_eq!(job == "apply", before.iter().any(|end| from.ends_with(end)), "{from}");
    }
}

/// The shell lines of a GitLab job.
pub(super) fn gitlab_lines(pipeline: &Value, job: &str) -> Vec<String> {
    let lines = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let before = lines(&pipeline["default"]["before_script"]);
    before.into_iter().chain(lines(&pipeline[job]["script"])).collect()
}

#[test]
fn both_services_take_the_same_steps() {
    let names = [
        ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        ("GITHUB_REF_NAME", "CI_COMMIT_BRANCH"),
        ("GITHUB_SHA", "CI_COMMIT_SHA"),
        ("BEFORE", "CI_COMMIT_BEFORE_SHA"),
        (">> \"$GITHUB_STEP_SUMMARY\"", "> review.md"),
    ];
    for (workflow, job) in [(request(), "plan"), (request(), "verify"), (merged(), "apply")] {
        let runs = steps(&workflow["jobs"][job]).iter().filter_map(|step| step["run"].as_str());
        let github: Vec<String> = runs.flat_map(str::lines).map(str::to_owned).collect();
        let translated = github.iter().map(|line| {
            names.iter().fold(line.clone(), |line, (one, other)| line.replace(one, other))
        });
        assert_eq!(translated.collect::<Vec<_>>(), gitlab_lines(&gitlab(), job));
    }
}
