//! A shared ledger behind a network that misbehaves: one table of faults, met by each step of an
//! apply's work with the ledger, for every kind of store. Whatever happens: nothing is spent twice,
//! what is said to have failed has not happened, and a second attempt ends the apply.

use std::time::{Duration, Instant as Monotonic};

use countersign::causes;
use countersign::document::code::Code;
use countersign::document::statement::Outcome;
use countersign::ledger::store::StoreError;
use countersign::ledger::{ApprovalUse, Home, Ledger, LedgerError, Life, Round};

use crate::support::apply::*;
use crate::support::killed::so_many_side_by_side;
use crate::support::proxy::{Fault, Kind, Proxy, Rule};

/// How long a store waits where a fault makes it wait, and where none does.
const SHORT: Duration = Duration::from_secs(3);
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// Longer than two waits, so that a holder lives through them.
const LEASE: Duration = Duration::from_secs(10);

/// Cases that run side by side: each waits most of its time, for an answer or for a lease to end.
const AT_A_TIME: usize = 10;
/// How often a case is begun that a busy machine keeps from meeting its fault.
const BEGINS: usize = 3;

/// How a store is opened: what it waits for an answer, and how long its locks live without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) answer: Duration,
    pub(crate) lease: Duration,
}

/// An empty place for a ledger, and a proxy before it.
pub(crate) struct Far {
    pub(crate) proxy: Proxy,
    /// Another home over the place, as another process has it; through the proxy, or past it.
    pub(crate) open: Box<dyn Fn(bool, Patience) -> Result<Home, StoreError> + Send + Sync>,
    /// The home in which the ledger is made, where it is opened by another way than others.
    pub(crate) create: Option<Box<dyn Fn(Patience) -> Home + Send + Sync>>,
    /// The requests that write records.
    pub(crate) writes: Kind,
    /// How a request is cut off such that it cannot land.
    pub(crate) cut: Fault,
    /// How long it waits where no fault makes it wait: not for ever, if it sends again all the while
    /// what is answered 429.
    pub(crate) long: Duration,
}

/// A step of the work with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Open,
    Lock,
    Spend,
    Finish,
}

const STEPS: [Step; 4] = [Step::Open, Step::Lock, Step::Spend, Step::Finish];

/// What the step ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// It works.
    Well,
    /// It fails, and has not happened.
    Undone,
    /// It fails or works, and says which.
    Either,
    /// It fails, and nobody knows whether it happened. Where it only reads, it fails.
    Unknown,
}

struct Row {
    name: &'static str,
    breaks: fn(&Far),
    /// The steps that meet it: where each means something else than at the spend.
    at: &'static [Step],
    ends: Ends,
    answer: Duration,
}

fn each(fault: Fault) -> Rule {
    Rule::each(fault)
}

const TABLE: [Row; 17] = [
    Row {
        name: "every answer is slow",
        breaks: |far| far.proxy.add(each(Fault::Delay(Duration::from_millis(150)))),
        at: &[Step::Spend],
        ends: Ends::Well,
        answer: LONG,
    },
    Row {
        name: "unreachable",
        breaks: |far| far.proxy.refuse(),
        at: &STEPS,
        ends: Ends::Undone,
        answer: LONG,
    },
    Row {
        name: "nothing is ever answered",
        breaks: |far| far.proxy.add(each(Fault::Stall)),
        at: &[Step::Open, Step::Spend],
        ends: Ends::Unknown,
        answer: SHORT,
    },
    Row {
        name: "a request is not answered",
        breaks: |far| far.proxy.add(each(Fault::Stall).times(1)),
        at: &[Step::Spend],
        ends: Ends::Either,
        answer: SHORT,
    },
    Row {
        name: "a write lands and is not answered in time",
        breaks: |far| far.proxy.add(each(Fault::StallAfter).on(far.writes).times(1)),
        at: &[Step::Lock, Step::Spend, Step::Finish],
        ends: Ends::Well,
        answer: SHORT,
    },
    Row {
        name: "a write lands, and then nothing is answered any more",
        breaks: |far| {
            far.proxy.add(each(Fault::StallAfter).on(far.writes).times(1));
            far.proxy.add(each(Fault::Stall).behind(far.writes));
        },
        at: &[Step::Spend, Step::Finish],
        ends: Ends::Unknown,
        answer: SHORT,
    },
    Row {
        name: "a write lands when nobody waits any more",
        breaks: |far| far.proxy.add(each(Fault::Hold(SHORT * 2)).on(far.writes).times(1)),
        at: &[Step::Lock, Step::Spend, Step::Finish],
        ends: Ends::Either,
        answer: SHORT,
    },
    Row {
        name: "a write is cut off before it landed",
        breaks: |far| far.proxy.add(each(far.cut).on(far.writes).times(1)),
        at: &[Step::Spend, Step::Finish],
        ends: Ends::Either,
        answer: LONG,
    },
    Row {
        name: "every request is cut off before it landed",
        breaks: |far| far.proxy.add(each(far.cut)),
        at: &[Step::Open, Step::Spend],
        ends: Ends::Unknown,
        answer: LONG,
    },
    Row {
        name: "a write lands and its answer is cut off",
        breaks: |far| far.proxy.add(each(Fault::CutAfter).on(far.writes).times(1)),
        at: &[Step::Lock, Step::Spend, Step::Finish],
        ends: Ends::Well,
        answer: LONG,
    },
    Row {
        name: "a write lands and its answer is cut short",
        breaks: |far| far.proxy.add(each(Fault::CutWithin).on(far.writes).times(1)),
        at: &[Step::Spend],
        ends: Ends::Well,
        answer: LONG,
    },
    Row {
        name: "a write lands, its answer is cut off, and then everything is",
        breaks: |far| {
            far.proxy.add(each(Fault::CutAfter).on(far.writes).times(1));
            far.proxy.add(each(far.cut).behind(far.writes));
        },
        at: &[Step::Lock, Step::Spend, Step::Finish],
        ends: Ends::Unknown,
        answer: LONG,
    },
    Row {
        // Git's HTTP sends again by itself what got no answer.
        name: "a write lands, its answer is cut off, one more request passes, and then none",
        breaks: |far| {
            far.proxy.add(each(Fault::CutAfter).on(far.writes).times(1));
            far.proxy.add(each(far.cut).behind(far.writes).from(2));
        },
        at: &[Step::Spend],
        ends: Ends::Unknown,
        answer: LONG,
    },
    Row {
        name: "a write is answered 503",
        breaks: |far| far.proxy.add(each(Fault::Answer(503)).on(far.writes).times(1)),
        at: &[Step::Spend],
        ends: Ends::Either,
        answer: LONG,
    },
    Row {
        name: "everything is answered 503",
        breaks: |far| far.proxy.add(each(Fault::Answer(503))),
        at: &[Step::Open, Step::Spend, Step::Finish],
        ends: Ends::Unknown,
        answer: LONG,
    },
    Row {
        name: "everything is answered 429",
        breaks: |far| far.proxy.add(each(Fault::Answer(429))),
        at: &[Step::Spend],
        ends: Ends::Unknown,
        answer: LONG,
    },
    Row {
        name: "everything is answered 500",
        breaks: |far| far.proxy.add(each(Fault::Answer(500))),
        at: &[Step::Spend],
        ends: Ends::Unknown,
        answer: LONG,
    },
];

/// Runs every fault of the table at each of its steps.
pub(crate) fn every_fault_at_its_steps(place: impl Fn() -> Far + Send + Sync) {
    let cases = TABLE.iter().flat_map(|row| row.at.iter().map(move |step| (row, *step)));
    so_many_side_by_side(AT_A_TIME, cases, |(row, step)| {
        let met = (0..BEGINS).any(|_| Case { far: place(), row, step }.met());
        assert!(met, "{}, at {step:?}: it was never reached", row.name);
    });
}

/// The apply that the cases are about.
fn of() -> (countersign::document::ident::Digest, u64) {
    (plan("a"), 10)
}

struct Case<'r> {
    far: Far,
    row: &'r Row,
    step: Step,
}

impl Case<'_> {
    /// Whether the step was reached, and then everything was as it should be.
    fn met(self) -> bool {
        let about = format!("{}, at {:?}", self.row.name, self.step);
        let label = label("shop");
        let patience = Patience { answer: self.far.long, lease: LEASE };
        let home = match &self.far.create {
            Some(create) => create(patience),
            None => (self.far.open)(false, patience).unwrap(),
        };
        drop(Ledger::create(home, &label, id(1), now()).unwrap());
        let begun = Monotonic::now();
        let failed = self.attempt();
        let took = begun.elapsed();
        let happened = self.settled();
        match &failed {
            None => {
                assert!(matches!(self.row.ends, Ends::Well | Ends::Either), "{about}: it worked");
                assert!(happened != Some(false), "{about}: it worked, and did not happen");
            }
            Some((at, error)) => {
                let said = causes::line(error);
                if (*at as usize) < self.step as usize && self.row.answer == SHORT {
                    return false;
                }
                assert_eq!(*at, self.step, "{about}: {said}");
                assert_ne!(self.row.ends, Ends::Well, "{about}: {said}");
                assert_eq!(error.code(), Code::LedgerUnusable, "{about}: {said}");
                assert!(!error.hint().is_empty());
                // At most a write, a look whether it landed, and the same for giving the lock back,
                // while a renewal has its turn.
                assert!(took < SHORT * 10, "{about}: took {took:?}: {said}");
                match error {
                    LedgerError::Unusable { .. } => {
                        assert_ne!(happened, Some(true), "{about}: it happened: {said}");
                    }
                    LedgerError::Unknown { .. } => {
                        assert_ne!(self.row.ends, Ends::Undone, "{about}: {said}");
                    }
                    other => panic!("{about}: {other:?}"),
                }
            }
        }
        self.far.proxy.heal();
        self.second_attempt(&about);
        self.ended_once(&about);
        true
    }

    /// The whole work, with the fault from one step on; where it failed, if it did.
    fn attempt(&self) -> Option<(Step, LedgerError)> {
        let mut at = Step::Open;
        let mut worked = || -> Result<(), LedgerError> {
            let mut next = |step| {
                at = step;
                if step == self.step {
                    (self.row.breaks)(&self.far);
                } else if step as usize == self.step as usize + 1 {
                    self.far.proxy.heal();
                }
            };
            next(Step::Open);
            let answer = self.row.answer.min(self.far.long);
            let patience = Patience { answer, lease: LEASE };
            let home = (self.far.open)(true, patience)
                .map_err(|error| LedgerError::store(error, "the place"))?;
            let ledger = Ledger::open(home, &label("shop"))?;
            next(Step::Lock);
            let (plan, approval) = of();
            let lock = ledger.lock(&target("main"), plan, fresh(), holder(), false)?;
            next(Step::Spend);
            let spent = spend(&ledger, lock, &ids(&[approval]), fresh(), false)?;
            next(Step::Finish);
            finish(&ledger, spent, Outcome::Applied)?;
            Ok(())
        };
        worked().err().map(|error| (at, error))
    }

    /// Whether the step stands in the ledger, as soon as that can be read: the server may be at work
    /// on a request that was cut off.
    fn settled(&self) -> Option<bool> {
        let begun = Monotonic::now();
        loop {
            match self.straight().and_then(|ledger| self.happened(&ledger)) {
                Ok(happened) => return happened,
                Err(LedgerError::Unusable { .. }) if begun.elapsed() < SHORT => {}
                Err(error) => panic!("{}", causes::line(&error)),
            }
        }
    }

    /// `None` for a step that leaves nothing in the ledger.
    fn happened(&self, ledger: &Ledger) -> Result<Option<bool>, LedgerError> {
        let rounds = ledger.rounds(of().0)?;
        Ok(match self.step {
            Step::Open => None,
            Step::Lock => Some(!rounds.is_empty() || !ledger.locks()?.is_empty()),
            Step::Spend => Some(!rounds.is_empty()),
            Step::Finish => Some(rounds.last().is_some_and(|round| !round.state.is_open())),
        })
    }

    /// What a person or the next job does: the same again, with `resume` where it was begun.
    fn second_attempt(&self, about: &str) {
        let (plan, approval) = of();
        let patience = Patience { answer: self.far.long, lease: LEASE };
        let home = (self.far.open)(true, patience).unwrap();
        let ledger = Ledger::open(home, &label("shop")).unwrap();
        let rounds = ledger.rounds(plan).unwrap();
        let begun = rounds.last().is_some_and(|round| round.state.is_open());
        let lock = || ledger.lock(&target("main"), plan, fresh(), holder(), begun);
        // The first attempt's last renewal may have been under way, and lands once nothing is broken
        // any more: whoever watches meanwhile is sent away once, and is to ask again.
        let lock = match lock() {
            Err(LedgerError::Held(held)) if held.life == Life::Alive => lock(),
            answer => answer,
        };
        let lock = lock.unwrap_or_else(|error| panic!("{about}: {}", causes::line(&error)));
        let spent = spend(&ledger, lock, &ids(&[approval]), fresh(), begun);
        if rounds.is_empty() || begun {
            let spent = spent.unwrap_or_else(|error| panic!("{about}: {}", causes::line(&error)));
            finish(&ledger, spent, Outcome::Applied).unwrap();
        } else {
            // It had been applied; nothing is left to be done.
            let spent = spent.map(drop);
            assert!(matches!(spent, Err(LedgerError::Spent { .. })), "{about}: {spent:?}");
        }
    }

    /// The ledger as it stands, read past the proxy.
    fn straight(&self) -> Result<Ledger, LedgerError> {
        let home = (self.far.open)(false, Patience { answer: self.far.long, lease: LEASE });
        let home = home.map_err(|error| LedgerError::store(error, "the place"))?;
        Ledger::open(home, &label("shop"))
    }

    fn ended_once(&self, about: &str) {
        let (plan, approval) = of();
        let ledger = self.straight().unwrap();
        let rounds = ledger.rounds(plan).unwrap();
        let finished = rounds.iter().filter(|round| is_finished(round)).count();
        assert_eq!(finished, 1, "{about}: {rounds:?}");
        assert!(rounds.iter().all(|round| !round.state.is_open()), "{about}: {rounds:?}");
        let spent = ApprovalUse::Spent { plan };
        assert_eq!(ledger.approval_use(plan, &id(approval)).unwrap(), spent, "{about}");
        assert!(ledger.locks().unwrap().is_empty(), "{about}");
        // A receipt whose round was not ended by it any more stays in the chain.
        let receipts = ledger.receipts(&target("main")).unwrap().len();
        assert!((1..=rounds.len()).contains(&receipts), "{about}: {receipts} of {rounds:?}");
    }
}

fn is_finished(round: &Round) -> bool {
    matches!(round.state, countersign::ledger::RoundState::Finished { .. })
}
