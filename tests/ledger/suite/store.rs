//! What every store does, before the ledger's rules.

use countersign::ledger::store::{Name, StoreError};

use super::{Home, name};

pub(crate) fn a_record_is_written_once_and_changed_only_from_what_was_read(home: &Home) {
    let (one, other) = (home.store(), home.store());
    let record = name("plan/a");
    assert!(one.read(&record).unwrap().is_none());
    let first = one.write(&record, b"1", None).unwrap();
    let conflict = |result| assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    conflict(other.write(&record, b"2", None));
    let (bytes, version) = other.read(&record).unwrap().unwrap();
    assert_eq!((bytes.as_slice(), &version), (&b"1"[..], &first));
    let second = other.write(&record, b"2", Some(&version)).unwrap();
    conflict(one.write(&record, b"3", Some(&first)));
    conflict(one.write(&name("plan/b"), b"3", Some(&first)));
    assert_eq!(one.read(&record).unwrap().unwrap(), (b"2".to_vec(), second));
}

pub(crate) fn names_are_found_beneath_their_prefix_only(home: &Home) {
    let store = home.store();
    for text in ["plan/b", "plan/a", "planner/a", "receipt/prod/main/2", "receipt/prod/main/1"] {
        store.write(&name(text), b"{}", None).unwrap();
    }
    let names = |prefix| -> Vec<String> {
        let found = store.names(&name(prefix)).unwrap();
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

pub(crate) fn a_journal_has_one_writer_and_keeps_its_lines(home: &Home) {
    let store = home.store();
    let journal_name = name("journal/a");
    assert!(store.lines(&journal_name).unwrap().is_empty());
    let mut journal = store.journal(&journal_name).unwrap();
    assert!(store.lines(&journal_name).unwrap().is_empty());
    journal.push(b"one").unwrap();
    journal.note(b"two").unwrap();
    journal.push(b"").unwrap();
    assert_eq!(home.store().lines(&journal_name).unwrap(), [&b"one"[..], b"two", b""]);
    assert!(matches!(store.journal(&journal_name), Err(StoreError::Conflict(_))));
}

pub(crate) fn a_hold_is_had_once(home: &Home) {
    let (one, other) = (home.store(), home.store());
    let target = name("prod/main");
    let held = one.hold(&target).unwrap().expect("nobody has it");
    assert!(one.hold(&target).unwrap().is_none());
    assert!(other.hold(&target).unwrap().is_none());
    assert!(other.hold(&name("prod/other")).unwrap().is_some());
    drop(held);
    assert!(other.hold(&target).unwrap().is_some());
}
