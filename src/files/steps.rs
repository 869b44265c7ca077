//! Announces every durable step to one observer, if a program installed one. The shipped binary
//! installs none; a test does, and ends its own process there.

use std::sync::OnceLock;

/// Is told the name of a step before it is taken and after it.
pub type Observer = Box<dyn Fn(&str) + Send + Sync>;

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Installs the observer of this process; the first one stays.
pub fn observe(observer: Observer) {
    // A second observer would be a mistake of the test that installs it; the first goes on.
    let _first_stays = OBSERVER.set(observer);
}

/// Announces a step.
pub(crate) fn step(name: &str) {
    if let Some(observer) = OBSERVER.get() {
        observer(name);
    }
}
