//! A remote over HTTP: git's own server side, with connections that end where it hurts.

use countersign::ledger::store::{Store as _, StoreError};

use super::*;
use crate::support::http_git::{Fault, HttpServer};

/// A clone whose remote is reached over HTTP, as a user with a password that must not be seen.
fn over_http() -> (Server, HttpServer, std::path::PathBuf) {
    let server = Server::new();
    let (clone, _) = made(&server);
    let http = HttpServer::new(server.folder.path());
    let address = http.address.replace("http://", "http://robot:secret@");
    git(&clone, &["remote", "set-url", "origin", &format!("{address}/remote.git")]);
    (server, http, clone)
}

#[test]
fn a_ledger_over_http_is_read_and_written() {
    let (server, http, clone) = over_http();
    let store = opened(&clone, &server).unwrap();
    let shown = http.address.replace("http://", "http://***@");
    assert_eq!(store.place(), format!("branch {BRANCH} of origin ({shown}/remote.git)"));
    let version = write(&store, "plan/a", "1", None).unwrap();
    // More than git sends in one piece.
    let mut large = vec![0; 3 << 20];
    getrandom::fill(&mut large).unwrap();
    let large = Put { name: name("plan/large"), bytes: large, expected: None };
    store.write(&Change::of("Large", large.clone())).unwrap();
    let other = opened(&server.clone("other", &[]), &server).unwrap();
    assert_eq!(bytes(&other, "plan/large"), Some(large.bytes));
    write(&other, "plan/a", "2", Some(&version)).unwrap();
    assert!(matches!(write(&store, "plan/a", "3", Some(&version)), Err(StoreError::Conflict(_))));
    assert_eq!(bytes(&store, "plan/a"), Some(b"2".to_vec()));
    assert_eq!(store.position().unwrap(), server.tip(BRANCH));
}

#[test]
fn a_refusal_over_http_shows_the_words_of_the_remote() {
    let (server, _http, clone) = over_http();
    let store = opened(&clone, &server).unwrap();
    let before = server.tip(BRANCH);
    server.hook("pre-receive", "echo 'only the robot may do that' >&2\nexit 1");
    match write(&store, "plan/a", "1", None) {
        Err(StoreError::Unusable { source, .. }) => {
            let said = source.to_string();
            assert!(
                said.contains("pre-receive hook declined; only the robot may do that"),
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.tip(BRANCH), before);
}

#[test]
fn a_connection_that_ends_before_or_after_the_push_is_seen_through() {
    let (server, http, clone) = over_http();
    let store = opened(&clone, &server).unwrap();
    for (text, fault) in [("plan/before", Fault::CutBefore), ("plan/after", Fault::CutAfter)] {
        http.fail(fault);
        let version = write(&store, text, "1", None).unwrap();
        assert_eq!(store.position().unwrap(), server.tip(BRANCH), "{text}");
        write(&store, text, "2", Some(&version)).unwrap();
        let log = git(&server.bare(), &["log", "--format=%s", BRANCH]);
        assert_eq!(log.matches(&format!("Write {text}")).count(), 2, "{log}");
    }
}

#[test]
fn a_remote_that_knows_nobody_was_not_written() {
    let (server, http, clone) = over_http();
    let store = opened(&clone, &server).unwrap();
    let before = server.tip(BRANCH);
    http.fail(Fault::Unauthorized);
    for failed in [write(&store, "plan/a", "1", None).map(|_| ()), store.refresh()] {
        let Err(error @ StoreError::Unusable { .. }) = failed else { panic!("{failed:?}") };
        let said = format!("{} {error:?}", countersign::causes::line(&error));
        assert!(said.contains("Authentication failed") && !said.contains("secret"), "{said}");
    }
    assert_eq!(server.tip(BRANCH), before);
}
