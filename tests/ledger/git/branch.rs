//! A branch that is a ledger, is none, or is one no longer.

use countersign::git::Repository;
use countersign::ledger::git::Git;
use countersign::ledger::store::{Along, Change, Store as _, StoreError};

use super::*;

#[test]
fn the_history_of_the_branch_says_who_did_what() {
    let server = Server::new();
    let (clone, ledger) = made(&server);
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10, 11]), id(100), false).unwrap();
    finish(&ledger, spent, countersign::document::statement::Outcome::Applied).unwrap();
    let log = git(&server.bare(), &["log", "--format=%an <%ae> %s", BRANCH]);
    assert!(log.ends_with("countersign <runner> Make the ledger of project shop"), "{log}");
    assert!(log.lines().all(|line| line.starts_with("countersign <runner> ")), "{log}");
    assert!(log.contains(&format!("for plan {}", plan("a"))), "{log}");
    let body = git(&server.bare(), &["log", "-1", "--format=%(trailers)", BRANCH]);
    assert!(body.contains("Change: ") && body.contains("By: applier"), "{body}");
    // One root of its own, and nothing of the project in it.
    let roots = git(&server.bare(), &["rev-list", "--max-parents=0", BRANCH]);
    assert_ne!(roots, git(&server.bare(), &["rev-list", "--max-parents=0", "main"]));
    let files = git(&server.bare(), &["ls-tree", "-r", "--name-only", BRANCH]);
    assert!(files.lines().all(|file| file.ends_with(".json")), "{files}");
    assert_eq!(git(&clone, &["status", "--porcelain"]), "");
}

#[test]
fn a_missing_branch_is_a_missing_ledger() {
    let server = Server::new();
    let clone = server.clone("one", &[]);
    match opened(&clone, &server) {
        Err(StoreError::Missing(place)) => {
            assert_eq!(place, format!("branch {BRANCH} of origin ({})", server.address()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.tip(BRANCH), "");
}

#[test]
fn a_place_that_is_no_branch_of_a_remote_is_refused() {
    let server = Server::new();
    let repository = server.cloned("one");
    for (remote, branch) in [
        ("origin", "-x"),
        ("origin", "a..b"),
        ("origin", ""),
        ("--upload-pack=touch x", BRANCH),
        ("ext::sh -c x", BRANCH),
        ("elsewhere", BRANCH),
    ] {
        let place = GitPlace { remote: remote.to_owned(), ..at(branch) };
        let refused = Git::open(&repository, place);
        assert!(
            matches!(refused, Err(StoreError::Unusable { .. })),
            "{remote} {branch}: {refused:?}"
        );
    }
}

#[test]
fn a_branch_of_something_else_is_neither_read_nor_written() {
    let server = Server::new();
    let repository = server.cloned("one");
    let before = server.tip("main");
    for refused in [Git::open(&repository, at("main")), Git::create(&repository, at("main"))] {
        let error = refused.unwrap_err();
        let StoreError::Unusable { source, .. } = &error else { panic!("{error:?}") };
        assert!(source.to_string().contains("name"), "{source}");
    }
    assert_eq!(server.tip("main"), before);
}

#[test]
fn a_tree_that_no_ledger_writes_is_refused() {
    let server = Server::new();
    let (_, ledger) = made(&server);
    let clone = server.clone("meddler", &["--branch", BRANCH]);
    let good = server.tip(BRANCH);
    let cases: [(&str, &dyn Fn()); 5] = [
        ("plan/a", &|| std::os::unix::fs::symlink("head.json", clone.join("plan/a.json")).unwrap()),
        ("trust", &|| std::fs::create_dir(clone.join("trust.json")).unwrap()),
        ("link", &|| std::os::unix::fs::symlink("plan", clone.join("link")).unwrap()),
        ("sub", &|| {
            let head = git(&clone, &["rev-parse", "HEAD"]);
            let info = format!("160000,{head},sub.json");
            git(&clone, &["update-index", "--add", "--cacheinfo", &info]);
        }),
        ("gone", &|| std::fs::remove_file(clone.join("head.json")).unwrap()),
    ];
    for (what, meddle) in cases {
        git(&clone, &["reset", "--quiet", "--hard", &good]);
        std::fs::create_dir_all(clone.join("plan")).unwrap();
        meddle();
        if what == "trust" {
            std::fs::write(clone.join("trust.json/x"), "").unwrap();
        }
        if what != "sub" {
            git(&clone, &["add", "--all"]);
        }
        git(&clone, &["commit", "--quiet", "-m", what]);
        git(&clone, &["push", "--quiet", "--force", "origin", BRANCH]);
        let refused = opened(&clone, &server);
        match (what, &refused) {
            ("link" | "gone", Err(StoreError::Unusable { .. })) => {}
            (_, Err(StoreError::Damaged(name))) => assert_eq!(name.as_str(), what),
            (_, other) => panic!("{what}: {other:?}"),
        }
        git(
            &clone,
            &["push", "--quiet", "--force", "origin", &format!("{good}:refs/heads/{BRANCH}")],
        );
    }
    // Other files are in nobody's way.
    git(&clone, &["reset", "--quiet", "--hard", &good]);
    std::fs::write(clone.join("README.md"), "").unwrap();
    git(&clone, &["add", "--all"]);
    git(&clone, &["commit", "--quiet", "-m", "Words"]);
    git(&clone, &["push", "--quiet", "origin", BRANCH]);
    assert_eq!(opened(&clone, &server).unwrap().names(&name("plan")).unwrap(), []);
    assert!(ledger.refresh().is_ok());
}

#[test]
fn a_branch_that_was_rewound_replaced_or_deleted_is_noticed() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let older = server.tip(BRANCH);
    write(&store(&clone, &server), "plan/a", "1", None).unwrap();
    let newer = server.tip(BRANCH);
    let fresh = server.clone("fresh", &[]);
    let seen = opened(&fresh, &server).unwrap();
    assert_eq!(seen.position().unwrap(), newer);
    assert!(seen.follows(&older).unwrap() && seen.follows(&newer).unwrap());
    for earlier in [server.tip("main"), "a".repeat(40), "b".repeat(64), String::new()] {
        assert!(!seen.follows(&earlier).unwrap(), "{earlier}");
    }
    let orphan = {
        let tree = git(&clone, &["rev-parse", &format!("{newer}^{{tree}}")]);
        git(&clone, &["commit-tree", "-m", "Like new", &tree])
    };
    git(&clone, &["push", "--quiet", "origin", &format!("{orphan}:refs/heads/orphan")]);
    for to in [&older, &orphan] {
        git(&server.bare(), &["update-ref", &format!("refs/heads/{BRANCH}"), to]);
        let later = opened(&server.clone(&format!("after-{to}"), &[]), &server).unwrap();
        assert!(!later.follows(&newer).unwrap(), "{to}");
        // Whoever has the snapshot sees that by itself, and a write of its does not land.
        let rewound = write(&seen, "plan/b", "2", None);
        assert!(matches!(rewound, Err(StoreError::Rewound { .. })), "{to}: {rewound:?}");
        assert!(matches!(seen.refresh(), Err(StoreError::Rewound { .. })));
        assert_eq!(server.tip(BRANCH), *to);
    }
    git(&server.bare(), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    let gone = write(&seen, "plan/b", "2", None);
    assert!(matches!(gone, Err(StoreError::Rewound { .. })), "{gone:?}");
    assert!(matches!(opened(&fresh, &server), Err(StoreError::Missing(_))));
    assert_eq!(server.tip(BRANCH), "");
}

#[test]
fn shallow_single_branch_and_partial_clones_have_the_whole_ledger() {
    let server = Server::new();
    git(&server.bare(), &["config", "uploadpack.allowFilter", "true"]);
    let (_, ledger) = made(&server);
    let first = server.tip(BRANCH);
    drop(locked(&ledger, "main", plan("a"), false));
    drop(locked(&ledger, "other", plan("b"), false));
    for (number, options) in [
        &["--depth=1"][..],
        &["--depth=1", "--no-single-branch"],
        &["--single-branch"],
        &["--filter=blob:none"],
        &["--filter=tree:0", "--no-checkout"],
        &["--bare"],
        &[],
    ]
    .into_iter()
    .enumerate()
    {
        let clone = server.clone(&format!("clone-{number}"), options);
        let shallow = |clone| git(clone, &["rev-parse", "--is-shallow-repository"]);
        let before = shallow(&clone);
        let store = opened(&clone, &server).unwrap();
        assert!(store.follows(&first).unwrap(), "{options:?}");
        write(&store, &format!("plan/{number}"), "{}", None).unwrap();
        store.refresh().unwrap();
        let ledger = found(&clone, &server).unwrap();
        assert_eq!(ledger.locks().unwrap().len(), 2, "{options:?}");
        assert_eq!(shallow(&clone), before, "{options:?}");
        if before == "true" {
            assert_eq!(git(&clone, &["rev-list", "--count", "HEAD"]), "1", "{options:?}");
        }
    }
}

#[test]
fn a_repository_of_sha256_and_a_user_without_a_name_write_too() {
    let server = Server::of("sha256");
    let (clone, ledger) = made(&server);
    // Nobody has configured who they are, and signing would need a key.
    git(&clone, &["config", "commit.gpgsign", "true"]);
    git(&clone, &["config", "user.useConfigOnly", "true"]);
    git(&clone, &["config", "gpg.program", "false"]);
    drop(locked(&ledger, "main", plan("a"), false));
    assert_eq!(server.tip(BRANCH).len(), 64);
    assert_eq!(found(&server.clone("other", &[]), &server).unwrap().locks().unwrap().len(), 1);
}

#[test]
fn a_branch_that_goes_along_lands_with_the_change_or_neither_does() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let repository = Repository::open(&clone, server.surroundings()).unwrap();
    let store = store(&clone, &server);
    let main = repository.head().unwrap().unwrap();
    let commit = |text: &str| {
        let author = at(BRANCH).author;
        let bytes = text.as_bytes().to_vec();
        let edits =
            vec![countersign::git::Edit::Put { path: "README".into(), bytes, executable: false }];
        let message = text.to_owned();
        let new = countersign::git::NewCommit { parent: Some(&main), edits, author, message };
        repository.commit(&new).unwrap().commit
    };
    let along = |from: &str, to: &str| {
        let put = put("plan/a", "1", None);
        let along = Along { branch: "main".into(), from: from.into(), to: to.into() };
        Change { along: Some(along), ..Change::of("Apply", put) }
    };
    let (one, other) = (commit("one"), commit("other"));
    let ledger = server.tip(BRANCH);
    let refused = |store: &Git, change: &Change, words: &str| {
        match store.write(change) {
            Err(StoreError::Branch { branch, source }) => {
                assert_eq!(branch, "main");
                assert!(source.to_string().contains(words), "{source}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.tip(BRANCH), ledger);
        assert_ne!(server.tip("main"), one.to_string());
    };
    refused(&store, &along(other.as_str(), one.as_str()), "no longer at commit");
    refused(&store, &along("main", one.as_str()), "cannot be used as");
    server.hook("update", "case $1 in */main) echo 'main is protected' >&2; exit 1; esac");
    refused(&store, &along(main.as_str(), one.as_str()), "main is protected");
    std::fs::remove_file(server.bare().join("hooks/update")).unwrap();
    git(&server.bare(), &["config", "receive.advertiseAtomic", "false"]);
    refused(&store, &along(main.as_str(), one.as_str()), "does not support --atomic");
    git(&server.bare(), &["config", "receive.advertiseAtomic", "true"]);
    // Somebody else wrote another record meanwhile: both land on top of it.
    write(&opened(&server.clone("else", &[]), &server).unwrap(), "plan/b", "2", None).unwrap();
    store.write(&along(main.as_str(), one.as_str())).unwrap();
    assert_eq!(server.tip("main"), one.to_string());
    let after = opened(&server.clone("after", &[]), &server).unwrap();
    assert_eq!(bytes(&after, "plan/a"), Some(b"1".to_vec()));
    assert_eq!(bytes(&after, "plan/b"), Some(b"2".to_vec()));
}

#[test]
fn a_change_is_one_commit_and_one_push_and_a_look_is_one_fetch() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let (program, runs) = (server.folder.path().join("git"), server.folder.path().join("runs"));
    // Only the commands of git have a name of lower-case letters that follows the settings.
    let script = format!(
        "for word; do case $word in rev-parse|ls-tree|cat-file|merge-base|fetch|push|remote|fast-import) echo $word >> {}; break;; esac; done\nexec git \"$@\"",
        runs.display()
    );
    script_at(&program, &script);
    let mut surroundings = server.surroundings();
    surroundings.program = program;
    let ran = || {
        let text = std::fs::read_to_string(&runs).unwrap_or_default();
        std::fs::write(&runs, "").unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let repository = Repository::open(&clone, surroundings).unwrap();
    let store = Git::open(&repository, at(BRANCH)).unwrap();
    assert_eq!(ran(), ["rev-parse", "remote", "fetch", "rev-parse", "ls-tree"]);
    let puts = vec![put("plan/a", "1", None), put("plan/b", "1", None), put("lock/a", "1", None)];
    let several = Change { why: "Several".into(), steps: vec![puts], along: None };
    let versions = store.write(&several).unwrap();
    assert_eq!(ran(), ["fast-import", "push"]);
    // What was written needs no reading.
    assert_eq!(bytes(&store, "plan/a"), Some(b"1".to_vec()));
    store.refresh().unwrap();
    assert_eq!(ran(), ["fetch", "rev-parse"]);
    let other = opened(&server.clone("other", &[]), &server).unwrap();
    write(&other, "plan/c", "1", None).unwrap();
    store.refresh().unwrap();
    assert_eq!(ran(), ["fetch", "rev-parse", "cat-file", "merge-base", "ls-tree"]);
    assert_eq!(store.read(&[name("plan/c"), name("head"), name("plan/a")]).unwrap().len(), 3);
    assert_eq!(ran(), ["cat-file"]);
    write(&other, "plan/d", "1", None).unwrap();
    write(&store, "plan/a", "2", Some(&versions[0])).unwrap();
    let change = ["fast-import", "push"];
    let look = ["fetch", "rev-parse", "cat-file", "merge-base", "ls-tree"];
    // The second look finds that the first push had not landed.
    let whether = ["cat-file", "merge-base"];
    assert_eq!(ran(), [&change[..], &look, &whether, &change].concat());
}
