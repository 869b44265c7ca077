//! What stands in the namespace: records, and nothing that only looks like one.

use super::*;

#[test]
fn a_lock_is_a_lease_that_shows_its_holder() {
    let ground = Ground::new();
    let ledger = Ledger::create(ground.home(), &label("shop"), id(1), now()).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let lease = cluster().admin().read(&ground.at("lock/prod/main"));
    let spec = &lease["spec"];
    let holder = format!("applier@runner/{}", std::process::id());
    assert_eq!(spec["holderIdentity"], holder, "{lease}");
    assert_eq!(spec["leaseDurationSeconds"], 6);
    let since = now().to_string().replace('Z', ".000000Z");
    assert_eq!((&spec["acquireTime"], &spec["renewTime"]), (&json!(since), &json!(since)));
    // What people see is for people: it decides nothing.
    ground.changed("lock/prod/main", |lease| {
        lease["spec"]["holderIdentity"] = "nobody".into();
        lease["spec"]["renewTime"] = "2001-01-01T00:00:00.000000Z".into();
    });
    let other = Ledger::open(ground.home(), &label("shop")).unwrap();
    let held =
        other.lock(&target("main"), plan("b"), fresh(), crate::support::apply::holder(), false);
    assert!(matches!(held, Err(LedgerError::Held(_))), "{held:?}");
    ledger.release(lock).unwrap();
    let lease = cluster().admin().read(&ground.at("lock/prod/main"));
    assert_eq!(lease["spec"], json!({}), "{lease}");
}

#[test]
fn an_object_that_is_not_the_record_of_its_name_is_damaged() {
    type Spoil = (&'static str, fn(&mut Value));
    let spoils: [Spoil; 7] = [
        ("another name", |o| o["metadata"]["annotations"]["countersign/record"] = "plan/b".into()),
        ("no name", |o| o["metadata"]["annotations"] = json!({})),
        ("no record", |o| o["data"] = json!({})),
        ("another key", |o| o["data"] = json!({"other": "{}"})),
        ("more keys", |o| o["data"]["other"] = "{}".into()),
        ("parts that are none", |o| o["data"] = json!({"parts": "x\n"})),
        ("a part that is missing", |o| o["data"] = json!({"parts": format!("{}\n", plan("x"))})),
    ];
    let ground = Ground::new();
    let home = ground.home();
    let record = name("plan/a");
    write(&home, &record, b"{}", None).unwrap();
    for (what, spoil) in spoils {
        let before = cluster().admin().read(&ground.at("plan/a"));
        ground.changed("plan/a", spoil);
        let found = home.store().read(std::slice::from_ref(&record));
        assert!(
            matches!(&found, Err(StoreError::Damaged(at)) if *at == record),
            "{what}: {found:?}"
        );
        // Whoever writes does so from a version that was read, and nobody read this one.
        let written = write(&home, &record, b"[]", None);
        assert!(written.is_err(), "{what}: {written:?}");
        ground.changed("plan/a", |object| {
            object["metadata"]["annotations"] = before["metadata"]["annotations"].clone();
            object["data"] = before["data"].clone();
        });
        assert_eq!(read(&home, &record).unwrap().bytes, b"{}", "{what}");
    }
    ground.changed("plan/a", |o| o["metadata"]["annotations"]["countersign/record"] = "x".into());
    let listed = home.store().names(&name("plan"));
    assert!(matches!(&listed, Err(StoreError::Damaged(at)) if *at == name("plan")), "{listed:?}");
}

#[test]
fn other_objects_of_the_namespace_are_no_records() {
    let ground = Ground::new();
    let home = ground.home();
    write(&home, &name("plan/a"), b"{}", None).unwrap();
    for other in ["plan.b", "settings"] {
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": other, "namespace": ground.namespace.name()}, "data": {"a": "b"},
        });
        cluster().admin().apply(&body);
    }
    assert_eq!(home.store().names(&name("plan")).unwrap(), [name("plan/a")]);
    let foreign = home.store().read(&[name("plan/b")]);
    assert!(matches!(foreign, Err(StoreError::Damaged(_))), "{foreign:?}");
}

#[test]
fn a_damaged_deleted_or_foreign_head_is_no_ledger_of_this_project() {
    let ground = Ground::new();
    let open = || Ledger::open(ground.home(), &label("shop"));
    Ledger::create(ground.home(), &label("shop"), id(1), now()).unwrap();
    let whole = cluster().admin().read(&ground.at("head"));
    let whole = whole["data"]["record"].as_str().unwrap().to_owned();
    for bad in ["", "null", "{", &whole[..whole.len() - 2], &whole.replace("shop", "Shop")] {
        ground.changed("head", |head| head["data"]["record"] = bad.into());
        let opened = open();
        assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{bad:?}: {opened:?}");
    }
    ground.changed("head", |head| head["data"]["record"] = whole.replace("shop", "bank").into());
    let opened = open();
    assert!(matches!(opened, Err(LedgerError::Foreign { .. })), "{opened:?}");
    assert_eq!(cluster().admin().delete(&ground.at("head"), &Value::Null).0, 200);
    let opened = open();
    assert!(matches!(opened, Err(LedgerError::Missing(_))), "{opened:?}");
}

/// The same bytes at the same name, made anew: another object, whose history nobody read.
#[test]
fn a_record_that_was_deleted_or_made_anew_is_not_written_over() {
    let ground = Ground::new();
    let home = ground.home();
    for record in ["plan/a", "lock/prod/main"] {
        let record = name(record);
        let version = write(&home, &record, b"{}", None).unwrap();
        let path = ground.at(record.as_str());
        let mut object = cluster().admin().read(&path);
        assert_eq!(cluster().admin().delete(&path, &Value::Null).0, 200);
        let refused = write(&home, &record, b"[]", Some(&version));
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        assert!(read(&home, &record).is_none());
        for member in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            object["metadata"].as_object_mut().unwrap().remove(member);
        }
        let (status, answer) = cluster().admin().post(path.rsplit_once('/').unwrap().0, &object);
        assert_eq!(status, 201, "{answer}");
        let refused = write(&home, &record, b"[]", Some(&version));
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        assert_eq!(read(&home, &record).unwrap().bytes, b"{}");
    }
}

#[test]
fn a_listing_of_several_pages_is_whole() {
    let ground = Ground::new();
    let home = ground.home();
    let names: Vec<_> = (0..600).map(|number| name(&format!("plan/{number:04}"))).collect();
    let puts = names.iter().map(|name| put(name.as_str(), b"{}")).collect();
    let change = Change { why: "Many".to_owned(), steps: vec![puts], along: None };
    assert_eq!(home.store().write(&change).unwrap().len(), names.len());
    assert_eq!(home.store().names(&name("plan")).unwrap(), names);
    let found = home.store().read(&names).unwrap();
    assert!(found.into_iter().all(|found| found.is_some_and(|found| found.bytes == b"{}")));
}

/// As long as names can become: 63 characters for environment and target each.
#[test]
fn a_long_name_is_listed_beneath_each_of_its_prefixes() {
    let ground = Ground::new();
    let home = ground.home();
    let (long, other) = ("e".repeat(63), format!("{}x", "e".repeat(62)));
    let names: Vec<_> =
        [&long, &other].map(|target| name(&format!("receipt/{long}/{target}/000000000001"))).into();
    for record in &names {
        write(&home, record, b"{}", None).unwrap();
    }
    for (prefix, beneath) in [
        ("receipt".to_owned(), &names[..]),
        (format!("receipt/{long}"), &names[..]),
        (format!("receipt/{long}/{long}"), &names[..1]),
        (format!("receipt/{long}/{other}"), &names[1..]),
        (format!("receipt/{other}"), &[]),
    ] {
        assert_eq!(home.store().names(&name(&prefix)).unwrap(), beneath, "{prefix}");
    }
}

#[test]
fn a_name_that_no_object_can_have_is_refused() {
    let ground = Ground::new();
    let store = ground.store();
    let long = "a".repeat(254);
    for bad in ["plan/-a", "plan/a-", "-", long.as_str()] {
        let error = store.write(&Change::of("Bad", put(bad, b"{}"))).unwrap_err();
        assert!(matches!(reason(&error), NamespaceError::Unnameable(_)), "{error:?}");
        assert!(store.read(&[name(bad)]).is_err(), "{bad}");
    }
    let error = store.write(&Change::of("Bytes", put("plan/a", b"\xff"))).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::NoText(_)), "{error:?}");
}

/// A receipt of ten thousand objects.
#[test]
fn a_record_that_no_object_can_hold_is_kept_in_parts() {
    let ground = Ground::new();
    let home = ground.home();
    let record = name("receipt/prod/main/000000000001");
    // Every border of a part falls into a character of two bytes.
    let large = |first: char| -> Vec<u8> {
        std::iter::once(first).chain(std::iter::repeat_n('ü', 1_200_000)).collect::<String>().into()
    };
    let steps = vec![
        vec![put("claim/a", b"{}")],
        vec![Put { name: record.clone(), bytes: large('a'), expected: None }],
    ];
    let versions =
        home.store().write(&Change { why: "Large".to_owned(), steps, along: None }).unwrap();
    assert_eq!(versions.len(), 2);
    let found = read(&home, &record).unwrap();
    assert!(found.bytes == large('a') && found.version == versions[1]);
    assert_eq!(home.store().names(&name("part")).unwrap().len(), 3);
    assert_eq!(home.store().names(&name("receipt")).unwrap(), std::slice::from_ref(&record));
    // Only the first part is another one now; a second writer is too late.
    let version = write(&home, &record, &large('b'), Some(&found.version)).unwrap();
    let late = write(&home, &record, &large('c'), Some(&found.version));
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let found = read(&home, &record).unwrap();
    assert!(found.bytes == large('b') && found.version == version);
    assert_eq!(home.store().names(&name("part")).unwrap().len(), 5);
    let object = cluster().admin().read(&ground.at(record.as_str()));
    let parts: Vec<_> = object["data"]["parts"].as_str().unwrap().lines().collect();
    assert_eq!(parts.len(), 3, "{object}");
    let last = format!("part/{}", parts[2]);
    ground.changed(&last, |part| part["data"]["record"] = "other".into());
    let damaged = home.store().read(std::slice::from_ref(&record)).map(drop);
    assert!(matches!(&damaged, Err(StoreError::Damaged(at)) if *at == record), "{damaged:?}");
    let lock = Put { bytes: vec![b'a'; (128 << 10) + 1], ..put("lock/prod/main", b"") };
    let error = home.store().write(&Change::of("Large", lock)).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::TooLarge { most: 131_072, .. }), "{error:?}");
}
