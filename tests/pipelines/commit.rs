//! `apply --commit`: what it refuses before anything is locked, what the branch gets, and what is
//! said where it gets nothing.

use countersign::clock::Instant;
use countersign::document::code::Code;

use super::world::{Ended, World, bash, end};

/// Flags of an apply in alice's clone.
fn apply(world: &World, flags: &str) -> Ended {
    let line = format!("countersign apply plans/scale-web --trusted . --commit {flags}");
    end(bash(&line, &world.path("alice/shop"), &world.path("alice")))
}

/// What must stay as it is when an apply is refused.
fn state(world: &World) -> (String, String) {
    let here = "git rev-parse HEAD; git status --porcelain; git diff; git diff --cached";
    (world.remote(&["for-each-ref"]), world.alice(here).stdout)
}

#[test]
fn what_is_not_as_the_branch_has_it_is_refused_before_the_lock() {
    let link = "git config core.symlinks false\n\
                id=$(printf web.yaml | git hash-object -w --stdin)\n\
                git update-index --add --cacheinfo 120000,$id,manifests/shop/link.yaml\n\
                git commit -qm 'A link' && git checkout -q -- manifests && git push -q";
    let module = "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),manifests/other\n\
                  git commit -qm 'A module' && mkdir manifests/other && git push -q";
    let attribute = |text: &str| {
        format!(
            "echo 'manifests/** {text}' >> .gitattributes && git add -A\n\
             git commit -qm Attributes && git push -q"
        )
    };
    let cases: [(&str, &str, i32, &[&str]); 19] = [
        ("git checkout -q --detach", "", 1, &["without its branch", "--branch NAME"]),
        ("git switch -qc other", "--branch main", 1, &["branch other is checked out"]),
        ("git switch -qc other", "", 1, &["origin has no branch other"]),
        ("git commit -qm More --allow-empty", "", 1, &["is checked out, and branch main", "push"]),
        (
            "git commit -qm More --allow-empty && git push -q && git reset -q --hard HEAD^",
            "",
            1,
            &["is checked out, and branch main of origin is at", "git pull --ff-only"],
        ),
        (
            "echo '# here' >> manifests/shop/api.yaml",
            "",
            1,
            &["manifests/shop/api.yaml (other bytes)", "git stash -u"],
        ),
        (
            "echo '# here' >> manifests/shop/api.yaml\n\
             git update-index --assume-unchanged manifests/shop/api.yaml",
            "",
            1,
            &["manifests/shop/api.yaml (other bytes)"],
        ),
        ("echo > manifests/shop/new.yaml", "", 1, &["manifests/shop/new.yaml (not committed)"]),
        (
            "echo > manifests/shop/new.yaml && echo new.yaml >> .git/info/exclude",
            "",
            1,
            &["manifests/shop/new.yaml (not committed)"],
        ),
        ("rm manifests/shop/worker.yaml", "", 1, &["manifests/shop/worker.yaml (gone)"]),
        (
            "cp manifests/shop/api.yaml ../api.yaml && echo '# x' >> manifests/shop/api.yaml\n\
             git add manifests && cp ../api.yaml manifests/shop/api.yaml",
            "",
            1,
            &["changes of the target are staged: manifests/shop/api.yaml"],
        ),
        (link, "", 16, &["manifests/shop/link.yaml is a symlink in Git"]),
        (module, "", 16, &["manifests/other is a submodule in Git"]),
        (&attribute("filter=other"), "", 16, &["change the bytes of", "attribute filter"]),
        (&attribute("ident"), "", 16, &["attribute ident"]),
        (&attribute("text eol=crlf"), "", 16, &["attribute eol=crlf", "-text"]),
        ("git config core.autocrlf true", "", 16, &["setting core.autocrlf"]),
        ("true", "--branch=-x", 64, &["cannot be used as a branch"]),
        ("true", "--abandon --reason x", 64, &["--abandon", "--commit"]),
    ];
    let world = World::new();
    world.approved_on_main();
    for (before, flags, code, words) in cases {
        let world = world.again();
        world.alice(before);
        let was = state(&world);
        let refused = apply(&world, flags).exits(code);
        for word in words {
            assert!(refused.stderr.contains(word), "{before}: no {word:?} in {refused:#?}");
        }
        assert_eq!(state(&world), was, "{before}");
    }
}

#[test]
fn without_a_git_ledger_it_is_a_wrong_command_line() {
    let world = World::new();
    world.approved_on_main();
    world.alice("sed -i '/^\\[ledger\\]/,$d' countersign.toml");
    apply(&world, "").exits(64).says("needs a ledger of kind `git`");
}

#[test]
fn a_plan_that_lies_elsewhere_is_refused() {
    let world = World::new();
    world.approved_on_main();
    world.alice("cp -r plans/scale-web ..");
    let line = "countersign apply ../scale-web --trusted . --commit";
    let refused = end(bash(line, &world.path("alice/shop"), &world.path("alice")));
    refused.exits(1).says("is not in the checkout");
}

/// What the commit of an apply must be, wherever it was made.
fn check(world: &World, before: &str) -> String {
    let head = world.head("main");
    assert_eq!(world.applies(), std::slice::from_ref(&head));
    assert_eq!(world.remote(&["rev-parse", &format!("{head}^")]), before);
    let files = world.remote(&["diff", "--name-status", "--no-renames", before, &head]);
    let files: Vec<_> = files.lines().collect();
    assert_eq!(files[..2], ["M\tmanifests/shop/config.yaml", "M\tmanifests/shop/web.yaml"]);
    let receipt = files[2].strip_prefix("A\t").unwrap();
    assert!(receipt.starts_with("plans/scale-web/receipts/"), "{files:?}");
    assert_eq!(files.len(), 3);
    receipt.to_owned()
}

#[test]
fn the_checkout_follows_and_git_finds_nothing_changed() {
    for (setting, flags, clean) in [
        ("true", "", "## main...origin/main\n"),
        ("git checkout -q --detach", "--branch main", "## HEAD (no branch)\n"),
        (
            "git config commit.gpgsign true && git config gpg.program false",
            "",
            "## main...origin/main\n",
        ),
        (
            "for hook in pre-commit pre-push reference-transaction; do\n\
               printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/$hook; chmod +x .git/hooks/$hook\n\
             done",
            "",
            "## main...origin/main\n",
        ),
    ] {
        let world = World::new();
        world.approved_on_main();
        let before = world.head("main");
        world.alice(setting);
        apply(&world, flags).exits(0).says("Committed to branch main: ");
        let receipt = check(&world, &before);
        let found = world.alice(&format!(
            "rm -f .git/hooks/*\ngit status --porcelain=v1 --branch\n\
             git diff HEAD --exit-code && test -f {receipt}"
        ));
        assert_eq!(found.stdout, clean, "{setting}");
        let head = world.alice("git rev-parse HEAD").stdout;
        assert_eq!(head.trim(), world.head("main"));
        // Its receipt is the one of the ledger.
        let kept = "git fetch -q origin countersign-ledger\n\
                    git ls-tree -r --name-only FETCH_HEAD receipt | while read -r name; do\n\
                      git show FETCH_HEAD:$name\n\
                    done";
        let kept = world.alice(kept).stdout;
        let committed = world.remote(&["show", &format!("main:{receipt}")]);
        assert_eq!(kept.trim_end(), committed, "{setting}");
    }
}

#[test]
fn its_message_says_what_was_applied_by_whom_and_who_approved() {
    let world = World::new();
    world.approved_on_main();
    apply(&world, "").exits(0);
    let told = world.remote(&["log", "-1", "--format=%an <%ae>%n%cn%n%B", "main"]);
    let digest = world.alice("sha256sum plans/scale-web/plan.json | cut -c 1-64").stdout;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(
        lines[..3],
        ["alice <alice@shop.test>", "alice", "Apply scale-web to prod/manifests"]
    );
    for line in [
        "2 files, as planned and approved, by applier.",
        &format!("Countersign-Plan: {}", digest.trim()),
        "Approved-by: bob",
        "Approved-by: carol",
    ] {
        assert!(lines.contains(&line), "no {line:?} in {told}");
    }
    // Git takes the last lines for trailers.
    let trailer = "--format=%(trailers:key=Countersign-Apply,valueonly)";
    assert_eq!(world.remote(&["log", "-1", trailer, "main"]).trim().len(), 32);
}

#[test]
fn a_project_may_lie_beneath_the_top_of_its_repository() {
    let world = World::new();
    world.approved_on_main();
    world.alice(
        "mkdir infra && git mv manifests plans policies trust.json countersign.toml infra\n\
         git commit -qm 'Further down' && git push -q",
    );
    let before = world.head("main");
    let (infra, home) = (world.path("alice/shop/infra"), world.path("alice"));
    let line = "countersign apply plans/scale-web --trusted . --commit";
    end(bash(line, &infra, &home)).exits(0);
    let files = world.remote(&["diff", "--name-only", &before, "main"]);
    let files: Vec<_> = files.lines().collect();
    assert_eq!(files[..2], ["infra/manifests/shop/config.yaml", "infra/manifests/shop/web.yaml"]);
    assert!(files[2].starts_with("infra/plans/scale-web/receipts/"), "{files:?}");
    assert_eq!(world.alice("git status --porcelain").stdout, "");
}

#[test]
fn a_new_file_a_removed_one_and_one_that_can_be_run_are_committed_as_they_are() {
    let world = World::new();
    world.alice(
        "chmod +x manifests/shop/web.yaml\n\
         printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: scrap, namespace: shop}\\n' \
           > manifests/shop/scrap.yaml\n\
         git add -A && git commit -qm Run && git push -q\n\
         cat > ../changes.yaml <<'END'\n\
         apiVersion: countersign/v1\n\
         kind: Proposal\n\
         name: scale-web\n\
         environment: prod\n\
         target: manifests\n\
         intent: {request: r, summary: s}\n\
         operations:\n\
         - patch: {resource: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}, \
                   merge: {spec: {replicas: 5}}}\n\
         - apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: extra, namespace: shop}, \
                   data: {a: b}}\n\
         - delete: {apiVersion: v1, kind: ConfigMap, namespace: shop, name: scrap}\n\
         END\n",
    );
    world.planned_on_main("../changes.yaml");
    let before = world.head("main");
    apply(&world, "").exits(0);
    let found = world.remote(&["diff", "--raw", "--no-renames", "--abbrev=4", &before, "main"]);
    let found: Vec<String> = found
        .lines()
        .map(|line| {
            let parts: Vec<_> = line.split_whitespace().collect();
            [parts[0], parts[1], parts[4], parts[5]].join(" ")
        })
        .collect();
    assert_eq!(
        found[..3],
        [
            ":000000 100644 A manifests/shop/configmap-extra.yaml",
            ":100644 000000 D manifests/shop/scrap.yaml",
            ":100755 100755 M manifests/shop/web.yaml",
        ]
    );
    assert_eq!(world.alice("git status --porcelain").stdout, "");
}

#[test]
fn a_shallow_clone_and_a_linked_work_tree_commit_as_well() {
    for make in [
        "git clone -q --depth 1 \"file://$HOME/../shop.git\" ../other",
        "git worktree add -q --detach ../other main",
    ] {
        let world = World::new();
        world.approved_on_main();
        let before = world.head("main");
        world.alice(make);
        let line = "countersign apply plans/scale-web --trusted . --commit --branch main";
        end(bash(line, &world.path("alice/other"), &world.path("alice"))).exits(0);
        check(&world, &before);
        let status =
            bash("git status --porcelain", &world.path("alice/other"), &world.path("alice"));
        assert_eq!(end(status).exits(0).stdout, "");
    }
}

/// How an apply goes on that others, or the remote, kept from landing.
fn resumed(world: &World) {
    let line = "git stash -q -u && git pull -q --ff-only";
    world.alice(line);
    let before = world.head("main");
    apply(world, "").exits(15).says("begun").says("resume it with `--commit` as well");
    apply(world, "--resume").exits(0);
    check(world, &before);
    assert_eq!(world.alice("git status --porcelain").stdout, "");
}

#[test]
fn a_branch_that_moved_meanwhile_gets_nothing_and_neither_does_the_ledger() {
    let world = World::new();
    world.approved_on_main();
    world.alice("git commit -q --allow-empty -m Other && git push -q origin HEAD:other && git reset -q --hard HEAD^");
    let other = world.head("other");
    // Once the approvals are spent, somebody else's push to the branch lands.
    world.hook(
        "post-receive",
        "#!/bin/sh\nn=$(( $(cat pushes 2>/dev/null || echo 0) + 1 )); echo $n > pushes\n\
         if [ $n = 2 ]; then git update-ref refs/heads/main refs/heads/other; fi\n",
    );
    let ended = apply(&world, "").exits(20);
    for words in [
        "nothing was committed; the files are written in this checkout only [apply_failed_clean]",
        "branch main did not take the commit; neither it nor the ledger was changed",
        "check out what the branch is at now, then `countersign apply plans/scale-web --resume --commit`",
    ] {
        assert!(ended.stderr.contains(words), "no {words:?} in {ended:#?}");
    }
    assert_eq!(world.head("main"), other);
    assert!(world.applies().is_empty());
    assert_eq!(world.alice("countersign log").stdout.matches("APPLIED").count(), 0);
    let web = std::fs::read_to_string(world.path("alice/shop/manifests/shop/web.yaml")).unwrap();
    assert!(web.contains("replicas: 5"));
    resumed(&world);
}

#[test]
fn a_remote_that_refuses_is_heard() {
    let world = World::new();
    world.approved_on_main();
    let before = world.remote(&["rev-parse", "main"]);
    let hook = "#!/bin/sh\nwhile read -r old new name; do\n\
                  if [ $name = refs/heads/main ]; then echo 'only on Tuesdays' >&2; exit 1; fi\n\
                done\n";
    world.hook("pre-receive", hook);
    apply(&world, "").exits(20).says("only on Tuesdays").says("in this checkout only");
    assert_eq!(world.head("main"), before);
    world.hook("pre-receive", "#!/bin/sh\n");
    resumed(&world);
}

#[test]
fn files_that_a_resume_finds_written_need_not_be_taken_back() {
    let world = World::new();
    world.approved_on_main();
    let before = world.head("main");
    let hook = "#!/bin/sh\ngrep -q refs/heads/main && exit 1\nexit 0\n";
    world.hook("pre-receive", hook);
    apply(&world, "").exits(20);
    world.hook("pre-receive", "#!/bin/sh\n");
    apply(&world, "--resume").exits(0).says("was written already");
    check(&world, &before);
    assert_eq!(world.alice("git status --porcelain").stdout, "");
}

#[test]
fn an_index_that_cannot_be_written_is_a_warning() {
    let world = World::new();
    world.approved_on_main();
    let before = world.head("main");
    world.alice("touch .git/index.lock");
    apply(&world, "")
        .exits(0)
        .says("the remote has the commit, and this checkout does not follow it");
    check(&world, &before);
    world.alice("rm .git/index.lock && git reset -q && git diff --exit-code HEAD");
}

#[test]
fn an_apply_that_stopped_commits_nothing_and_says_so() {
    let world = World::new();
    world.approved_on_main();
    let before = world.head("main");
    // Once the approvals are spent, somebody touches a file of the plan.
    let file = world.path("alice/shop/manifests/shop/config.yaml");
    world.hook(
        "post-receive",
        &format!(
            "#!/bin/sh\nn=$(( $(cat pushes 2>/dev/null || echo 0) + 1 )); echo $n > pushes\n\
             if [ $n = 2 ]; then echo '# by hand' >> '{}'; fi\n",
            file.display()
        ),
    );
    apply(&world, "").exits(20).says("nothing was committed, because a part of a change never is");
    assert_eq!(world.head("main"), before);
    world.alice("git checkout -q -- manifests && rm -r plans/scale-web/receipts");
    resumed(&world);
}

#[test]
fn an_apply_that_stopped_half_way_commits_nothing_and_is_ended_from_a_fresh_clone() {
    let world = World::new();
    world.approved_on_main();
    let before = world.head("main");
    // Once the first file is written, somebody touches the second.
    let shop = world.path("alice/shop/manifests/shop");
    let clock = move || {
        let text = |name: &str| std::fs::read_to_string(shop.join(name)).unwrap();
        let config = text("config.yaml");
        if text("web.yaml").contains("replicas: 5") && !config.ends_with("# by hand\n") {
            std::fs::write(shop.join("config.yaml"), config + "# by hand\n").unwrap();
        }
        Instant::now()
    };
    let line = ["apply", "plans/scale-web", "--trusted", ".", "--commit"];
    let (code, told) = world.in_process(&line, clock);
    assert_eq!(code, Code::ApplyPartial, "{told}");
    assert!(told.contains("a part of a change never is"), "{told}");
    assert!(told.contains("`countersign apply plans/scale-web --resume --commit`"), "{told}");
    assert_eq!(world.head("main"), before);
    assert!(world.alice("countersign log").stdout.contains("PARTIAL"));
    world.alice("git clone -q \"file://$HOME/../shop.git\" ../fresh");
    let fresh = |line| end(bash(line, &world.path("alice/fresh"), &world.path("alice")));
    // Ended without its commit, it would be lost with the checkout.
    fresh("countersign apply plans/scale-web --trusted . --resume")
        .exits(15)
        .says("was begun that commits to branch main")
        .says("`--resume --commit`");
    assert_eq!(world.head("main"), before);
    fresh("countersign apply plans/scale-web --trusted . --commit --resume").exits(0);
    check(&world, &before);
}

#[test]
fn a_landing_whose_answer_was_lost_is_found_in_the_remote() {
    let world = World::new();
    world.approved_on_main();
    let before = world.head("main");
    world.alice("sed -i '/^lease-seconds/d' countersign.toml");
    let hook = "#!/bin/sh\ngrep -q refs/heads/main && sleep 20\nexit 0\n";
    world.hook("post-receive", hook);
    apply(&world, "").exits(0).says("Committed to branch main: ");
    check(&world, &before);
}
