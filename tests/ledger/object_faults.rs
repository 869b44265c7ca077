//! The table of faults over S3 of LocalStack.

use std::sync::Arc;

use countersign::ledger::Home;
use countersign::ledger::object::{Bucket, Objects};

use super::faults::{Far, LONG, Patience, every_fault_at_its_steps};
use crate::support::localstack::{address, bucket, credentials};
use crate::support::proxy::{Fault, Proxy};

fn far() -> Far {
    let server = address().strip_prefix("http://").unwrap().parse().unwrap();
    let proxy = Proxy::before(server);
    let straight = bucket();
    let through =
        Bucket { endpoint: Some(format!("http://{}", proxy.address())), ..straight.clone() };
    let open = move |through: &Bucket, Patience { answer, lease }: Patience| {
        let bucket = Bucket { patience: answer, lease, ..through.clone() };
        Ok(Home::shared(Arc::new(Objects::open(&bucket, &credentials)?)))
    };
    Far {
        proxy,
        open: Box::new(move |by_proxy, patience| {
            open(if by_proxy { &through } else { &straight }, patience)
        }),
        create: None,
        writes: ("PUT", ""),
        // S3 stores no part of a body; LocalStack does, and so nobody can read the object again.
        cut: Fault::CutHead,
        long: LONG,
    }
}

#[test]
fn no_fault_of_the_network_spends_twice_or_hides_what_happened() {
    every_fault_at_its_steps(far);
}
