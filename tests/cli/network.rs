//! An apply whose ledger is a branch behind a network that misbehaves: what a person is told, and
//! that the next attempt ends it.

use std::fs;

use super::shop::{Run, Shop};
use crate::support::git::{Server, git};
use crate::support::git_http::{GitHttp, Rights};
use crate::support::proxy::{Fault, Kind, Proxy, Rule};

const APPLY: [&str; 4] = ["apply", "plans/scale-web", "--trusted", "."];
const PUSH: Kind = ("POST", "git-receive-pack");

/// An approved plan in a clone whose ledger is a branch of its remote.
struct Far {
    shop: Shop,
    proxy: Proxy,
    _server: Server,
    _http: GitHttp,
}

impl Far {
    fn new() -> Self {
        let (shop, server) = (Shop::approved(), Server::new());
        let http = GitHttp::serve(server.folder.path(), Rights::open());
        let proxy = Proxy::before(http.address());
        let url = format!("http://{}/remote.git", proxy.address());
        git(&shop.path("shop"), &["init", "--quiet"]);
        git(&shop.path("shop"), &["remote", "add", "origin", &url]);
        shop.keeps_its_ledger_in("kind = \"git\"\nlease-seconds = 8\ntimeout-seconds = 3");
        shop.run(&["ledger", "create"]).exits(0);
        Self { shop, proxy, _server: server, _http: http }
    }

    fn web(&self) -> String {
        self.shop.text("shop/manifests/shop/web.yaml")
    }

    /// An apply that fails without a change, by the ledger.
    #[track_caller]
    fn fails(&self, parts: &[&str]) {
        let before = self.web();
        let run = self.shop.run(&APPLY).exits(18).says(&["[ledger_unusable]"]).says(parts);
        assert!(run.stderr.contains("Hint: "), "{run:#?}");
        assert_eq!(self.web(), before, "{run:#?}");
    }

    #[track_caller]
    fn applied_once(&self, run: Run) {
        assert!(run.stdout.contains("Applied plans/scale-web"), "{run:#?}");
        assert!(self.web().contains("replicas: 5"));
        self.shop.run(&APPLY).exits(12).says(&["is spent: an apply has used it"]);
        assert_eq!(
            fs::read_dir(self.shop.path("shop/plans/scale-web/receipts")).unwrap().count(),
            1
        );
    }
}

#[test]
fn a_remote_that_cannot_be_had_applies_nothing_and_the_next_attempt_works() {
    let far = Far::new();
    far.proxy.refuse();
    far.fails(&["branch countersign-ledger of origin", "Failed to connect"]);
    far.proxy.heal();
    far.proxy.add(Rule::each(Fault::Answer(503)));
    far.fails(&["503"]);
    far.proxy.heal();
    far.proxy.add(Rule::each(Fault::Stall));
    far.fails(&["did not end within 3 seconds"]);
    far.proxy.heal();
    far.applied_once(far.shop.run(&APPLY).exits(0));
}

#[test]
fn a_spend_whose_answer_was_cut_off_is_applied() {
    let far = Far::new();
    far.proxy.add(Rule::each(Fault::CutAfter).on(PUSH).from(2).times(1));
    far.applied_once(far.shop.run(&APPLY).exits(0));
}

#[test]
fn a_spend_that_nobody_can_read_back_is_begun_and_resumed() {
    let far = Far::new();
    far.proxy.add(Rule::each(Fault::CutAfter).on(PUSH).from(2).times(1));
    // Behind the lock: which refs, the spend; and then nothing any more.
    far.proxy.add(Rule::each(Fault::CutBody).behind(PUSH).from(3));
    far.fails(&["is not known", "countersign status", "--resume"]);
    far.proxy.heal();
    far.shop.run(&APPLY).exits(15).says(&["[lock_held]", "--resume"]);
    far.applied_once(far.shop.run(&[&APPLY[..], &["--resume"]].concat()).exits(0));
}
