//! Fetches and pushes: what each ref came to.

use countersign::git::{
    Depth, GitError, ObjectId, PushError, Pushed, RefName, RefUpdate, Refspec, Repository,
};

use super::objects::{new, put};
use crate::support::git::*;

fn branch(name: &str) -> RefName {
    RefName::branch(name).unwrap()
}

fn update(name: &str, expected: Option<&ObjectId>, new: &ObjectId) -> RefUpdate {
    RefUpdate { name: branch(name), expected: expected.cloned(), new: new.clone() }
}

/// A commit on top of what is checked out.
fn on_top(repository: &Repository, text: &str) -> ObjectId {
    let head = repository.head().unwrap();
    repository.commit(&new(head.as_ref(), vec![put("README", text.as_bytes())])).unwrap().commit
}

#[test]
fn a_push_says_what_became_of_each_ref() {
    let server = Server::new();
    let repository = server.cloned("one");
    let main = repository.head().unwrap().unwrap();
    let (one, other) = (on_top(&repository, "one"), on_top(&repository, "other"));
    let push = |updates: &[RefUpdate], atomic| repository.push(&origin(), updates, atomic).unwrap();
    assert_eq!(push(&[update("ledger", None, &one)], true), [Pushed::Taken]);
    assert_eq!(push(&[update("ledger", None, &other)], true), [Pushed::Moved]);
    assert_eq!(push(&[update("ledger", Some(&main), &other)], false), [Pushed::Moved]);
    // What is there already needs no lease.
    assert_eq!(push(&[update("ledger", None, &one)], true), [Pushed::Taken]);
    let both = [update("ledger", Some(&main), &other), update("main", Some(&main), &one)];
    assert_eq!(push(&both, true), [Pushed::Moved, Pushed::Withheld]);
    assert_eq!(server.tip("main"), main.as_str());
    assert_eq!(push(&both, false), [Pushed::Moved, Pushed::Taken]);
    let both = [update("ledger", Some(&one), &other), update("main", Some(&one), &other)];
    assert_eq!(push(&both, true), [Pushed::Taken, Pushed::Taken]);
    assert_eq!((server.tip("main"), server.tip("ledger")), (other.to_string(), other.to_string()));
}

#[test]
fn a_refusal_is_in_the_words_of_the_remote() {
    let server = Server::new();
    let repository = server.cloned("one");
    let main = repository.head().unwrap().unwrap();
    let one = on_top(&repository, "one");
    server.hook("update", "case $1 in *ledger) echo \"ask the \\033[31mowners\" >&2; exit 1; esac");
    let both = [update("main", Some(&main), &one), update("ledger", None, &one)];
    let ends = repository.push(&origin(), &both, true).unwrap();
    assert!(
        matches!(&ends[1], Pushed::Refused(said) if said.contains("hook declined; ask the \\u{1b}[31mowners")),
        "{ends:?}"
    );
    assert_eq!(ends[0], Pushed::Withheld);
    assert_eq!((server.tip("main"), server.tip("ledger")), (main.to_string(), String::new()));
    server.hook("pre-receive", "echo protected >&2; exit 1");
    let ends = repository.push(&origin(), &both[..1], false).unwrap();
    assert!(
        matches!(&ends[0], Pushed::Refused(said) if said.contains("pre-receive hook declined; protected")),
        "{ends:?}"
    );
}

#[test]
fn a_remote_without_atomic_pushes_is_not_sent_anything() {
    let server = Server::new();
    let repository = server.cloned("one");
    git(&server.bare(), &["config", "receive.advertiseAtomic", "false"]);
    let one = on_top(&repository, "one");
    match repository.push(&origin(), &[update("ledger", None, &one)], true) {
        Err(PushError::NotSent(error)) => {
            assert!(error.to_string().contains("does not support --atomic"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.tip("ledger"), "");
}

#[test]
fn a_remote_that_is_not_there_was_sent_nothing() {
    let server = Server::new();
    let repository = server.cloned("one");
    let one = on_top(&repository, "one");
    std::fs::rename(server.bare(), server.folder.path().join("elsewhere")).unwrap();
    let pushed = repository.push(&origin(), &[update("ledger", None, &one)], true);
    assert!(matches!(pushed, Err(PushError::NotSent(_))), "{pushed:?}");
}

#[test]
fn a_fetch_moves_the_named_ref_and_nothing_else() {
    let server = Server::new();
    let repository = server.cloned("one");
    let folder = server.folder.path().join("one");
    let other = server.cloned("other");
    let main = other.head().unwrap().unwrap();
    let one = on_top(&other, "one");
    let orphan = other.commit(&new(None, vec![put("head.json", b"{}")])).unwrap().commit;
    let updates = [update("main", Some(&main), &one), update("ledger", None, &orphan)];
    other.push(&origin(), &updates, true).unwrap();
    git(&server.bare(), &["tag", "v1", "main"]);
    let before = git(&folder, &["for-each-ref"]);
    let to: RefName = "refs/countersign/ledger".parse().unwrap();
    let spec = |from: &str| [Refspec { from: branch(from), to: to.clone() }];
    repository.fetch(&origin(), &spec("ledger"), Depth::Missing).unwrap();
    assert_eq!(repository.resolve(&to).unwrap(), Some(orphan));
    // Not what follows from it, and yet it is taken.
    repository.fetch(&origin(), &spec("main"), Depth::Missing).unwrap();
    assert_eq!(repository.resolve(&to).unwrap(), Some(one));
    let missing = repository.fetch(&origin(), &spec("nowhere"), Depth::Missing).unwrap_err();
    assert!(missing.is_missing_ref(), "{missing}");
    assert!(!missing.to_string().contains("warning"), "{missing}");
    repository.remove_ref(&to).unwrap();
    assert_eq!(git(&folder, &["for-each-ref"]), before);
    assert!(!folder.join(".git/FETCH_HEAD").exists());
}

#[test]
fn a_shallow_clone_gets_all_of_one_branch_and_stays_shallow_elsewhere() {
    let server = Server::new();
    let other = server.cloned("other");
    let mut parent = None;
    for number in 0..5 {
        let bytes = number.to_string();
        let edits = vec![put("head.json", bytes.as_bytes())];
        parent = Some(other.commit(&new(parent.as_ref(), edits)).unwrap().commit);
    }
    other.push(&origin(), &[update("ledger", None, parent.as_ref().unwrap())], true).unwrap();
    let to: RefName = "refs/countersign/ledger".parse().unwrap();
    let spec = [Refspec { from: branch("ledger"), to: to.clone() }];
    let count = |folder: &std::path::Path, of: &str| git(folder, &["rev-list", "--count", of]);
    for (name, options, depth) in [
        ("one-branch", &["--depth=1"][..], Depth::Missing),
        ("all-branches", &["--depth=1", "--no-single-branch"][..], Depth::Whole),
    ] {
        let folder = server.clone(name, options);
        let repository = Repository::open(&folder, server.surroundings()).unwrap();
        assert!(repository.is_shallow());
        repository.fetch(&origin(), &spec, depth).unwrap();
        assert_eq!(count(&folder, "refs/countersign/ledger"), "5", "{name}");
        assert_eq!(count(&folder, "HEAD"), "1", "{name}");
    }
    let folder = server.clone("full", &[]);
    let repository = Repository::open(&folder, server.surroundings()).unwrap();
    repository.fetch(&origin(), &spec, Depth::Missing).unwrap();
    assert!(!Repository::open(&folder, server.surroundings()).unwrap().is_shallow());
    assert_eq!(
        (count(&folder, "HEAD"), count(&folder, "refs/countersign/ledger")),
        ("3".into(), "5".into())
    );
}

#[test]
fn an_address_that_would_run_a_command_is_refused() {
    let server = Server::new();
    let repository = server.cloned("one");
    let folder = server.folder.path().join("one");
    let ran = server.folder.path().join("ran");
    let address = format!("ext::sh -c touch% {}", ran.display());
    git(&folder, &["remote", "set-url", "origin", &address]);
    git(&folder, &["config", "protocol.ext.allow", "always"]);
    let spec = [Refspec { from: branch("main"), to: "refs/countersign/x".parse().unwrap() }];
    let error = repository.fetch(&origin(), &spec, Depth::Missing).unwrap_err();
    assert!(error.to_string().contains("transport 'ext' not allowed"), "{error}");
    let one = on_top(&repository, "one");
    let pushed = repository.push(&origin(), &[update("ledger", None, &one)], true);
    assert!(matches!(pushed, Err(PushError::NotSent(_))), "{pushed:?}");
    assert!(!ran.exists());
}

#[test]
fn a_password_in_an_address_is_never_shown() {
    let server = Server::new();
    let repository = server.cloned("one");
    let folder = server.folder.path().join("one");
    // Nothing listens there.
    git(&folder, &["remote", "set-url", "origin", "http://user:secret@127.0.0.1:9/x?key=secret"]);
    let spec = [Refspec { from: branch("main"), to: "refs/countersign/x".parse().unwrap() }];
    let error = repository.fetch(&origin(), &spec, Depth::Missing).unwrap_err();
    let said = format!("{error} {error:?} {}", repository.address(&origin()).unwrap());
    assert!(matches!(error, GitError::Failed { .. }) && said.contains("127.0.0.1:9"), "{said}");
    assert!(!said.contains("secret") && !said.contains("user"), "{said}");
    let one = on_top(&repository, "one");
    let error = repository.push(&origin(), &[update("ledger", None, &one)], true).unwrap_err();
    assert!(matches!(error, PushError::NotSent(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
