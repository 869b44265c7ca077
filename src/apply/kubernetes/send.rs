//! The one place from which a cluster is changed: a request is sent only for what the ledger
//! recorded, and once.

use crate::ledger::Recorded;
use crate::remote::kubernetes::{Answer, Call, Failure, Place, Writer};

/// A request, and the record that permits it.
#[derive(Debug)]
pub struct Ask {
    recorded: Recorded,
    call: Call,
}

/// What came of a request, and the record, which a replacement needs for its second request.
#[derive(Debug)]
pub struct Sent {
    /// The record.
    pub recorded: Recorded,
    /// The answer.
    pub answer: Result<Answer, Failure>,
}

impl Ask {
    /// A request that a record permits: one about the very object that was recorded. Without a
    /// record there is none:
    ///
    /// ```compile_fail
    /// use countersign::{apply::kubernetes::Ask, remote::kubernetes::Call};
    /// fn unrecorded(call: Call) {
    ///     let _ = Ask::of(call);
    /// }
    /// ```
    /// ```compile_fail
    /// use countersign::{apply::kubernetes::Ask, ledger::Recorded, remote::kubernetes::Call};
    /// fn twice(recorded: Recorded, call: Call) {
    ///     let _ = Ask::of(recorded, call.clone());
    ///     let _ = Ask::of(recorded, call);
    /// }
    /// ```
    /// ```
    /// use countersign::{apply::kubernetes::Ask, ledger::Recorded, remote::kubernetes::Call};
    /// fn once(recorded: Recorded, call: Call) {
    ///     let _ = Ask::of(recorded, call);
    /// }
    /// ```
    ///
    /// # Errors
    /// The record, if it is of another object.
    pub fn of(recorded: Recorded, call: Call) -> Result<Self, Recorded> {
        let Place { kind, namespace, name } = &call.place;
        let item = [kind.group.as_str(), kind.kind.as_str(), namespace.as_str(), name.as_str()];
        match recorded.item() == item.join("/") {
            true => Ok(Self { recorded, call }),
            false => Err(recorded),
        }
    }
}

/// Sends a request once.
pub async fn send(writer: &Writer, ask: Ask) -> Sent {
    let Ask { recorded, call } = ask;
    let answer = writer.commit(call).await;
    Sent { recorded, answer }
}
