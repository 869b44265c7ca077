//! What a network or a server does to requests: nothing is said to be written that was not, and
//! nothing is said not to be that was.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use countersign::ledger::object::{Bucket, ObjectError, Objects};
use countersign::ledger::store::{Change, Put, Store as _, StoreError, Version};
use countersign::ledger::{Home, Ledger, LedgerError};

use super::{name, objects, put, reason, said};
use crate::support::apply::*;
use crate::support::http::{Connection, answer};
use crate::support::listen::{Listening, Port};
use crate::support::localstack::{address, bucket, credentials};
use crate::support::proxy::{Fault, Proxy, Rule};

const PATIENCE: Duration = Duration::from_secs(3);

/// A bucket behind a proxy.
fn behind() -> (Proxy, Bucket, Bucket) {
    let straight = bucket();
    let upstream: SocketAddr = address().strip_prefix("http://").unwrap().parse().unwrap();
    let proxy = Proxy::before(upstream);
    let endpoint = Some(format!("http://{}", proxy.address()));
    let bucket = Bucket { endpoint, patience: PATIENCE, ..straight.clone() };
    (proxy, bucket, straight)
}

/// A server that answers every request alike.
fn answering(
    status: &'static str,
    fields: &'static str,
    body: &'static str,
) -> (Listening, Bucket) {
    answering_by(move |_| answer(status, fields, body.as_bytes()))
}

/// A server that answers by the method of a request.
fn answering_by(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (Listening, Bucket) {
    let listening = Port::free().open(move |guest| {
        let mut connection = Connection::over(&guest.stream).unwrap();
        while let Ok(Some(request)) = connection.request() {
            let sent = connection.send(&answer(request.method()));
            if sent.is_err() {
                return;
            }
        }
    });
    let bucket = Bucket {
        url: "s3://ledger/shop".to_owned(),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(format!("http://{}", listening.address())),
        lease: Duration::from_secs(2),
        patience: PATIENCE,
    };
    (listening, bucket)
}

fn one(bytes: &[u8], expected: Option<Version>) -> Change {
    Change::of("One", Put { expected, ..put("plan/a", bytes) })
}

#[test]
fn a_write_whose_answer_was_lost_is_found_by_reading_back() {
    let faults = [
        Fault::CutAfter,
        Fault::CutWithin,
        Fault::CutBody,
        Fault::StallAfter,
        Fault::Answer(500),
        Fault::Answer(503),
        Fault::Answer(429),
        Fault::Delay(PATIENCE / 2),
    ];
    for fault in faults {
        let (proxy, bucket, straight) = behind();
        let store = objects(&bucket);
        proxy.add(Rule::each(fault).on(("PUT", "")).times(1));
        let first = store.write(&one(b"1", None)).unwrap().remove(0);
        proxy.add(Rule::each(fault).on(("PUT", "")).times(1));
        let second = store.write(&one(b"2", Some(first.clone()))).unwrap().remove(0);
        let found = objects(&straight).read(&[name("plan/a")]).unwrap().remove(0).unwrap();
        assert_eq!((found.bytes.as_slice(), &found.version), (&b"2"[..], &second), "{fault:?}");
        // Nothing was lost that another write would have to be afraid of.
        let late = store.write(&one(b"3", Some(first)));
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{fault:?}: {late:?}");
        let times = proxy.take_seen().iter().filter(|seen| seen.method == "PUT").count();
        assert!((4..=5).contains(&times), "{fault:?}: {times}");
    }
}

#[test]
fn a_write_that_cannot_be_read_back_is_not_known() {
    for fault in [Fault::CutAfter, Fault::StallAfter, Fault::Stall, Fault::CutBody] {
        let (proxy, bucket, straight) = behind();
        let store = objects(&bucket);
        proxy.add(Rule::each(fault));
        let start = Instant::now();
        let written = store.write(&one(b"1", None));
        let took = start.elapsed();
        let Err(error @ StoreError::Unknown { .. }) = &written else {
            panic!("{fault:?}: {written:?}")
        };
        assert!(said(error).contains("write shop/plan/a.json"), "{}", said(error));
        assert!(took < PATIENCE + Duration::from_secs(1), "{fault:?}: {took:?}");
        // Sent again when the network is whole, it is one write.
        proxy.heal();
        store.write(&one(b"1", None)).unwrap();
        let found = objects(&straight).read(&[name("plan/a")]).unwrap().remove(0).unwrap();
        assert_eq!(found.bytes, b"1", "{fault:?}");
    }
}

#[test]
fn of_two_writers_whose_answers_are_lost_one_is_told_that_it_lost() {
    let (proxy, bucket, _) = behind();
    let store = objects(&bucket);
    let base = store.write(&one(b"0", None)).unwrap().remove(0);
    proxy.add(Rule::each(Fault::CutAfter).on(("PUT", "")).times(2));
    store.write(&one(b"1", Some(base.clone()))).unwrap();
    proxy.heal();
    proxy.add(Rule::each(Fault::CutAfter).on(("PUT", "")).times(1));
    let second = store.write(&one(b"2", Some(base)));
    assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
}

#[test]
fn a_later_step_is_not_written_when_an_earlier_one_failed() {
    let (proxy, bucket, straight) = behind();
    let store = objects(&bucket);
    proxy.add(Rule::each(Fault::Answer(403)).on(("PUT", "plan/b")));
    let steps =
        vec![vec![put("plan/a", b"1")], vec![put("plan/b", b"1")], vec![put("plan/c", b"1")]];
    let error = store.write(&Change { why: "Steps".to_owned(), steps, along: None }).unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
    assert_eq!(objects(&straight).names(&name("plan")).unwrap(), [name("plan/a")]);
}

#[test]
fn a_server_that_is_not_there_is_unusable_and_says_where() {
    let (proxy, bucket, _) = behind();
    let store = objects(&bucket);
    proxy.refuse();
    let start = Instant::now();
    for error in [
        store.read(&[name("plan/a")]).unwrap_err(),
        store.names(&name("plan")).unwrap_err(),
        store.write(&one(b"1", None)).unwrap_err(),
        store.prove([7; 16]).unwrap_err(),
    ] {
        let StoreError::Unusable { place, .. } = &error else { panic!("{error:?}") };
        assert!(place.contains(&proxy.address().to_string()), "{place}");
        assert!(matches!(reason(&error), ObjectError::Unreachable { .. }), "{error:?}");
        assert!(said(&error).contains("refused"), "{}", said(&error));
    }
    assert!(start.elapsed() < PATIENCE * 5, "{:?}", start.elapsed());
    proxy.heal();
    store.write(&one(b"1", None)).unwrap();
}

#[test]
fn what_a_server_answers_is_said_in_words() {
    type Means = fn(&ObjectError) -> bool;
    let table: [(&str, &str, &str, &str, Means); 8] = [
        ("403 No", "", "<Error><Code>AccessDenied</Code></Error>", "HTTP 403 AccessDenied", |e| {
            matches!(e, ObjectError::Refused { .. })
        }),
        ("401 No", "", "", "it refuses to", |e| matches!(e, ObjectError::Refused { .. })),
        ("404 No", "", "<Error><Code>NoSuchBucket</Code></Error>", "container ledger", |e| {
            matches!(e, ObjectError::NoBucket(_))
        }),
        // Not an object that is not there: a server that is none.
        ("404 No", "", "<html>Not Found</html>", "HTTP 404", |e| {
            matches!(e, ObjectError::Failed { .. })
        }),
        ("301 Moved", "x-amz-bucket-region: eu-west-1\r\n", "", "\"eu-west-1\"", |e| {
            matches!(e, ObjectError::Region(_))
        }),
        ("500 Oh", "", "<Error><Code>InternalError</Code></Error>", "InternalError", |e| {
            matches!(e, ObjectError::Failed { .. })
        }),
        ("503 Oh", "", "<Error><Code>SlowDown</Code></Error>", "SlowDown", |e| {
            matches!(e, ObjectError::Failed { .. })
        }),
        ("400 Bad", "", "", "HTTP 400", |e| matches!(e, ObjectError::Failed { .. })),
    ];
    for (status, fields, body, words, means) in table {
        let (_server, bucket) = answering(status, fields, body);
        let store = objects(&bucket);
        let read = store.read(&[name("plan/a")]).unwrap_err();
        let listed = store.names(&name("plan")).unwrap_err();
        let proved = store.prove([7; 16]).unwrap_err();
        for error in [read, listed, proved] {
            assert!(said(&error).starts_with("the ledger at s3://ledger/shop at "), "{error}");
            assert!(means(reason(&error)), "{status}: {error:?}");
            assert!(said(&error).contains(words), "{status}: {}", said(&error));
        }
    }
}

#[test]
fn a_server_that_agrees_to_everything_is_no_store() {
    let (_server, bucket) = answering("200 Fine", "", "");
    let store = objects(&bucket);
    let error = store.read(&[name("plan/a")]).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Unversioned(_)), "{error:?}");
    let error = store.names(&name("plan")).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Unasked { .. }), "{error:?}");
    let error = store.write(&one(b"1", None)).unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error:?}");
    assert!(matches!(store.prove([7; 16]), Err(StoreError::Unusable { .. })));
}

#[test]
fn a_write_that_was_refused_did_not_happen_and_is_not_sent_again() {
    for (status, unusable) in [(403, true), (401, true), (400, true), (501, true)] {
        let (proxy, bucket, straight) = behind();
        proxy.add(Rule::each(Fault::Answer(status)).on(("PUT", "")));
        let error = objects(&bucket).write(&one(b"1", None)).unwrap_err();
        assert_eq!(matches!(error, StoreError::Unusable { .. }), unusable, "{status}: {error:?}");
        assert_eq!(proxy.take_seen().len(), 1, "{status}");
        assert_eq!(objects(&straight).read(&[name("plan/a")]).unwrap(), [None], "{status}");
    }
    // A server that goes on failing says so, and the record shows that it was not written.
    let (proxy, bucket, _) = behind();
    proxy.add(Rule::each(Fault::Answer(500)).on(("PUT", "")));
    let error = objects(&bucket).write(&one(b"1", None)).unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
}

/// Something on the way answers in place of the store, which may be at work on the write.
#[test]
fn a_write_that_a_gateway_gave_up_is_not_known() {
    for (status, known) in [
        ("502 Bad Gateway", false),
        ("504 Gateway Timeout", false),
        ("503 Slow Down", true),
        ("500 Oh", true),
    ] {
        let (_server, bucket) = answering_by(move |method| match method {
            "PUT" => answer(status, "", b""),
            _ => answer("404 No", "", b"<Error><Code>NoSuchKey</Code></Error>"),
        });
        let error = objects(&bucket).write(&one(b"1", None)).unwrap_err();
        let unusable = matches!(error, StoreError::Unusable { .. });
        let unknown = matches!(error, StoreError::Unknown { .. });
        assert_eq!((unusable, unknown), (known, !known), "{status}: {error:?}");
    }
}

#[test]
fn a_slow_or_stalled_server_is_given_up_in_time() {
    let (proxy, bucket, _) = behind();
    let store = objects(&bucket);
    proxy.add(Rule::each(Fault::Delay(Duration::from_millis(300))));
    store.write(&one(b"1", None)).unwrap();
    proxy.heal();
    proxy.add(Rule::each(Fault::Stall));
    let start = Instant::now();
    let error = store.read(&[name("plan/a")]).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Silent { .. }), "{error:?}");
    let error = store.names(&name("plan")).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Silent { .. }), "{error:?}");
    assert!(start.elapsed() < PATIENCE * 2 + Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let there = bucket();
    let bucket = Bucket { url: "s3://nowhere-to-be-found/shop".to_owned(), ..there };
    let home = || Home::shared(std::sync::Arc::new(objects(&bucket)));
    let made = Ledger::create(home(), &label("shop"), id(1), now()).map(drop);
    for result in [made, Ledger::open(home(), &label("shop")).map(drop)] {
        let Err(error @ LedgerError::Unusable { .. }) = &result else { panic!("{result:?}") };
        let text = countersign::causes::line(error);
        assert!(text.contains("there is no bucket or container nowhere-to-be-found"), "{text}");
    }
}

#[test]
fn no_error_and_no_debug_text_shows_a_credential() {
    const KEY: &str = "SENTINELKEY";
    const SECRET: &str = "SENTINELSECRET";
    const TOKEN: &str = "SENTINELTOKEN";
    let environment = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some(KEY.to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET.to_owned()),
        "AWS_SESSION_TOKEN" => Some(TOKEN.to_owned()),
        _ => credentials(name),
    };
    // As S3 does, the server quotes what was signed.
    let quoted = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>SENTINELKEY\
                  </AWSAccessKeyId><CanonicalRequest>x-amz-security-token:SENTINELTOKEN\
                  </CanonicalRequest><StringToSign>SENTINELSECRET</StringToSign></Error>";
    let stranger = "<Error><Code>Sent\nSENTINEL KEY \u{1b}[31m</Code></Error>";
    let mut texts = Vec::new();
    for (status, body) in
        [("403 No", quoted), ("400 No", quoted), ("500 Oh", quoted), ("403 No", stranger)]
    {
        let (_server, bucket) = answering(status, "", body);
        let store = Objects::open(&bucket, &environment).unwrap();
        texts.push(format!("{store:?} {} {bucket:?}", store.place()));
        let errors = [
            store.read(&[name("plan/a")]).unwrap_err(),
            store.names(&name("plan")).unwrap_err(),
            store.write(&one(b"1", None)).unwrap_err(),
            store.prove([7; 16]).unwrap_err(),
        ];
        for error in errors {
            texts.push(format!("{error:?} {}", said(&error)));
        }
    }
    for text in texts {
        for secret in [KEY, SECRET, TOKEN, "\n", "\u{1b}"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
