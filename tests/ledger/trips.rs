//! How often a shared store is asked for one apply: no more than is safe, and it stays so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::document::statement::Outcome;
use countersign::ledger::local::Local;
use countersign::ledger::store::{Change, Found, Liveness, Name, Store, StoreError, Version};
use countersign::ledger::{Home, Ledger};

use crate::support::apply::*;

/// Writes down what it is asked.
#[derive(Debug)]
struct Counted {
    folder: Local,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Counted {
    fn note(&self, what: &str, names: impl Iterator<Item = String>) {
        let names: Vec<_> = names.collect();
        self.asked.lock().unwrap().push(format!("{what} {}", names.join(", ")));
    }
}

/// The kind of a record: the first segment of its name.
fn kind(name: &Name) -> String {
    name.as_str().split('/').next().unwrap().to_owned()
}

impl Store for Counted {
    fn place(&self) -> String {
        self.folder.place()
    }
    fn refresh(&self) -> Result<(), StoreError> {
        self.note("refresh", std::iter::empty());
        Ok(())
    }
    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError> {
        self.note("read", names.iter().map(kind));
        self.folder.read(names)
    }
    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        self.note("list", std::iter::once(kind(prefix)));
        self.folder.names(prefix)
    }
    fn write(&self, change: &Change) -> Result<Vec<Version>, StoreError> {
        let step = |step: &Vec<_>| {
            let names: Vec<_> =
                step.iter().map(|put: &countersign::ledger::store::Put| kind(&put.name)).collect();
            names.join(" + ")
        };
        self.note("write", change.steps.iter().map(step));
        self.folder.write(change)
    }
    fn liveness(&self) -> Liveness<'_> {
        Liveness::Leased(Duration::from_secs(600))
    }
}

#[test]
fn an_apply_asks_its_store_as_seldom_as_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(local_created(&path));
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let store = Counted { folder: Local::open(&path).unwrap(), asked: Arc::clone(&asked) };
    let journals = Local::create(&folder.path().join("journals")).unwrap();
    let home = Home::shared(Arc::new(store)).with_journals(journals);
    let since = || std::mem::take(&mut *asked.lock().unwrap());

    let ledger = Ledger::open(home, &label("shop")).unwrap();
    assert_eq!(since(), ["read head"]);
    for (number, receipt_before) in [(10, false), (11, true)] {
        let plan = plan(&number.to_string());
        ledger.trust_seen().unwrap();
        ledger.approval_use(plan, &id(number)).unwrap();
        assert_eq!(since(), ["read trust", "read approval, plan"]);
        let lock = locked(&ledger, "main", plan, false);
        let mut locks = vec!["read lock, plan, trust", "list receipt"];
        locks.extend(receipt_before.then_some("read receipt"));
        locks.push("write lock");
        assert_eq!(since(), locks);
        let spent = spend(&ledger, lock, &ids(&[number, number + 100]), fresh(), false).unwrap();
        assert_eq!(since(), ["write lock + approval + approval + trust, plan"]);
        // However many files: the journal of files of this machine is on this machine.
        let items: Vec<_> = (0..1000).map(|at| format!("{at}.yaml")).collect();
        for some in items.chunks(64) {
            let some = some.iter().map(|item| (item.as_str(), None, None));
            for recorded in ledger.begin_all(&spent, some).unwrap() {
                ledger.done(&spent, recorded.written()).unwrap();
            }
        }
        assert!(since().is_empty());
        finish(&ledger, spent, Outcome::Applied).unwrap();
        assert_eq!(since(), ["write receipt, plan, lock"]);
    }
}

/// A target that others reach too has its journal in the store: one write for as many as begin
/// together.
#[test]
fn a_shared_journal_is_written_once_for_writes_that_begin_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(local_created(&path));
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let store = Counted { folder: Local::open(&path).unwrap(), asked: Arc::clone(&asked) };
    let ledger = Ledger::open(Home::shared(Arc::new(store)), &label("shop")).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    asked.lock().unwrap().clear();
    let items = ["a", "b", "c"].map(|item| (item, None, None));
    let recorded = ledger.begin_all(&spent, items).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["write journal"]);
    for one in recorded {
        ledger.done(&spent, one.written()).unwrap();
    }
    assert_eq!(asked.lock().unwrap().len(), 1, "what is done is noted with what begins next");
    finish(&ledger, spent, Outcome::Applied).unwrap();
    assert_eq!(ledger.journal_lines(&id(100)).unwrap().len(), 3);
}

/// However many begin together: no record is larger than every kind of store takes.
#[test]
fn a_long_page_of_a_journal_is_several_records_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(local_created(&path));
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let store = Counted { folder: Local::open(&path).unwrap(), asked: Arc::clone(&asked) };
    let ledger = Ledger::open(Home::shared(Arc::new(store)), &label("shop")).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    asked.lock().unwrap().clear();
    let items: Vec<_> = (0..10_000).map(|at| format!("apps/Deployment/shop/web-{at:05}")).collect();
    let begun = items.iter().map(|item| (item.as_str(), Some(plan("old")), Some(plan("new"))));
    assert_eq!(ledger.begin_all(&spent, begun).unwrap().len(), items.len());
    let journal = folder.path().join(format!("ledger/journal/{}", id(100)));
    let sizes: Vec<_> =
        std::fs::read_dir(journal).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).collect();
    assert!(sizes.len() > 4 && sizes.iter().all(|size| *size < 300 << 10), "{sizes:?}");
    assert_eq!(
        *asked.lock().unwrap(),
        [format!("write {}", vec!["journal"; sizes.len()].join(", "))]
    );
    ledger.begin(&spent, "last", None, None).unwrap();
    assert_eq!(ledger.journal_lines(&id(100)).unwrap().len(), items.len() + 1);
}
