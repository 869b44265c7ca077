//! What a bucket does of what every store on conditions must.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use object_store::path::Path;
use object_store::{PutMode, PutOptions, PutPayload, UpdateVersion};
use tokio::time::Instant;

use super::error::{Doing, ObjectError};
use super::{MAX_RECORD, Open};
use crate::ledger::conditional::{Conditional, Failure, Reason};
use crate::ledger::store::{Found, Name, Put, Version};

impl Conditional for Open {
    const WHAT: &'static str = "a bucket";

    fn place(&self) -> &str {
        &self.place
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn shown(&self, name: &Name) -> String {
        self.path(name).to_string()
    }

    fn check(&self, put: &Put) -> Result<(), Reason> {
        if put.bytes.len() > MAX_RECORD {
            let object = self.shown(&put.name);
            return Err(ObjectError::TooLarge { object, most: MAX_RECORD }.into());
        }
        Ok(())
    }

    async fn send(&self, put: &Put, end: Instant) -> Result<Option<Version>, Failure> {
        let path = self.path(&put.name);
        let doing = Doing { verb: "write", object: path.to_string() };
        self.ask(&doing, end, self.put(&path, &put.bytes, put.expected.as_ref())).await
    }

    fn unversioned(&self, name: &Name) -> Reason {
        ObjectError::Unversioned(self.shown(name)).into()
    }

    async fn look(&self, name: &Name, end: Instant) -> Result<Option<Found>, Failure> {
        self.found(&self.path(name), end).await
    }

    async fn remove(&self, name: &Name, end: Instant) -> bool {
        let path = self.path(name);
        let doing = Doing { verb: "remove", object: path.to_string() };
        let paths = stream::iter([Ok(path)]).boxed();
        let removed = async {
            let mut removed = self.store.delete_stream(paths);
            while let Some(path) = removed.next().await {
                path?;
            }
            Ok(())
        };
        self.ask(&doing, end, removed).await.is_ok()
    }
}

impl Open {
    /// One request: `None` if its answer does not tell which version it made.
    async fn put(
        &self,
        path: &Path,
        bytes: &[u8],
        expected: Option<&Version>,
    ) -> object_store::Result<Option<Version>> {
        let mode = match expected {
            None => PutMode::Create,
            Some(Version(text)) => {
                let (e_tag, number) = text.split_once('\n').unwrap_or((text, ""));
                let number = Some(number.to_owned()).filter(|number| !number.is_empty());
                PutMode::Update(UpdateVersion { e_tag: Some(e_tag.to_owned()), version: number })
            }
        };
        let payload = PutPayload::from(bytes.to_vec());
        let written = self.store.put_opts(path, payload, PutOptions::from(mode)).await?;
        Ok(self.version(written.e_tag.as_deref(), written.version.as_deref()))
    }
}
