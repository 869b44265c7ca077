//! The table of faults over an API server.

use std::sync::Arc;
use std::time::Duration;

use countersign::ledger::Home;
use countersign::ledger::kubernetes::{Location, Namespace};

use super::faults::{Far, Patience, every_fault_at_its_steps};
use crate::support::cluster::cluster;
use crate::support::cluster::ledger::{granted, location};
use crate::support::proxy::Fault;

fn far() -> Far {
    let proxy = cluster().proxy();
    let (namespace, user) = granted();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let straight = location(user.kubeconfig(folders[0].path()), namespace.name());
    let through = location(user.kubeconfig_by(folders[1].path(), &proxy), namespace.name());
    let open = move |by_proxy, Patience { answer, lease }: Patience| {
        let _kept = &folders;
        let mut location: Location = if by_proxy { through.clone() } else { straight.clone() };
        (location.access.patience, location.lease) = (answer, lease);
        Ok(Home::shared(Arc::new(Namespace::open(&location)?)))
    };
    Far {
        proxy,
        open: Box::new(open),
        create: None,
        writes: ("POST|PUT", ""),
        cut: Fault::CutBody,
        long: Duration::from_secs(9),
    }
}

#[test]
fn no_fault_of_the_network_spends_twice_or_hides_what_happened() {
    every_fault_at_its_steps(far);
}
