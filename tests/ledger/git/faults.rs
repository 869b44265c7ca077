//! A remote that refuses, hangs, answers late or is not there; locks that git left behind.

use std::time::{Duration, Instant};

use countersign::git::Repository;
use countersign::ledger::store::{Store as _, StoreError};

use super::*;

/// A store whose git has less patience.
fn hasty(clone: &Path, server: &Server, patience: u64) -> Git {
    let mut surroundings = server.surroundings();
    surroundings.patience = Duration::from_secs(patience);
    Git::open(&Repository::open(clone, surroundings).unwrap(), at(BRANCH)).unwrap()
}

#[test]
fn a_refusal_shows_the_words_of_the_remote_and_writes_nothing() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let store = opened(&clone, &server).unwrap();
    let before = server.tip(BRANCH);
    for hook in ["pre-receive", "update"] {
        server.hook(hook, "echo 'only the robot \\033[2Jmay do that' >&2\nexit 1");
        match write(&store, "plan/a", "1", None) {
            Err(StoreError::Unusable { source, .. }) => {
                let said = source.to_string();
                assert!(said.contains("only the robot \\u{1b}[2Jmay do that"), "{hook}: {said}");
            }
            other => panic!("{hook}: {other:?}"),
        }
        assert_eq!(server.tip(BRANCH), before);
        assert_eq!(bytes(&store, "plan/a"), None);
        std::fs::remove_file(server.bare().join("hooks").join(hook)).unwrap();
    }
    write(&store, "plan/a", "1", None).unwrap();
}

#[test]
fn a_push_that_landed_without_an_answer_is_found_in_the_history() {
    let server = Server::new();
    let (clone, _) = made(&server);
    for (name, hook) in [
        // Its parent is the program that would answer.
        ("plan/cut", "kill -KILL $PPID"),
        ("plan/late", "sleep 60"),
    ] {
        let store = hasty(&clone, &server, 4);
        let once = server.folder.path().join(name.replace('/', "-"));
        server.hook(
            "post-receive",
            &format!("test -e {0} && exit\ntouch {0}\n{hook}", once.display()),
        );
        let began = Instant::now();
        let version = write(&store, name, "1", None).unwrap();
        assert!(once.exists() && began.elapsed() < Duration::from_secs(40), "{name}");
        assert_eq!(store.position().unwrap(), server.tip(BRANCH), "{name}");
        // Known in full: the next change goes on top of it at once.
        write(&store, name, "2", Some(&version)).unwrap();
        let count = git(&server.bare(), &["log", "--format=%s", BRANCH]);
        assert_eq!(count.matches(&format!("Write {name}")).count(), 2, "{count}");
    }
}

#[test]
fn a_push_that_was_lost_on_its_way_is_sent_again() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let store = opened(&clone, &server).unwrap();
    let once = server.folder.path().join("once");
    server.hook(
        "pre-receive",
        &format!("test -e {0} && exit\ntouch {0}\nkill -KILL $PPID", once.display()),
    );
    write(&store, "plan/a", "1", None).unwrap();
    assert!(once.exists());
    assert_eq!(store.position().unwrap(), server.tip(BRANCH));
}

#[test]
fn a_push_whose_outcome_cannot_be_read_back_is_unknown() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let store = opened(&clone, &server).unwrap();
    let away = server.folder.path().join("away");
    let script = format!("mv {} {}\nkill -KILL $PPID", server.bare().display(), away.display());
    server.hook("post-receive", &script);
    let unknown = write(&store, "plan/a", "1", None);
    assert!(matches!(unknown, Err(StoreError::Unknown { .. })), "{unknown:?}");
    std::fs::rename(&away, server.bare()).unwrap();
    store.refresh().unwrap();
    assert_eq!(bytes(&store, "plan/a"), Some(b"1".to_vec()));
}

#[test]
fn a_remote_that_is_gone_was_not_written() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let store = opened(&clone, &server).unwrap();
    std::fs::rename(server.bare(), server.folder.path().join("away")).unwrap();
    for failed in [write(&store, "plan/a", "1", None).map(|_| ()), store.refresh()] {
        assert!(matches!(failed, Err(StoreError::Unusable { .. })), "{failed:?}");
    }
    // What was read stays readable.
    assert!(bytes(&store, "head").is_some());
}

#[test]
fn a_change_goes_on_top_of_what_others_wrote_elsewhere() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let (one, other) = (store(&clone, &server), store(&server.clone("other", &[]), &server));
    let first = write(&one, "plan/a", "1", None).unwrap();
    write(&other, "plan/b", "2", None).unwrap();
    let conflict = write(&other, "plan/a", "3", None);
    assert!(matches!(&conflict, Err(StoreError::Conflict(at)) if *at == name("plan/a")));
    write(&one, "plan/a", "4", Some(&first)).unwrap();
    other.refresh().unwrap();
    assert_eq!(bytes(&other, "plan/a"), Some(b"4".to_vec()));
    assert_eq!(git(&server.bare(), &["rev-list", "--count", BRANCH]), "4");
}

#[test]
fn locks_that_a_killed_git_left_hinder_nobody() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let listed = git(&clone, &["for-each-ref", "--format=%(refname)", "refs/countersign/"]);
    assert_eq!(listed.lines().count(), 0, "it was missing when it was fetched");
    opened(&clone, &server).unwrap();
    let own = git(&clone, &["for-each-ref", "--format=%(refname)", "refs/countersign/"]);
    assert_eq!(own.lines().count(), 1, "{own}");
    for lock in [format!("{own}.lock"), "packed-refs.lock".to_owned()] {
        std::fs::write(clone.join(".git").join(&lock), "").unwrap();
    }
    write(&store(&server.clone("other", &[]), &server), "plan/a", "1", None).unwrap();
    let store = opened(&clone, &server).unwrap();
    assert_eq!(bytes(&store, "plan/a"), Some(b"1".to_vec()));
    write(&store, "plan/b", "2", None).unwrap();
    store.refresh().unwrap();
}

#[test]
fn a_password_of_the_remote_is_in_no_message() {
    let server = Server::new();
    let clone = server.clone("one", &[]);
    git(&clone, &["remote", "set-url", "origin", "http://user:secret@127.0.0.1:9/x.git"]);
    let error = opened(&clone, &server).unwrap_err();
    let said = format!("{} {error:?}", countersign::causes::line(&error));
    assert!(said.contains("***@127.0.0.1:9") && !said.contains("secret"), "{said}");
}

#[test]
fn what_surrounds_the_process_does_not_lead_elsewhere() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let mut surroundings = server.surroundings();
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"] {
        surroundings.environment.push((name.into(), "/nowhere".into()));
    }
    let ran = server.folder.path().join("ran");
    for hook in ["pre-push", "reference-transaction"] {
        script_at(
            &clone.join(".git/hooks").join(hook),
            &format!("touch {}\nexit 1", ran.display()),
        );
    }
    let store = Git::open(&Repository::open(&clone, surroundings).unwrap(), at(BRANCH)).unwrap();
    write(&store, "plan/a", "1", None).unwrap();
    assert!(!ran.exists());
}

#[test]
fn a_push_that_never_ends_is_unknown_after_a_while_and_may_be_made_later() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let store = hasty(&clone, &server, 2);
    let before = server.tip(BRANCH);
    server.hook("pre-receive", "sleep 60");
    let began = Instant::now();
    match write(&store, "plan/a", "1", None) {
        Err(StoreError::Unknown { source, .. }) => {
            let said = source.to_string();
            assert!(said.contains("did not end within 2 seconds"), "{said}");
            assert!(said.contains("still where it was"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(server.tip(BRANCH), before);
    std::fs::remove_file(server.bare().join("hooks/pre-receive")).unwrap();
    let store = opened(&clone, &server).unwrap();
    write(&store, "plan/a", "1", None).unwrap();
}

#[test]
fn a_remote_that_cannot_write_its_branch_is_not_tried_for_ever() {
    let server = Server::new();
    let (clone, _) = made(&server);
    let store = opened(&clone, &server).unwrap();
    let lock = server.bare().join(format!("refs/heads/{BRANCH}.lock"));
    std::fs::write(&lock, "").unwrap();
    match write(&store, "plan/a", "1", None) {
        Err(StoreError::Unusable { source, .. }) => {
            let said = source.to_string();
            assert!(said.contains("8 times") && said.contains("failed to update ref"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(lock).unwrap();
    write(&store, "plan/a", "1", None).unwrap();
}
