//! A namespace for a ledger: made if it may be, and proven before anything is kept in it.

use serde_json::json;
use tokio::time::Instant;

use super::{NamespaceError, Open, object, within};
use crate::ledger::conditional::{Conditional as _, Proof, prove};
use crate::ledger::store::{Name, StoreError};
use crate::remote::kubernetes::{Call, Change, Failure, Kind, Permission, Place, Reason};

/// What every apply does with records.
const VERBS: [&str; 4] = ["get", "list", "create", "update"];

pub(super) async fn make(open: &Open, random: [u8; 16]) -> Result<Proof, StoreError> {
    rights(open).await?;
    match prove(open, random).await {
        Err(StoreError::Missing(_)) => {
            namespace(open).await?;
            prove(open, random).await
        }
        proved => proved,
    }
}

/// Whoever makes a ledger and may not use it is told now, not by the first apply.
async fn rights(open: &Open) -> Result<(), StoreError> {
    let kinds = [Name::of(&[&"head"]), Name::of(&[&"lock"])].map(|name| object::kind(&name));
    let wanted = kinds.iter().flat_map(|kind| {
        VERBS.map(|verb| Permission {
            verb,
            kind: kind.clone(),
            namespace: open.namespace.clone(),
            name: String::new(),
        })
    });
    let end = Instant::now() + open.patience;
    let lacking = within(end, open.cluster.lacking(wanted.collect())).await;
    let lacking = lacking.map_err(|ended| open.undone(open.failure(ended)))?;
    if lacking.is_empty() {
        return Ok(());
    }
    let lacking: Vec<_> =
        lacking.iter().map(|one| format!("{} {}", one.verb, one.kind.plural)).collect();
    let (lacking, namespace) = (lacking.join(", "), open.namespace.clone());
    Err(open.unusable(NamespaceError::Rights { lacking, namespace }.into()))
}

async fn namespace(open: &Open) -> Result<(), StoreError> {
    let kind = Kind {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        plural: "namespaces".to_owned(),
        namespaced: false,
        listable: true,
    };
    let name = open.namespace.clone();
    let body = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "countersign"}},
    });
    let place = Place { kind, namespace: String::new(), name };
    let call = Call { place, change: Change::Create(body) };
    let made = open.commit(call, Instant::now() + open.patience).await;
    let ended = match made {
        Ok(_) => return Ok(()),
        Err(ended) => ended,
    };
    let reason = match &ended {
        super::Ended::Failed(Failure::Refused(refused)) => Some(&refused.reason),
        super::Ended::Failed(Failure::Unanswered(_)) | super::Ended::Overdue(_) => None,
    };
    match reason {
        // Somebody else was faster.
        Some(Reason::Exists) => Ok(()),
        Some(Reason::Forbidden) => {
            Err(open.unusable(NamespaceError::Absent(open.namespace.clone()).into()))
        }
        Some(_) | None => Err(open.undone(open.failure(ended))),
    }
}
