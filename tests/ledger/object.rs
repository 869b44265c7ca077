//! The suite over a bucket of LocalStack, and what only a bucket can suffer.

use std::sync::Arc;

use countersign::causes;
use countersign::ledger::object::{Bucket, ObjectError, Objects};
use countersign::ledger::store::{Along, Change, Name, Put, StoreError};
use countersign::ledger::{Home, Ledger, LedgerError};

use super::suite::{Place, read, write};
use crate::support::apply::*;
use crate::support::localstack::{bucket, credentials, request};

mod conditions;
mod location;
mod network;

/// A home over this bucket.
pub(crate) fn home(bucket: &Bucket) -> Home {
    Home::shared(Arc::new(objects(bucket)))
}

pub(crate) fn objects(bucket: &Bucket) -> Objects {
    Objects::open(bucket, &credentials).unwrap()
}

/// A place whose bucket is there.
pub(crate) fn place_at(bucket: Bucket) -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { open: Box::new(move || home(&bucket)), folder }
}

fn place() -> Place {
    place_at(bucket())
}

suite!(place());

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn put(text: &str, bytes: &[u8]) -> Put {
    Put { name: name(text), bytes: bytes.to_vec(), expected: None }
}

/// Path of an object in the server of the tests.
fn key(bucket: &Bucket, rest: &str) -> String {
    format!("/{}/{rest}", bucket.url.strip_prefix("s3://").unwrap())
}

/// What an error says, with its causes.
fn said(error: &StoreError) -> String {
    causes::line(error)
}

/// The reason why a store cannot be used.
fn reason(error: &StoreError) -> &ObjectError {
    let (StoreError::Unusable { source, .. } | StoreError::Unknown { source, .. }) = error else {
        panic!("{error:?}");
    };
    source.downcast_ref().unwrap()
}

#[test]
fn a_damaged_deleted_or_foreign_head_is_no_ledger_of_this_project() {
    let bucket = bucket();
    let head = key(&bucket, "head.json");
    let open = || Ledger::open(home(&bucket), &label("shop"));
    Ledger::create(home(&bucket), &label("shop"), id(1), now()).unwrap();
    open().unwrap();
    let (_, whole) = request("GET", &head, b"");
    let whole = whole.split("\r\n\r\n").nth(1).unwrap();
    for bad in ["", "null", "{", &whole[..whole.len() - 2], &whole.replace("shop", "Shop")] {
        assert_eq!(request("PUT", &head, bad.as_bytes()).0, 200);
        let opened = open();
        assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{bad:?}: {opened:?}");
    }
    assert_eq!(request("PUT", &head, whole.replace("shop", "bank").as_bytes()).0, 200);
    let opened = open();
    assert!(matches!(opened, Err(LedgerError::Foreign { .. })), "{opened:?}");
    assert_eq!(request("DELETE", &head, b"").0, 204);
    let opened = open();
    assert!(matches!(opened, Err(LedgerError::Missing(_))), "{opened:?}");
}

#[test]
fn a_record_that_was_removed_or_put_back_is_not_written_over() {
    let bucket = bucket();
    let home = home(&bucket);
    let record = name("plan/a");
    let object = key(&bucket, "plan/a.json");
    write(&home, &record, b"1", None).unwrap();
    let old = read(&home, &record).unwrap().version;
    let new = write(&home, &record, b"2", Some(&old)).unwrap();
    // Somebody puts the older bytes back, past every condition.
    assert_eq!(request("PUT", &object, b"1").0, 200);
    let refused = write(&home, &record, b"3", Some(&new));
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(request("DELETE", &object, b"").0, 204);
    for expected in [&old, &new] {
        let refused = write(&home, &record, b"3", Some(expected));
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert!(read(&home, &record).is_none());
}

#[test]
fn other_objects_beneath_the_prefix_are_no_records() {
    let bucket = bucket();
    let home = home(&bucket);
    write(&home, &name("plan/a"), b"{}", None).unwrap();
    for other in ["plan/B.json", "plan/c.txt", "plan/d", "plan/e%20f.json", "plan/", "plan.json"] {
        assert_eq!(request("PUT", &key(&bucket, other), b"x").0, 200, "{other}");
    }
    assert_eq!(home.store().names(&name("plan")).unwrap(), [name("plan/a")]);
    assert_eq!(request("PUT", &key(&bucket, "plan/a//g.json"), b"x").0, 200);
    let names = home.store().names(&name("plan"));
    assert!(matches!(&names, Err(StoreError::Damaged(at)) if *at == name("plan")), "{names:?}");
}

#[test]
fn a_listing_of_several_pages_is_whole() {
    let bucket = bucket();
    let home = home(&bucket);
    let names: Vec<_> = (0..1100).map(|number| name(&format!("plan/{number:04}"))).collect();
    let puts = names.iter().map(|name| put(name.as_str(), b"{}")).collect();
    let change = Change { why: "Many".to_owned(), steps: vec![puts], along: None };
    assert_eq!(home.store().write(&change).unwrap().len(), 1100);
    assert_eq!(home.store().names(&name("plan")).unwrap(), names);
    let found = home.store().read(&names).unwrap();
    assert!(found.into_iter().all(|found| found.is_some_and(|found| found.bytes == b"{}")));
}

#[test]
fn a_change_that_goes_with_a_branch_is_refused_before_anything_is_written() {
    let bucket = bucket();
    let home = home(&bucket);
    let along = Along { branch: "main".to_owned(), from: "0".repeat(40), to: "1".repeat(40) };
    let change = Change { along: Some(along), ..Change::of("Both", put("plan/a", b"1")) };
    match home.store().write(&change) {
        Err(StoreError::Branch { branch, .. }) => assert_eq!(branch, "main"),
        other => panic!("{other:?}"),
    }
    assert!(read(&home, &name("plan/a")).is_none());
}
