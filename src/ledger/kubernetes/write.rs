//! What a namespace does of what every store on conditions must.

use std::time::Duration;

use tokio::time::Instant;

use super::object::{self, Content};
use super::{NamespaceError, Open, parts, within};
use crate::ledger::conditional::{Conditional, Failure, Fate, Reason};
use crate::ledger::store::{Found, Name, Put, StoreError, Version};
use crate::remote::kubernetes::{Call, Change, Place};

const PAUSES: [Duration; 10] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(1600),
    Duration::from_millis(1600),
    Duration::from_millis(1600),
    Duration::from_millis(1600),
];

impl Conditional for Open {
    const WHAT: &'static str = "a namespace";
    /// As long as it takes to start an API server again.
    const PAUSES: &'static [Duration] = &PAUSES;

    fn place(&self) -> &str {
        &self.place
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn shown(&self, name: &Name) -> String {
        let kind = object::kind(name).kind;
        format!("{kind} {}/{}", self.namespace, name.as_str().replace('/', "."))
    }

    fn check(&self, put: &Put) -> Result<(), Reason> {
        let most = if object::is_lock(&put.name) { parts::MAX_LOCK } else { parts::MAX_RECORD };
        if put.bytes.len() > most {
            let object = self.shown(&put.name);
            return Err(NamespaceError::TooLarge { object, most }.into());
        }
        self.call(put).map(drop).map_err(Reason::from)
    }

    async fn send(&self, put: &Put, end: Instant) -> Result<Option<Version>, Failure> {
        let (content, call) = self.call(put).map_err(|error| Failure::new(Fate::Refused, error))?;
        let end = end.min(Instant::now() + self.attempt());
        let object = self.commit(call, end).await.map_err(|ended| self.failure(ended))?;
        // What the cluster made something else of is found by looking, and is not this record.
        let kept = object::content(&put.name, &object) == Some(content);
        Ok(object::version(&object).filter(|_| kept))
    }

    fn unversioned(&self, name: &Name) -> Reason {
        NamespaceError::Unversioned(self.shown(name)).into()
    }

    async fn look(&self, name: &Name, end: Instant) -> Result<Option<Found>, Failure> {
        let Some((content, version)) = self.read_one(name, end).await? else {
            return Ok(None);
        };
        let digests = match content {
            Content::Whole(text) => return Ok(Some(Found { bytes: text.into_bytes(), version })),
            Content::Parts(digests) => digests,
        };
        let mut bytes = Vec::new();
        for digest in digests {
            let part = self.read_one(&parts::name(&digest), end).await?;
            let Some((Content::Whole(part), _)) = part else {
                return Err(self.damaged(name, "a part of it is missing"));
            };
            if digest != crate::document::ident::Digest::of(part.as_bytes()) {
                return Err(self.damaged(name, "a part of it is another one"));
            }
            bytes.extend_from_slice(part.as_bytes());
            if bytes.len() > parts::MAX_RECORD {
                return Err(self.damaged(name, "it is too large"));
            }
        }
        Ok(Some(Found { bytes, version }))
    }

    async fn remove(&self, _: &Name, _: Instant) -> bool {
        // Nobody is granted to delete from a ledger.
        false
    }

    fn undone(&self, failure: Failure) -> StoreError {
        match failure.error.downcast_ref() {
            Some(NamespaceError::Damaged { record, .. }) => StoreError::Damaged(record.clone()),
            Some(_) | None if failure.fate == Fate::Missing => {
                StoreError::Missing(self.place.clone())
            }
            Some(_) | None => self.unusable(failure.error),
        }
    }
}

impl Open {
    fn at(&self, name: &Name) -> Result<Place, NamespaceError> {
        let object_name = object::object_name(name);
        let object_name = object_name.ok_or_else(|| NamespaceError::Unnameable(name.clone()))?;
        let (kind, namespace) = (object::kind(name), self.namespace.clone());
        Ok(Place { kind, namespace, name: object_name })
    }

    /// The request that writes a record, and what its object will hold then.
    fn call(&self, put: &Put) -> Result<(Content, Call), NamespaceError> {
        let place = self.at(&put.name)?;
        let text = std::str::from_utf8(&put.bytes)
            .map_err(|_| NamespaceError::NoText(put.name.clone()))?;
        let content = match object::is_lock(&put.name) {
            true => Content::Whole(text.to_owned()),
            false => parts::content(text),
        };
        let expected = put.expected.as_ref();
        let body = object::body(&put.name, &place.name, &self.namespace, &content, expected);
        let change = match expected {
            None => Change::Create(body),
            Some(_) => Change::Replace(body),
        };
        Ok((content, Call { place, change }))
    }

    /// What the object of a record holds now.
    async fn read_one(
        &self,
        name: &Name,
        end: Instant,
    ) -> Result<Option<(Content, Version)>, Failure> {
        let place = self.at(name).map_err(|error| Failure::new(Fate::Refused, error))?;
        let found = within(end, self.cluster.get(&place)).await;
        let Some(object) = found.map_err(|ended| self.failure(ended))? else {
            return Ok(None);
        };
        let Some(content) = object::content(name, &object) else {
            return Err(self.damaged(name, "it holds something else"));
        };
        match object::version(&object) {
            Some(version) => Ok(Some((content, version))),
            None => Err(Failure::new(Fate::Refused, self.unversioned(name))),
        }
    }

    fn damaged(&self, name: &Name, what: &'static str) -> Failure {
        let (object, record) = (self.shown(name), name.clone());
        Failure::new(Fate::Refused, NamespaceError::Damaged { object, record, what })
    }
}
