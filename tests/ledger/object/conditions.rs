//! Stores that keep to conditions, and such that only seem to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use countersign::ledger::ProofError;
use countersign::ledger::object::{ObjectError, Objects};
use countersign::ledger::store::{Change, Store as _, StoreError};

use super::{name, objects, put, reason, said};
use crate::support::localstack::bucket;

/// How a store is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Laxity {
    /// Every write is done.
    Overwrites,
    /// Changes are done whatever was there.
    UpdatesAnything,
    /// Looks first, then writes: right for one writer at a time.
    LooksFirst,
    /// Says that the condition did not hold, and writes.
    RefusesAndWrites,
    /// Never lets anybody through.
    RefusesAll,
    /// Gives no ETags.
    Unversioned,
    /// Does not answer reads of `plan/slow`.
    Slow,
}

#[derive(Debug)]
struct Lax {
    inner: InMemory,
    laxity: Laxity,
    reading: AtomicBool,
}

impl std::fmt::Display for Lax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lax")
    }
}

impl Lax {
    fn new(laxity: Laxity) -> Arc<Self> {
        Arc::new(Self { inner: InMemory::new(), laxity, reading: AtomicBool::new(false) })
    }

    async fn overwrite(&self, path: &Path, payload: PutPayload) -> Result<PutResult> {
        self.inner.put_opts(path, payload, PutOptions::from(PutMode::Overwrite)).await
    }
}

#[async_trait]
impl ObjectStore for Lax {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let update = matches!(options.mode, PutMode::Update(_));
        match self.laxity {
            Laxity::Overwrites => self.overwrite(path, payload).await,
            Laxity::UpdatesAnything if update => self.overwrite(path, payload).await,
            Laxity::LooksFirst => {
                let looked = self.inner.get_opts(path, GetOptions::default()).await;
                // As long as a request over a network takes.
                tokio::time::sleep(Duration::from_millis(5)).await;
                let there = looked.ok().map(|found| found.meta.e_tag);
                let held = match options.mode {
                    PutMode::Create => there.is_none(),
                    PutMode::Update(version) => there == Some(version.e_tag),
                    PutMode::Overwrite => true,
                };
                match held {
                    true => self.overwrite(path, payload).await,
                    false => Err(lapsed(path)),
                }
            }
            Laxity::RefusesAndWrites => {
                let (mode, written) = (options.mode.clone(), payload.clone());
                let answer = self.inner.put_opts(path, payload, PutOptions::from(mode)).await;
                match answer {
                    Err(error) => {
                        self.overwrite(path, written).await?;
                        Err(error)
                    }
                    done => done,
                }
            }
            Laxity::RefusesAll => Err(lapsed(path)),
            Laxity::Unversioned => {
                let done = self.inner.put_opts(path, payload, options).await?;
                Ok(PutResult { e_tag: None, ..done })
            }
            Laxity::UpdatesAnything | Laxity::Slow => {
                self.inner.put_opts(path, payload, options).await
            }
        }
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        if self.laxity == Laxity::Slow && path.as_ref().contains("slow") {
            self.reading.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        let mut found = self.inner.get_opts(path, options).await?;
        if self.laxity == Laxity::Unversioned {
            found.meta.e_tag = None;
        }
        Ok(found)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn lapsed(path: &Path) -> object_store::Error {
    object_store::Error::Precondition { path: path.to_string(), source: "refused".into() }
}

fn over(store: Arc<dyn ObjectStore>) -> Objects {
    let second = Duration::from_secs(1);
    Objects::over(store, &name("shop"), "the test's store", second, second * 3).unwrap()
}

#[test]
fn a_store_that_keeps_to_conditions_is_proved_and_left_clean() {
    let bucket = bucket();
    for store in [objects(&bucket), over(Arc::new(InMemory::new()))] {
        let proof = store.prove([7; 16]).unwrap();
        assert_eq!((&proof.place, &proof.left), (&store.place(), &None));
        assert!(proof.to_string().contains("let one through"), "{proof}");
        assert!(store.names(&name("probe")).unwrap().is_empty());
        store.prove([7; 16]).unwrap();
    }
}

#[test]
fn a_store_that_lets_two_writers_through_is_refused_by_name() {
    let table = [
        (Laxity::Overwrites, ProofError::CreatedTwice),
        (Laxity::UpdatesAnything, ProofError::UpdatedTwice),
        (Laxity::LooksFirst, ProofError::CreatedTwice),
        (Laxity::RefusesAndWrites, ProofError::OtherBytes),
        (Laxity::RefusesAll, ProofError::Neither),
    ];
    for (laxity, expected) in table {
        let error = over(Lax::new(laxity)).prove([7; 16]).unwrap_err();
        let StoreError::Unusable { source, .. } = &error else { panic!("{laxity:?}: {error:?}") };
        assert_eq!(source.downcast_ref(), Some(&expected), "{laxity:?}");
        assert!(said(&error).contains("the test's store"), "{error}");
    }
}

#[test]
fn a_store_without_versions_is_refused() {
    let store = over(Lax::new(Laxity::Unversioned));
    let error = store.prove([7; 16]).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Unversioned(_)), "{error:?}");
    let error = store.write(&Change::of("One", put("plan/a", b"1"))).unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error:?}");
}

#[test]
fn a_folder_is_sent_to_the_kind_that_is_meant_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let error = over(Arc::new(files)).prove([7; 16]).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Unconditional { .. }), "{error:?}");
    assert!(said(&error).contains("choose the ledger kind local"), "{}", said(&error));
}

#[test]
fn a_record_beyond_the_limit_is_neither_written_nor_read() {
    const MOST: usize = 64 << 20;
    let inner = Arc::new(InMemory::new());
    let store = over(Arc::clone(&inner) as Arc<dyn ObjectStore>);
    let error =
        store.write(&Change::of("Large", put("plan/a", &vec![b'a'; MOST + 1]))).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::TooLarge { most: MOST, .. }), "{error:?}");
    assert_eq!(store.read(&[name("plan/a")]).unwrap(), [None]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let large = PutPayload::from(vec![b'a'; MOST + 1]);
    let path = Path::from("shop/plan/a.json");
    runtime.block_on(inner.put_opts(&path, large, PutOptions::default())).unwrap();
    let error = store.read(&[name("plan/a")]).unwrap_err();
    assert!(matches!(reason(&error), ObjectError::TooLarge { .. }), "{error:?}");
    assert!(said(&error).contains("shop/plan/a.json is larger than"), "{}", said(&error));
}

#[test]
fn whoever_waits_for_an_answer_hinders_nobody_else() {
    let lax = Lax::new(Laxity::Slow);
    let store = Arc::new(over(Arc::clone(&lax) as Arc<dyn ObjectStore>));
    let waiting = {
        let store = Arc::clone(&store);
        std::thread::spawn(move || store.read(&[name("plan/slow")]))
    };
    while !lax.reading.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    let start = Instant::now();
    for number in 0..20 {
        let record = format!("plan/{number}");
        store.write(&Change::of("One", put(&record, b"1"))).unwrap();
    }
    assert!(!waiting.is_finished(), "{:?}", start.elapsed());
    let error = waiting.join().unwrap().unwrap_err();
    assert!(matches!(reason(&error), ObjectError::Silent { .. }), "{error:?}");
}

#[test]
fn a_store_can_be_used_and_dropped_within_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = over(Arc::new(InMemory::new()));
        store.write(&Change::of("One", put("plan/a", b"1"))).unwrap();
        assert_eq!(store.names(&name("plan")).unwrap(), [name("plan/a")]);
    });
}
