//! Which certificate authority is trusted: exactly one public key, by its digest. TLS then proves
//! with every connection that the server belongs to it.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::document::ident::Digest;

/// Why no single authority is left.
#[derive(Debug, Error)]
pub(super) enum PinError {
    /// None of them is the one that is pinned.
    #[error("trusts {found}, and the target is pinned to {pinned}")]
    Foreign { found: String, pinned: String },
    /// Nothing says which one is meant.
    #[error(
        "names several certificate authorities ({0}); leave the one that signed the server's \
         certificate"
    )]
    Several(String),
    /// There is none that can be read.
    #[error("its certificate authority is no PEM certificate")]
    Unreadable,
}

/// The certificates (DER) of the pinned authority, or of the only one, and its digest.
pub(super) fn narrow(
    roots: Vec<Vec<u8>>,
    pinned: Option<&str>,
) -> Result<(Vec<Vec<u8>>, String), PinError> {
    let mut all = Vec::new();
    for root in roots {
        let digest = spki_digest(&root).ok_or(PinError::Unreadable)?;
        all.push((digest, root));
    }
    let digests: BTreeSet<String> = all.iter().map(|(digest, _)| digest.clone()).collect();
    let listed = || digests.iter().cloned().collect::<Vec<_>>().join(", ");
    let meant = match (pinned, digests.len()) {
        (_, 0) => return Err(PinError::Unreadable),
        (Some(pinned), _) if digests.contains(pinned) => pinned.to_owned(),
        (Some(pinned), _) => {
            return Err(PinError::Foreign { found: listed(), pinned: pinned.to_owned() });
        }
        (None, 1) => listed(),
        (None, _) => return Err(PinError::Several(listed())),
    };
    all.retain(|(digest, _)| *digest == meant);
    Ok((all.into_iter().map(|(_, root)| root).collect(), meant))
}

/// `sha256:` digest of a certificate's SubjectPublicKeyInfo (DER), as in RFC 7469; `None` for what
/// is no certificate.
fn spki_digest(certificate: &[u8]) -> Option<String> {
    let certificate = certificate.into();
    let anchor = webpki::anchor_from_trusted_cert(&certificate).ok()?;
    let key = webpki::spki_for_anchor(&anchor);
    Some(format!("sha256:{}", Digest::of(key.as_ref())))
}
