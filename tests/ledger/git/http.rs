//! A remote over HTTP: git's own server side, behind a network that fails where it hurts.

use std::time::{Duration, Instant};

use countersign::git::Repository;
use countersign::ledger::store::{Store as _, StoreError};

use super::*;
use crate::support::git_http::{Asked, GitHttp, Rights};
use crate::support::proxy::{Fault, Proxy, Rule};

const PUSH: (&str, &str) = ("POST", "/git-receive-pack");
const ASK_TO_PUSH: (&str, &str) = ("GET", "service=git-receive-pack");
const FETCH: (&str, &str) = ("POST", "/git-upload-pack");

struct Remote {
    server: Server,
    http: GitHttp,
    proxy: Proxy,
    clone: std::path::PathBuf,
}

impl Remote {
    /// A ledger, and a clone whose remote is reached over HTTP with a password.
    fn new() -> Self {
        let server = Server::new();
        let (clone, _) = made(&server);
        let http = GitHttp::serve(server.folder.path(), Rights::login("robot", "secret"));
        let proxy = Proxy::before(http.address());
        let address = format!("http://robot:secret@{}/remote.git", proxy.address());
        git(&clone, &["remote", "set-url", "origin", &address]);
        Self { server, http, proxy, clone }
    }

    fn store(&self, patience: u64) -> Git {
        let mut surroundings = self.server.surroundings();
        surroundings.patience = Duration::from_secs(patience);
        Git::open(&Repository::open(&self.clone, surroundings).unwrap(), at(BRANCH)).unwrap()
    }
}

/// What an error says in all of its layers, which must not be the password.
fn said(error: &StoreError) -> String {
    let said = format!("{} {error:?}", countersign::causes::line(error));
    assert!(!said.contains("secret"), "{said}");
    said
}

#[test]
fn a_ledger_over_http_is_read_and_written() {
    let remote = Remote::new();
    let store = remote.store(60);
    let shown = format!("http://***@{}/remote.git", remote.proxy.address());
    assert_eq!(store.place(), format!("branch {BRANCH} of origin ({shown})"));
    remote.http.take_served();
    let version = write(&store, "plan/a", "1", None).unwrap();
    let served: Vec<_> = remote.http.take_served().into_iter().map(|(asked, _)| asked).collect();
    assert_eq!(served.iter().filter(|asked| **asked == Asked::Push).count(), 1, "{served:?}");
    assert!(!served.contains(&Asked::Fetch), "{served:?}");
    // More than git sends in one piece.
    let mut large = vec![0; 3 << 20];
    getrandom::fill(&mut large).unwrap();
    let large = Put { name: name("plan/large"), bytes: large, expected: None };
    store.write(&Change::of("Large", large.clone())).unwrap();
    let other = opened(&remote.server.clone("other", &[]), &remote.server).unwrap();
    assert_eq!(bytes(&other, "plan/large"), Some(large.bytes));
    write(&other, "plan/a", "2", Some(&version)).unwrap();
    assert!(matches!(write(&store, "plan/a", "3", Some(&version)), Err(StoreError::Conflict(_))));
    assert_eq!(bytes(&store, "plan/a"), Some(b"2".to_vec()));
    assert_eq!(store.position().unwrap(), remote.server.tip(BRANCH));
}

#[test]
fn an_address_is_a_remote_too_and_its_password_is_not_shown() {
    let remote = Remote::new();
    let address = format!("http://robot:secret@{}/remote.git", remote.proxy.address());
    let clone = remote.server.clone("other", &[]);
    git(&clone, &["remote", "remove", "origin"]);
    let repository = Repository::open(&clone, remote.server.surroundings()).unwrap();
    let store = Git::open(&repository, GitPlace { remote: address, ..at(BRANCH) }).unwrap();
    let shown = format!("http://***@{}/remote.git", remote.proxy.address());
    assert_eq!(store.place(), format!("branch {BRANCH} of {shown}"));
    write(&store, "plan/a", "1", None).unwrap();
    remote.proxy.refuse();
    let error = store.refresh().unwrap_err();
    assert!(said(&error).contains(&shown) && !format!("{store:?}").contains("secret"), "{error}");
}

#[test]
fn a_refusal_over_http_shows_the_words_of_the_remote() {
    let remote = Remote::new();
    let store = remote.store(60);
    let before = remote.server.tip(BRANCH);
    remote.server.hook("pre-receive", "echo 'only the robot may do that' >&2\nexit 1");
    let error = write(&store, "plan/a", "1", None).unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
    let said = said(&error);
    assert!(said.contains("pre-receive hook declined; only the robot may do that"), "{said}");
    assert_eq!(remote.server.tip(BRANCH), before);
}

#[test]
fn a_push_whose_connection_fails_is_seen_through() {
    for (number, fault) in [
        Fault::CutHead,
        Fault::CutBody,
        Fault::CutAfter,
        Fault::CutWithin,
        Fault::Stall,
        Fault::StallAfter,
        // Arrives when it was given up and sent again.
        Fault::Hold(Duration::from_secs(5)),
        Fault::Answer(500),
        Fault::Answer(503),
    ]
    .into_iter()
    .enumerate()
    {
        let remote = Remote::new();
        let store = remote.store(3);
        remote.proxy.add(Rule::each(fault).on(PUSH).times(1));
        let text = format!("plan/{number}");
        let began = Instant::now();
        let version = write(&store, &text, "1", None).unwrap();
        assert!(began.elapsed() < Duration::from_secs(30), "{fault:?}");
        assert_eq!(store.position().unwrap(), remote.server.tip(BRANCH), "{fault:?}");
        write(&store, &text, "2", Some(&version)).unwrap();
        let log = git(&remote.server.bare(), &["log", "--format=%s", BRANCH]);
        assert_eq!(log.matches(&format!("Write {text}")).count(), 2, "{fault:?}: {log}");
    }
}

#[test]
fn a_push_that_cannot_be_read_back_is_unknown() {
    let remote = Remote::new();
    let store = remote.store(60);
    remote.proxy.add(Rule::each(Fault::CutAfter).on(PUSH));
    remote.proxy.add(Rule::each(Fault::Answer(503)).on(FETCH));
    let error = write(&store, "plan/a", "1", None).unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error:?}");
    said(&error);
    remote.proxy.heal();
    // It had landed: whoever looks again sees it, and cannot write it twice.
    assert!(matches!(write(&store, "plan/a", "1", None), Err(StoreError::Conflict(_))));
    assert_eq!(bytes(&store, "plan/a"), Some(b"1".to_vec()));
}

#[test]
fn a_remote_that_was_not_reached_was_not_written() {
    for (fault, words) in [
        (Fault::Answer(401), "Authentication failed"),
        (Fault::Answer(403), "403"),
        (Fault::Answer(404), "not found"),
        (Fault::Answer(503), "503"),
        (Fault::CutAfter, "unable to access"),
    ] {
        let remote = Remote::new();
        let store = remote.store(60);
        let before = remote.server.tip(BRANCH);
        remote.proxy.add(Rule::each(fault).on(ASK_TO_PUSH));
        let error = write(&store, "plan/a", "1", None).unwrap_err();
        assert!(matches!(error, StoreError::Unusable { .. }), "{fault:?}: {error:?}");
        assert!(said(&error).contains(words), "{fault:?}: {error:?}");
        assert_eq!(remote.server.tip(BRANCH), before, "{fault:?}");
    }
    let remote = Remote::new();
    let store = remote.store(60);
    remote.proxy.refuse();
    for failed in [write(&store, "plan/a", "1", None).map(|_| ()), store.refresh()] {
        let error = failed.unwrap_err();
        assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
        said(&error);
    }
}
