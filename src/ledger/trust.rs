//! The highest version of the trust root that an apply went by: it never falls, and one version
//! has one digest. It is recorded with the spend.

use super::Ledger;
use super::error::LedgerError;
use super::lock::Lock;
use super::record::{self, TrustRecord};
use super::store::{Found, Version};
use crate::document::ident::Digest;

impl Ledger {
    /// Version and digest of the newest trust root that an apply went by.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn trust_seen(&self) -> Result<Option<(u64, Digest)>, LedgerError> {
        Ok(self.trust_record()?.map(|(TrustRecord { version, digest }, _)| (version, digest)))
    }

    /// The record of the trust root.
    pub(super) fn trust_record(&self) -> Result<Option<(TrustRecord, Version)>, LedgerError> {
        self.of_trust(self.home.read(&record::trust()).map_err(|error| self.failed(error))?)
    }

    /// The record of the trust root as it was read.
    pub(super) fn of_trust(
        &self,
        found: Option<Found>,
    ) -> Result<Option<(TrustRecord, Version)>, LedgerError> {
        let found = self.decoded::<TrustRecord>(&record::trust(), found)?;
        if let Some(memory) = &self.home.memory {
            memory.check_trust(found.as_ref().map(|(found, _)| found))?;
        }
        Ok(found)
    }
}

impl Lock {
    /// Whether an apply may go by this trust root; records nothing.
    ///
    /// # Errors
    /// [`LedgerError::TrustRolledBack`] if a newer one was seen, [`LedgerError::TrustDiffers`] if
    /// another one of this version was.
    pub fn check_trust(&self, version: u64, digest: Digest) -> Result<(), LedgerError> {
        let seen = self.known.trust.as_ref().map(|(seen, _)| seen);
        check(seen, &TrustRecord { version, digest })
    }
}

pub(super) fn check(seen: Option<&TrustRecord>, offered: &TrustRecord) -> Result<(), LedgerError> {
    let Some(seen) = seen else {
        return Ok(());
    };
    if offered.version < seen.version {
        return Err(LedgerError::TrustRolledBack { seen: seen.version, offered: offered.version });
    }
    if offered.version == seen.version && offered.digest != seen.digest {
        return Err(LedgerError::TrustDiffers {
            version: seen.version,
            seen: seen.digest,
            offered: offered.digest,
        });
    }
    Ok(())
}
