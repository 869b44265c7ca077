//! A ledger in a branch that is reached over HTTP: the suite, who is let in, and what an apply asks
//! of the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::causes;
use countersign::document::code::Code;
use countersign::document::statement::Outcome;
use countersign::git::{Repository, Surroundings};
use countersign::ledger::git::{Git, GitPlace};
use countersign::ledger::store::{Along, StoreError};
use countersign::ledger::{Home, Ledger, LedgerError};

use super::faults::{Far, LONG, Patience, every_fault_at_its_steps};
use super::git::{BRANCH, at};
use super::suite::Place;
use crate::support::apply::*;
use crate::support::git::{Server, git, script_at};
use crate::support::git_http::{Asked, GitHttp, Rights};
use crate::support::proxy::{Fault, Proxy, Rule};

const PASSWORD: &str = "hunter-of-two";

/// A bare repository behind a server of its own.
struct Remote {
    server: Server,
    http: GitHttp,
    clones: AtomicUsize,
}

impl Remote {
    fn new(rights: Rights) -> Self {
        let server = Server::new();
        let http = GitHttp::serve(server.folder.path(), rights);
        Self { server, http, clones: AtomicUsize::new(0) }
    }

    fn url(&self) -> String {
        format!("http://{}/remote.git", self.http.address())
    }

    /// A new clone whose origin is at an address.
    fn clone(&self, url: &str) -> PathBuf {
        let name = format!("clone-{}", self.clones.fetch_add(1, Ordering::SeqCst));
        let clone = self.server.clone(&name, &[]);
        git(&clone, &["remote", "set-url", "origin", url]);
        clone
    }

    /// A new repository with nothing but an origin.
    fn empty(&self, url: &str) -> PathBuf {
        let name = format!("empty-{}", self.clones.fetch_add(1, Ordering::SeqCst));
        git(self.server.folder.path(), &["init", "--quiet", &name]);
        let made = self.server.folder.path().join(name);
        let mut settings = std::fs::read_to_string(made.join(".git/config")).unwrap();
        settings.push_str(&format!("[remote \"origin\"]\n\turl = {url}\n"));
        std::fs::write(made.join(".git/config"), settings).unwrap();
        made
    }

    fn repository(&self, clone: &Path) -> Repository {
        Repository::open(clone, self.server.surroundings()).unwrap()
    }

    fn open(&self, clone: &Path) -> Result<Ledger, LedgerError> {
        let opened = Git::open(&self.repository(clone), at(BRANCH));
        let store = opened.map_err(|error| LedgerError::store(error, "the place"))?;
        Ledger::open(Home::shared(Arc::new(store)), &label("shop"))
    }

    /// The ledger, made past the server.
    fn create(&self) {
        let clone = self.clone(&self.server.address());
        let store = Git::create(&self.repository(&clone), at(BRANCH)).unwrap();
        Ledger::create(Home::shared(Arc::new(store)), &label("shop"), id(1), now()).unwrap();
    }

    /// The ledger as it stands, read past the server.
    fn straight(&self) -> Ledger {
        self.open(&self.clone(&self.server.address())).unwrap()
    }
}

fn place() -> Place {
    let remote = Remote::new(Rights::open());
    let open = move || {
        let clone = remote.clone(&remote.url());
        Home::shared(Arc::new(Git::create(&remote.repository(&clone), at(BRANCH)).unwrap()))
    };
    Place { open: Box::new(open), folder: tempfile::tempdir().unwrap() }
}

suite!(place());

/// A branch of its own for each ledger, behind a proxy of its own.
fn far(remote: &Arc<Remote>) -> Far {
    let number = remote.clones.fetch_add(1, Ordering::SeqCst);
    let proxy = Proxy::before(remote.http.address());
    let through = format!("http://{}/remote.git", proxy.address());
    let straight = remote.server.address();
    let branch = format!("ledger-{number}");
    let repository = {
        let remote = Arc::clone(remote);
        move |url: &str, patience: Duration| {
            let surroundings = Surroundings { patience, ..remote.server.surroundings() };
            Repository::open(&remote.empty(url), surroundings).unwrap()
        }
    };
    let store = move |url: &str, Patience { answer, lease }: Patience, new: bool| {
        let place = GitPlace { lease, ..at(&branch) };
        let repository = repository(url, answer);
        let open = if new { Git::create } else { Git::open };
        Ok::<_, StoreError>(Home::shared(Arc::new(open(&repository, place)?)))
    };
    let store = Arc::new(store);
    let (same, address) = (Arc::clone(&store), straight.clone());
    Far {
        proxy,
        open: Box::new(move |by_proxy, patience| {
            store(if by_proxy { &through } else { &straight }, patience, false)
        }),
        create: Some(Box::new(move |patience| same(&address, patience, true).unwrap())),
        writes: ("POST", "git-receive-pack"),
        cut: Fault::CutBody,
        long: LONG,
    }
}

#[test]
fn no_fault_of_the_network_spends_twice_or_hides_what_happened() {
    let remote = Arc::new(Remote::new(Rights::open()));
    every_fault_at_its_steps(|| far(&remote));
}

/// An apply's whole work with the ledger.
fn apply(ledger: &Ledger) -> Result<(), LedgerError> {
    let lock = ledger.lock(&target("main"), plan("a"), fresh(), holder(), false)?;
    let spent = spend(ledger, lock, &ids(&[10, 11]), fresh(), false)?;
    finish(ledger, spent, Outcome::Applied).map(|_| ())
}

#[test]
fn an_apply_asks_the_server_nine_times() {
    let remote = Remote::new(Rights::open());
    // A clone that has nothing of the ledger, as a checkout in a pipeline.
    let clone = remote.clone(&remote.url());
    remote.create();
    let ledger = remote.open(&clone).unwrap();
    let once = |wanted: &[Asked]| {
        let wanted: Vec<_> = wanted.iter().map(|asked| (*asked, 200)).collect();
        assert_eq!(remote.http.take_served(), wanted);
    };
    // One fetch: the protocol, where the branch is, its commits.
    once(&[Asked::FetchRefs, Asked::Fetch, Asked::Fetch]);
    apply(&ledger).unwrap();
    // One push each for the lock, the spend and the end.
    once(&[Asked::PushRefs, Asked::Push].repeat(3));
    assert_eq!(git(&remote.server.bare(), &["rev-list", "--count", BRANCH]), "4");
}

#[test]
fn a_commit_that_goes_along_is_found_where_its_answer_was_cut_off() {
    let remote = Remote::new(Rights::open());
    remote.create();
    let proxy = Proxy::before(remote.http.address());
    let clone = remote.clone(&format!("http://{}/remote.git", proxy.address()));
    let ledger = remote.open(&clone).unwrap();
    let from = git(&clone, &["rev-parse", "HEAD"]);
    git(&clone, &["commit", "--quiet", "--allow-empty", "-m", "What was applied"]);
    let to = git(&clone, &["rev-parse", "HEAD"]);
    let lock = ledger.lock(&target("main"), plan("a"), fresh(), holder(), false).unwrap();
    let spent = spend(&ledger, lock, &ids(&[10]), fresh(), false).unwrap();
    let apply_id = spent.apply_id().clone();
    let receipt = receipt(spent.lock(), &apply_id, Outcome::Applied, Vec::new());
    let along = Along { branch: "main".to_owned(), from, to: to.clone() };
    proxy.add(Rule::each(Fault::CutAfter).on(("POST", "git-receive-pack")).times(1));
    ledger.finish(spent, &envelope(&receipt), Some(along)).unwrap();
    assert_eq!(remote.server.tip("main"), to);
    let rounds = remote.straight().rounds(plan("a")).unwrap();
    assert!(rounds.iter().all(|round| !round.state.is_open()), "{rounds:?}");
}

#[test]
fn credentials_are_the_ones_that_git_has() {
    let remote = Remote::new(Rights::login("robot", PASSWORD));
    remote.create();
    let header = format!("AUTHORIZATION: basic {}", STANDARD.encode(format!("robot:{PASSWORD}")));
    let helper = remote.server.folder.path().join("helper");
    script_at(&helper, &format!("echo username=robot\necho password={PASSWORD}"));
    let key = format!("http.http://{}/.extraheader", remote.http.address());
    let login = format!("http://robot:{PASSWORD}@{}/remote.git", remote.http.address());
    // As a checkout in a pipeline leaves it, as people have it, and as nobody should.
    let table = [
        [key.as_str(), header.as_str()],
        ["credential.helper", helper.to_str().unwrap()],
        ["remote.origin.url", &login],
    ];
    for (number, [name, value]) in (0..).zip(table) {
        let clone = remote.clone(&remote.url());
        git(&clone, &["config", name, value]);
        let ledger = remote.open(&clone).unwrap();
        let plan = plan(&number.to_string());
        let lock = ledger.lock(&target("main"), plan, fresh(), holder(), false).unwrap();
        let spent = spend(&ledger, lock, &ids(&[number]), fresh(), false).unwrap();
        finish(&ledger, spent, Outcome::Applied).unwrap();
        let said = format!("{ledger:?} {}", ledger.place());
        assert!(!said.contains(PASSWORD), "{said}");
    }
    let history = git(&remote.server.bare(), &["log", "--format=fuller", "-p", BRANCH]);
    assert!(!history.contains(PASSWORD), "{history}");
}

/// What a refusal says, which is sensible and tells no secret.
#[track_caller]
fn refused<T: std::fmt::Debug>(refused: Result<T, LedgerError>, wanted: &str) {
    let error = refused.unwrap_err();
    let said = causes::line(&error);
    assert!(matches!(error, LedgerError::Unusable { .. }), "{error:?}");
    assert_eq!(error.code(), Code::LedgerUnusable);
    assert!(said.contains(wanted), "{wanted:?} is not in: {said}");
    assert!(said.contains(BRANCH), "{said}");
    for secret in ["hunter", "wrong-one", &STANDARD.encode("robot:wrong-one")] {
        assert!(!said.contains(secret) && !format!("{error:?}").contains(secret), "{said}");
    }
}

#[test]
fn whoever_is_not_let_in_is_told_so_without_the_password() {
    let remote = Remote::new(Rights::login("robot", PASSWORD));
    remote.create();
    let clone = remote.clone(&remote.url());
    refused(remote.open(&clone), "could not read Username");
    let address = remote.http.address();
    git(
        &clone,
        &["remote", "set-url", "origin", &format!("http://robot:wrong-one@{address}/remote.git")],
    );
    refused(remote.open(&clone), "Authentication failed");
    let clone = remote.clone(&remote.url());
    let header = format!("Authorization: Basic {}", STANDARD.encode("robot:wrong-one"));
    git(&clone, &["config", &format!("http.http://{address}/.extraheader"), &header]);
    refused(remote.open(&clone), "could not read Username");
    let clone = remote.clone(&format!("http://{address}/other.git"));
    git(
        &clone,
        &["config", "credential.helper", "!echo username=robot; echo password=hunter-of-two #"],
    );
    refused(remote.open(&clone), "not found");
}

#[test]
fn a_server_that_takes_no_pushes_refuses_the_lock() {
    let remote = Remote::new(Rights { push: false, ..Rights::open() });
    remote.create();
    let before = remote.server.tip(BRANCH);
    let ledger = remote.open(&remote.clone(&remote.url())).unwrap();
    refused(apply(&ledger), "403");
    assert_eq!(remote.server.tip(BRANCH), before);
}

#[test]
fn a_hook_of_the_server_that_refuses_is_quoted_and_the_apply_works_without_it() {
    let remote = Remote::new(Rights::open());
    remote.create();
    let ledger = remote.open(&remote.clone(&remote.url())).unwrap();
    // It lets the lock pass and no spend.
    remote.server.hook(
        "pre-receive",
        "while read old new ref; do git log -1 --format=%s $new | grep -q '^Spend' || continue\n\
         echo 'no spends on Fridays' >&2\nexit 1\ndone",
    );
    refused(apply(&ledger), "no spends on Fridays");
    let found = remote.straight();
    assert!(found.rounds(plan("a")).unwrap().is_empty());
    assert!(found.locks().unwrap().is_empty(), "a refused spend gives its lock back");
    std::fs::remove_file(remote.server.bare().join("hooks/pre-receive")).unwrap();
    apply(&ledger).unwrap();
    assert_eq!(remote.straight().rounds(plan("a")).unwrap().len(), 1);
}
