//! The suite over a bucket of LocalStack, and what only a bucket can suffer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::causes;
use countersign::ledger::local::Local;
use countersign::ledger::object::{Bucket, ObjectError, Objects, ProofError};
use countersign::ledger::store::{Along, Change, Found, Name, Put, Store as _, StoreError};
use countersign::ledger::{Home, Ledger, LedgerError};

use super::suite::{Place, read, write};
use crate::support::apply::*;
use crate::support::localstack::{at, bucket, credentials, request};

/// A home over this bucket.
pub(crate) fn home(bucket: &Bucket) -> Home {
    Home::shared(Arc::new(Objects::open(bucket, &credentials).unwrap()))
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

#[test]
fn scratch() {
    let t = Instant::now();
    let b = bucket();
    println!("bucket {:?}", t.elapsed());
    let t = Instant::now();
    let objects = Objects::open(&b, &credentials).unwrap();
    println!("open {:?}", t.elapsed());
    let t = Instant::now();
    println!("{:?} {:?}", objects.prove([7; 16]).map(|p| p.to_string()), t.elapsed());
    let name: Name = "plan/a".parse().unwrap();
    let mut v = None;
    let t = Instant::now();
    for i in 0..20 {
        let put =
            Put { name: name.clone(), bytes: format!("{i}").into_bytes(), expected: v.take() };
        v = Some(objects.write(&Change::of("x", put)).unwrap().remove(0));
    }
    println!("put {:?}", t.elapsed() / 20);
    let t = Instant::now();
    for _ in 0..20 {
        objects.read(std::slice::from_ref(&name)).unwrap();
    }
    println!("get {:?}", t.elapsed() / 20);
    let t = Instant::now();
    drop(objects);
    println!("drop {:?}", t.elapsed());
}
