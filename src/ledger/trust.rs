//! The highest version of the trust root that an apply went by: it never falls, and one version
//! has one digest.

use super::Ledger;
use super::error::LedgerError;
use super::record::{self, TrustRecord};
use crate::document::ident::Digest;

impl Ledger {
    /// Version and digest of the newest trust root that an apply went by.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn trust_seen(&self) -> Result<Option<(u64, Digest)>, LedgerError> {
        let found = self.get::<TrustRecord>(&record::trust())?;
        Ok(found.map(|(TrustRecord { version, digest }, _)| (version, digest)))
    }

    /// Records the trust root that an apply goes by.
    ///
    /// # Errors
    /// [`LedgerError::TrustRolledBack`] if a newer one was seen, [`LedgerError::TrustDiffers`] if
    /// another one of this version was; [`LedgerError::Unusable`].
    pub fn see_trust(&self, version: u64, digest: Digest) -> Result<(), LedgerError> {
        let offered = TrustRecord { version, digest };
        self.change(&record::trust(), |seen: Option<&TrustRecord>| {
            check(seen, &offered)?;
            Ok((seen != Some(&offered)).then(|| offered.clone()))
        })?;
        Ok(())
    }

    /// Whether [`Ledger::see_trust`] would take this trust root; records nothing.
    ///
    /// # Errors
    /// As [`Ledger::see_trust`].
    pub fn check_trust(&self, version: u64, digest: Digest) -> Result<(), LedgerError> {
        let seen = self.get::<TrustRecord>(&record::trust())?.map(|(seen, _)| seen);
        check(seen.as_ref(), &TrustRecord { version, digest })
    }
}

fn check(seen: Option<&TrustRecord>, offered: &TrustRecord) -> Result<(), LedgerError> {
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
