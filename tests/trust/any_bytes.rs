//! Whatever bytes come in, a reader answers; nothing but the good ones gets through.

use countersign::custody::key_file::SecretKey;
use countersign::custody::passphrase;
use countersign::trust::envelope::{Envelope, seal};
use countersign::trust::key::PublicKey;
use countersign::trust::root::TrustRoot;
use countersign::trust::sshsig;
use proptest::prelude::*;

use crate::support::trust::{line, public, root, secret, spelled};

/// Bytes that are nearly those of `good`: a few places are cut out, doubled or written over.
fn nearly(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), 0..4_usize, prop::collection::vec(any::<u8>(), 0..4));
    prop::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut bytes = good.clone();
        for (at, cut, put) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, put);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn an_envelope_opens_to_what_was_signed_or_not_at_all(bytes in nearly(seal(b"{}", &secret(1)).unwrap())) {
        let opened = Envelope::parse(&bytes).and_then(|envelope| envelope.verify(&[&public(1)]));
        if let Ok(verified) = opened {
            prop_assert_eq!(verified.payload(), b"{}");
            prop_assert_eq!(bytes, seal(b"{}", &secret(1)).unwrap());
        }
    }

    #[test]
    fn a_root_loads_from_its_own_bytes_or_not_at_all(bytes in nearly(spelled(&root()))) {
        if let Ok(root) = TrustRoot::parse(&bytes) {
            prop_assert_eq!(root.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_key_line_gives_that_key_or_none(bytes in nearly(line(1).into_bytes())) {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok((key, comment)) = PublicKey::with_comment(&text) {
            let written = format!("{} {comment}", key.to_openssh());
            prop_assert_eq!(written.trim(), text.trim());
        }
    }

    #[test]
    fn no_bytes_are_a_key_file_or_an_ssh_signature(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let framed = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes)
        );
        prop_assert!(sshsig::verify(&framed, b"message", &[&public(1)]).is_err());
        let framed = framed.replace("SSH SIGNATURE", "OPENSSH PRIVATE KEY");
        let name = std::path::Path::new("x");
        prop_assert!(SecretKey::parse(framed.as_bytes(), name, &mut passphrase::nobody).is_err());
    }
}
