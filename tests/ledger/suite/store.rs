//! What every store does, before the ledger's rules.

use countersign::ledger::store::{Change, Found, Name, Put, StoreError};

use super::{Place, name, read, write};

pub(crate) fn a_record_is_written_once_and_changed_only_from_what_was_read(place: &Place) {
    let (one, other) = (place.home(), place.home());
    let record = name("plan/a");
    assert!(read(&one, &record).is_none());
    let first = write(&one, &record, b"1", None).unwrap();
    let conflict = |result| assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    conflict(write(&other, &record, b"2", None));
    let Found { bytes, version } = read(&other, &record).unwrap();
    assert_eq!((bytes.as_slice(), &version), (&b"1"[..], &first));
    let second = write(&other, &record, b"2", Some(&version)).unwrap();
    conflict(write(&one, &record, b"3", Some(&first)));
    conflict(write(&one, &name("plan/b"), b"3", Some(&first)));
    let found = Found { bytes: b"2".to_vec(), version: second };
    assert_eq!(read(&one, &record).unwrap(), found);
}

pub(crate) fn a_change_of_several_records_is_refused_at_the_first_that_differs(place: &Place) {
    let home = place.home();
    let put = |text: &str, expected| Put { name: name(text), bytes: text.into(), expected };
    let change = |steps| Change { why: "Several".to_owned(), steps, along: None };
    let taken = write(&home, &name("taken"), b"before", None).unwrap();
    let refused = change(vec![vec![put("taken", None)], vec![put("after", None)]]);
    let refused = place.home().store().write(&refused);
    assert!(
        matches!(&refused, Err(StoreError::Conflict(at)) if *at == name("taken")),
        "{refused:?}"
    );
    assert!(read(&home, &name("after")).is_none());
    let several = vec![
        vec![put("claim/a", None), put("claim/b", None)],
        vec![Put { name: name("taken"), bytes: b"again".to_vec(), expected: Some(taken) }],
    ];
    let versions = place.home().store().write(&change(several)).unwrap();
    for (text, version) in ["claim/a", "claim/b", "taken"].into_iter().zip(versions) {
        assert_eq!(read(&home, &name(text)).unwrap().version, version, "{text}");
    }
    assert_eq!(read(&home, &name("taken")).unwrap().bytes, b"again");
}

pub(crate) fn names_are_found_beneath_their_prefix_only(place: &Place) {
    let home = place.home();
    for text in ["plan/b", "plan/a", "planner/a", "receipt/prod/main/2", "receipt/prod/main/1"] {
        write(&home, &name(text), b"{}", None).unwrap();
    }
    let names = |prefix| -> Vec<String> {
        let found = home.store().names(&name(prefix)).unwrap();
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names("plan"), ["plan/a", "plan/b"]);
    assert_eq!(names("receipt"), ["receipt/prod/main/1", "receipt/prod/main/2"]);
    assert_eq!(names("receipt/prod/main"), names("receipt"));
    assert!(names("receipt/prod/other").is_empty());
    for bad in ["", "/", "a/", "/a", "a//b", "..", "a/../b", "A", "a.b", "a\0", "a b"] {
        assert!(bad.parse::<Name>().is_err(), "{bad:?}");
    }
}

pub(crate) fn a_journal_has_one_writer_and_keeps_its_lines(place: &Place) {
    let journals = place.home().journals();
    let journal_name = name("journal/a");
    assert!(journals.lines(&journal_name).unwrap().is_empty());
    let mut journal = journals.start(&journal_name).unwrap();
    assert!(journals.lines(&journal_name).unwrap().is_empty());
    journal.push(b"one").unwrap();
    journal.note(b"two").unwrap();
    journal.push(b"").unwrap();
    let lines = place.home().journals().lines(&journal_name).unwrap();
    assert_eq!(lines, [&b"one"[..], b"two", b""]);
    // A second writer is refused when it starts, or with its first line.
    let second = journals.start(&journal_name).and_then(|mut journal| journal.push(b"three"));
    assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
    assert_eq!(place.home().journals().lines(&journal_name).unwrap(), lines);
}
