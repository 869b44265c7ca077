//! Where a bucket is, and whose word counts for that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::ledger::object::{Bucket, LocationError, ObjectError, Objects};
use countersign::ledger::store::{Store as _, StoreError};
use countersign::ledger::{Home, Ledger};

use super::{name, reason, said};
use crate::support::apply::*;
use crate::support::http::{Connection, answer};
use crate::support::killed::{child, folder};
use crate::support::listen::{Listening, Port};
use crate::support::localstack::{at, bucket};

fn located(url: &str, region: Option<&str>, endpoint: Option<&str>) -> Bucket {
    Bucket {
        url: url.to_owned(),
        region: region.map(str::to_owned),
        endpoint: endpoint.map(str::to_owned),
        lease: Duration::from_secs(2),
        patience: Duration::from_secs(3),
    }
}

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn a_location_that_cannot_be_says_what_is_wrong_with_it() {
    use LocationError::{Endpoint, Folder, Part, Prefix, Region, Scheme};
    let own = Some("https://s3.example");
    let table = [
        ("", own, Scheme),
        ("ledger/shop", own, Scheme),
        ("https://s3.example/ledger/shop", own, Scheme),
        ("S3://ledger/shop", own, Scheme),
        ("file:///var/ledger", None, Folder),
        ("s3://", own, Part("bucket")),
        ("s3:///shop", own, Part("bucket")),
        ("s3://../shop", own, Part("bucket")),
        ("s3://key:secret@ledger/shop", own, Part("bucket")),
        ("s3://ledger", own, Prefix),
        ("s3://ledger/", own, Prefix),
        ("s3://ledger//", own, Prefix),
        ("s3://ledger//shop", own, Part("prefix")),
        ("s3://ledger/../shop", own, Part("prefix")),
        ("s3://ledger/shop?x=y", own, Part("prefix")),
        ("s3://ledger/shop#x", own, Part("prefix")),
        ("s3://ledger/sh%2fop", own, Part("prefix")),
        ("s3://ledger/shop", None, Region),
        ("az://account", None, Part("container")),
        ("az://account.evil/container/shop", None, Part("account")),
        ("az://account/container", None, Prefix),
        ("s3://ledger/shop", Some("s3.example"), Endpoint),
        ("s3://ledger/shop", Some("ftp://s3.example"), Endpoint),
        ("s3://ledger/shop", Some("https://"), Endpoint),
        ("s3://ledger/shop", Some("https:///x"), Endpoint),
        ("s3://ledger/shop", Some("https://s3.example?x"), Endpoint),
        ("s3://ledger/shop", Some("https://user:SENTINEL@s3.example"), Endpoint),
    ];
    for (url, endpoint, expected) in table {
        let error = Objects::open(&located(url, None, endpoint), &nothing).unwrap_err();
        let ObjectError::Location(found) = reason(&error) else { panic!("{url}: {error:?}") };
        assert_eq!(*found, expected, "{url} {endpoint:?}");
        assert!(!said(&error).contains("SENTINEL"), "{}", said(&error));
    }
}

/// A server that says of every object that it is not there, and keeps what it was asked.
fn empty() -> (Listening, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let listening = Port::free().open(move |guest| {
        let mut connection = Connection::over(&guest.stream).unwrap();
        while let Ok(Some(request)) = connection.request() {
            kept.lock().unwrap().push(format!("{} {}", request.method(), request.target()));
            let body = b"<Error><Code>NoSuchKey</Code></Error>";
            if connection.send(&answer("404 Not Found", "", body)).is_err() {
                return;
            }
        }
    });
    (listening, seen)
}

#[test]
fn every_provider_is_asked_at_the_endpoint_of_the_configuration() {
    // Credentials that would rather go elsewhere.
    let google = r#"{"private_key":"none","private_key_id":"none","client_email":"none",
        "gcs_base_url":"http://127.0.0.1:9","disable_oauth":true}"#;
    let environment = |name: &str| {
        let value = match name {
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "key",
            "GOOGLE_SERVICE_ACCOUNT_KEY" => google,
            "AZURE_STORAGE_ACCOUNT_KEY" => "a2V5",
            "AWS_ENDPOINT_URL"
            | "AWS_ENDPOINT_URL_S3"
            | "AWS_ENDPOINT"
            | "GOOGLE_BASE_URL"
            | "AZURE_STORAGE_ENDPOINT"
            | "AZURE_ENDPOINT"
            | "AWS_METADATA_ENDPOINT"
            | "AWS_PROXY_URL"
            | "HTTP_PROXY"
            | "ALL_PROXY" => "http://127.0.0.1:9",
            "AWS_BUCKET" | "GOOGLE_BUCKET" | "AZURE_CONTAINER_NAME" => "elsewhere",
            "AWS_REGION" | "AWS_DEFAULT_REGION" => "elsewhere",
            "AWS_SKIP_SIGNATURE" | "AZURE_STORAGE_USE_EMULATOR" => "true",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let table = [
        ("s3://ledger/the/shop", "GET /ledger/the/shop/plan/a.json"),
        ("gs://ledger/the/shop", "GET /ledger/the%2Fshop%2Fplan%2Fa%2Ejson"),
        ("az://account/ledger/the/shop/", "GET /ledger/the/shop/plan/a.json"),
    ];
    for (url, expected) in table {
        let (server, seen) = empty();
        let endpoint = format!("http://{}", server.address());
        let bucket = located(url, Some("us-east-1"), Some(&endpoint));
        let store = Objects::open(&bucket, &environment).unwrap();
        let found = store.read(&[name("plan/a")]);
        assert_eq!(found.unwrap_or_else(|error| panic!("{}", said(&error))), [None], "{url}");
        assert_eq!(*seen.lock().unwrap(), [expected]);
    }
}

#[test]
fn credentials_that_cannot_be_used_are_named_and_not_shown() {
    let table = [
        ("s3://ledger/shop", "AWS_SECRET_ACCESS_KEY", "SENTINEL"),
        ("gs://ledger/shop", "GOOGLE_SERVICE_ACCOUNT_KEY", "SENTINEL"),
        ("gs://ledger/shop", "GOOGLE_APPLICATION_CREDENTIALS", "/SENTINEL/none.json"),
        ("az://account/ledger/shop", "AZURE_STORAGE_ACCOUNT_KEY", "SENTINEL!"),
    ];
    for (url, variable, value) in table {
        let environment = |name: &str| (name == variable).then(|| value.to_owned());
        let bucket = located(url, Some("us-east-1"), None);
        let error = Objects::open(&bucket, &environment).unwrap_err();
        let ObjectError::Location(LocationError::Credentials(named)) = reason(&error) else {
            panic!("{variable}: {error:?}")
        };
        assert_eq!(named, variable);
        assert!(!format!("{error:?} {}", said(&error)).contains("SENTINEL"), "{error:?}");
    }
}

/// The library reads some variables of the process by itself.
#[test]
fn no_variable_of_the_process_moves_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = bucket();
    let (trap, seen) = empty();
    let elsewhere = format!("http://{}", trap.address());
    let mut command = child("ledger::object::location::child_makes_a_ledger", folder.path());
    command.env("COUNTERSIGN_TEST_BUCKET", &bucket.url);
    for variable in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT",
        "AWS_S3_ENDPOINT",
        "AWS_METADATA_ENDPOINT",
        "AWS_PROXY_URL",
        "AZURITE_BLOB_STORAGE_URL",
    ] {
        command.env(variable, &elsewhere);
    }
    for (variable, value) in [
        ("AWS_ACCESS_KEY_ID", "111111111111"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "elsewhere"),
        ("AWS_BUCKET", "elsewhere"),
        ("no_proxy", ""),
        ("NO_PROXY", ""),
    ] {
        command.env(variable, value);
    }
    assert!(command.status().unwrap().success());
    assert!(seen.lock().unwrap().is_empty(), "{seen:?}");
    let store = super::objects(&bucket);
    assert!(store.read(&[name("head")]).unwrap()[0].is_some());
}

#[test]
#[ignore = "run by no_variable_of_the_process_moves_the_ledger"]
fn child_makes_a_ledger() {
    assert!(folder().is_dir());
    let bucket = at(&std::env::var("COUNTERSIGN_TEST_BUCKET").unwrap());
    let store = Objects::open(&bucket, &|name: &str| std::env::var(name).ok()).unwrap();
    Ledger::create(Home::shared(Arc::new(store)), &label("shop"), id(1), now()).unwrap();
}

#[test]
fn a_runner_without_credentials_is_told_so() {
    let (server, _) = empty();
    let endpoint = format!("http://{}", server.address());
    let bucket = located("s3://ledger/shop", Some("us-east-1"), Some(&endpoint));
    // Whoever gives out credentials to a container, here nobody.
    let nobody = Port::free();
    drop(nobody);
    let environment = |name: &str| match name {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI" => Some("http://127.0.0.1:9/credentials".to_owned()),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" => Some("/dev/null".to_owned()),
        _ => None,
    };
    let error = Objects::open(&bucket, &environment).unwrap().read(&[name("head")]).unwrap_err();
    assert!(matches!(&error, StoreError::Unusable { .. }), "{error:?}");
    assert!(matches!(reason(&error), ObjectError::Credentials { .. }), "{error:?}");
    assert!(said(&error).contains("no credentials") && said(&error).contains("127.0.0.1:9"));
}
