//! A runner of each service, as far as its documentation says what a job finds: a checkout, some
//! variables, and the shell that runs the steps. Born empty, and gone with its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::files;
use super::world::{BRANCH, Ended, World, bash, end};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    GitHub,
    GitLab,
}

/// What started the job.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Request,
    Push { before: String, after: String },
}

type Variables = BTreeMap<String, String>;

/// Runs one job on a runner of its own; `name` is that of its folder.
pub(super) fn run(world: &World, service: Service, job: &str, event: &Event, name: &str) -> Ended {
    let home = world.path("runners").join(name);
    let work = home.join("work/shop");
    fs::create_dir_all(&work).unwrap();
    let remote = format!("file://{}", world.path("shop.git").display());
    let mut variables = Variables::new();
    let mut set =
        |name: &str, value: &str| drop(variables.insert(name.to_owned(), value.to_owned()));
    set("CI", "true");
    // A test does not wait as long as a service does.
    set("WAIT", "1");
    let lines = match service {
        Service::GitHub => {
            set("GITHUB_ACTIONS", "true");
            set("GITHUB_STEP_SUMMARY", &home.join("summary.md").display().to_string());
            match event {
                Event::Request => {
                    set("GITHUB_HEAD_REF", BRANCH);
                    set("GITHUB_BASE_REF", "main");
                    set("GITHUB_REF_NAME", "1/merge");
                }
                Event::Push { after, .. } => {
                    set("GITHUB_REF_NAME", "main");
                    set("GITHUB_SHA", after);
                }
            }
            github(world, job, event, &remote, &work)
        }
        Service::GitLab => {
            set("GITLAB_CI", "true");
            set("CI_DEFAULT_BRANCH", "main");
            set("CI_PROJECT_URL", remote.strip_suffix(".git").unwrap());
            set("CI_PROJECT_DIR", &work.display().to_string());
            let (branch, head) = match event {
                Event::Request => {
                    set("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", BRANCH);
                    set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
                    set("COUNTERSIGN_PLANNER_KEY", &handed(world, "planner", &home));
                    (BRANCH, world.head(BRANCH))
                }
                Event::Push { before, after } => {
                    set("CI_COMMIT_BRANCH", "main");
                    set("CI_COMMIT_BEFORE_SHA", before);
                    set("COUNTERSIGN_APPLIER_KEY", &handed(world, "applier", &home));
                    ("main", after.clone())
                }
            };
            set("PUSH_TOKEN", "token");
            set("CI_COMMIT_SHA", &head);
            let fetch = format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
            let checkout = format!(
                "git init -q . && git remote add origin '{remote}'\n\
                 git fetch -q origin '{fetch}' && git checkout -q --detach {head}"
            );
            end(bash(&checkout, &work, &home)).exits(0);
            let lines = files::gitlab_lines(&files::gitlab(), job);
            vec![(format!("set -eo pipefail\n{}", lines.join("\n")), Variables::new())]
        }
    };
    let mut all = Ended { code: Some(0), stdout: String::new(), stderr: String::new() };
    for (line, own) in lines {
        let mut command = bash(&line, &work, &home);
        command.envs(&variables).envs(&own);
        let ended = end(command);
        all.code = ended.code;
        all.stdout.push_str(&ended.stdout);
        all.stderr.push_str(&ended.stderr);
        if all.code != Some(0) {
            break;
        }
    }
    assert!(!work.join("pwned").exists() && !home.join("pwned").exists(), "{all:#?}");
    all
}

/// A key as GitLab hands out a variable of the type file: everybody may read it.
fn handed(world: &World, role: &str, home: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.join(format!("{role}.variable"));
    fs::copy(world.machine(role), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path.display().to_string()
}

/// The steps of a job of GitHub Actions, after its checkout was made.
fn github(
    world: &World,
    job: &str,
    event: &Event,
    remote: &str,
    work: &Path,
) -> Vec<(String, Variables)> {
    let (workflow, before) = match event {
        Event::Request => (files::request(), ""),
        Event::Push { before, .. } => (files::merged(), before.as_str()),
    };
    let secret = |role: &str| fs::read_to_string(world.machine(role)).unwrap();
    let value = |expression: &str| match expression {
        "${{ secrets.COUNTERSIGN_PLANNER_KEY }}" => secret("planner"),
        "${{ secrets.COUNTERSIGN_APPLIER_KEY }}" => secret("applier"),
        "${{ secrets.COUNTERSIGN_DEPLOY_KEY }}" => "a key of ssh".to_owned(),
        "${{ github.event.pull_request.head.ref }}" => BRANCH.to_owned(),
        "${{ github.event.pull_request.user.login }}" => "Alice".to_owned(),
        "${{ github.event.before }}" => before.to_owned(),
        plain if !plain.contains("${{") => plain.to_owned(),
        other => panic!("{other}"),
    };
    let mut steps = Vec::new();
    for step in workflow["jobs"][job]["steps"].as_array().unwrap() {
        if let Some(run) = step["run"].as_str() {
            let own = step["env"].as_object().into_iter().flatten();
            let own = own.map(|(name, text)| (name.clone(), value(text.as_str().unwrap())));
            // How the service runs a step that names no shell.
            steps.push((format!("set -e\n{run}"), own.collect()));
            continue;
        }
        assert_eq!(step["uses"], "actions/checkout@v5");
        let inputs = &step["with"];
        assert_eq!(inputs["fetch-depth"], 0, "the steps below compare commits");
        let checkout = match (inputs["ref"].as_str().map(value), event) {
            (Some(branch), _) => format!("-B '{branch}' 'refs/remotes/origin/{branch}'"),
            (None, Event::Push { after, .. }) => format!("-B main {after}"),
            (None, Event::Request) => as_merged(world),
        };
        let home = work.parent().unwrap().parent().unwrap();
        let line = format!(
            "git init -q . && git remote add origin '{remote}'\n\
             git fetch -q origin '+refs/heads/*:refs/remotes/origin/*' '+refs/pull/*:refs/remotes/pull/*'\n\
             git checkout -q --force {checkout}"
        );
        end(bash(&line, work, home)).exits(0);
    }
    steps
}

/// The request as it would be merged, which the service keeps in a ref of its own.
fn as_merged(world: &World) -> String {
    let (base, head) = (world.head("main"), world.head(BRANCH));
    let tree = world.remote(&["merge-tree", "--write-tree", &base, &head]);
    let who = ["-c", "user.name=service", "-c", "user.email=service@git.test"];
    let make = ["commit-tree", "-m", "Merge", "-p", &base, "-p", &head, &tree];
    let commit = world.remote(&[&who[..], &make].concat());
    world.remote(&["update-ref", "refs/pull/1/merge", &commit]);
    "refs/remotes/pull/1/merge".to_owned()
}
