//! DSSE envelopes with one signature: what is verified is the bytes received, under a key that the
//! caller trusts. An envelope has one spelling, the one that [`seal`] writes: no byte of it can be
//! another. The key that it names chooses nothing, and must be the one that verifies.
//! Format: secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0.2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use thiserror::Error;

use super::Verified;
use super::fingerprint::Fingerprint;
use super::key::PublicKey;
use super::sign::{Sign, SignError};
use crate::document::canonical::{self, CanonicalError};
use crate::document::statement::PAYLOAD_TYPE;

/// Most bytes of an envelope, as a file: 16 MiB. The receipt of a plan with 10,000 changes is the
/// largest thing in one, at about 3 MiB.
pub const MAX_BYTES: usize = 16 << 20;

/// Why an envelope is not read, or does not verify.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// More than [`MAX_BYTES`].
    #[error("the envelope is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not JSON, or JSON in other bytes than its canonical ones.
    #[error("the envelope is not canonical JSON with one final line feed")]
    Spelling(#[source] CanonicalError),
    /// A value of another shape.
    #[error("the envelope's {member} is not {wanted}")]
    Shape {
        /// Which member.
        member: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A member that is not there.
    #[error("the envelope has no {0}")]
    Missing(&'static str),
    /// A member that no envelope has; also a known one in another spelling.
    #[error("the envelope has an unknown member {0:?}")]
    Unknown(String),
    /// Another `payloadType`.
    #[error("the envelope's payloadType is {0:?}, not {PAYLOAD_TYPE:?}")]
    PayloadType(String),
    /// Not exactly one signature: another signer has a file of their own.
    #[error("the envelope has {0} signatures, not one; each signer has an envelope of their own")]
    Signatures(usize),
    /// Not base64, or not its one spelling.
    #[error("the envelope's {0} is not canonical base64")]
    Base64(&'static str),
    /// Not 64 bytes.
    #[error("the envelope's signature has {0} bytes, not 64")]
    SignatureLength(usize),
    /// No trusted key made this signature over these bytes.
    #[error(
        "the envelope is not signed by any of the {tried} keys tried; it names the key {named:?}"
    )]
    NotSigned {
        /// How many keys were tried.
        tried: usize,
        /// `keyid` of the envelope: a hint that anybody can write.
        named: String,
    },
    /// A trusted key made the signature, and the envelope names another.
    #[error("the envelope names the key {named:?}, but is signed by {signer}")]
    KeyId {
        /// `keyid` of the envelope.
        named: String,
        /// The key that verifies.
        signer: Fingerprint,
    },
}

/// Why something was not sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// The holder of the key did not sign.
    #[error("the envelope cannot be signed")]
    Sign(#[source] SignError),
    /// What came back is not a signature by this key over these bytes.
    #[error("the holder of the key {0} gave a signature that does not verify")]
    Wrong(Fingerprint),
    /// The envelope would be larger than anything reads.
    #[error("the envelope would be larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The envelope cannot be written down.
    #[error("the envelope cannot be written")]
    Write(#[source] CanonicalError),
}

/// The bytes that are signed: "pre-authentication encoding", with lengths in bytes.
fn encode(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {kind} {} ", kind.len(), body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// Signs `payload`, the bytes of a statement. The result is JSON text that ends in a line feed,
/// and was verified before it is returned.
///
/// # Errors
/// [`SealError`].
pub fn seal(payload: &[u8], signer: &dyn Sign) -> Result<Vec<u8>, SealError> {
    let message = encode(PAYLOAD_TYPE, payload);
    let signature = signer.sign(&message).map_err(SealError::Sign)?;
    let key = signer.public();
    if !key.verify(&message, &signature) {
        return Err(SealError::Wrong(key.fingerprint()));
    }
    let envelope = serde_json::json!({
        "payload": STANDARD.encode(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.fingerprint(), "sig": STANDARD.encode(signature)}],
    });
    let bytes = canonical::to_bytes(&envelope).map_err(SealError::Write)?;
    if bytes.len() > MAX_BYTES { Err(SealError::TooLarge) } else { Ok(bytes) }
}

/// An envelope that was read and not verified: its payload cannot be reached.
#[derive(Debug)]
pub struct Envelope {
    payload: Vec<u8>,
    signature: [u8; 64],
    named: String,
}

impl Envelope {
    /// Reads an envelope strictly: the bytes that [`seal`] writes. The format lets a verifier also
    /// read other spellings; a file that is committed and reviewed has one.
    ///
    /// # Errors
    /// [`EnvelopeError`], for everything but a signature that does not verify.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_BYTES {
            return Err(EnvelopeError::TooLarge);
        }
        let value = canonical::read_value(bytes).map_err(EnvelopeError::Spelling)?;
        let mut members = object(value, "whole")?;
        let payload = text(&mut members, "payload")?;
        let kind = text(&mut members, "payloadType")?;
        let signatures =
            members.remove("signatures").ok_or(EnvelopeError::Missing("signatures"))?;
        nothing_else(members)?;
        if kind != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(kind));
        }
        let Value::Array(mut signatures) = signatures else {
            return Err(EnvelopeError::Shape { member: "signatures", wanted: "a list" });
        };
        let signature = match (signatures.pop(), signatures.len()) {
            (Some(signature), 0) => signature,
            (None, _) => return Err(EnvelopeError::Signatures(0)),
            (Some(_), others) => return Err(EnvelopeError::Signatures(others + 1)),
        };
        let mut members = object(signature, "signatures[0]")?;
        let signature = text(&mut members, "sig")?;
        let named = text(&mut members, "keyid")?;
        nothing_else(members)?;
        let signature = decode(&signature, "sig")?;
        let signature = <[u8; 64]>::try_from(signature)
            .map_err(|bytes| EnvelopeError::SignatureLength(bytes.len()))?;
        Ok(Self { payload: decode(&payload, "payload")?, signature, named })
    }

    /// The key that the envelope names: for messages only, anybody can write it.
    pub fn named_key(&self) -> &str {
        &self.named
    }

    /// Tries every key; which one the envelope names does not choose it.
    ///
    /// # Errors
    /// [`EnvelopeError::NotSigned`]; [`EnvelopeError::KeyId`] if the envelope names another key than
    /// the one that verifies.
    pub fn verify(self, keys: &[&PublicKey]) -> Result<Verified, EnvelopeError> {
        let Self { payload, signature, named } = self;
        let message = encode(PAYLOAD_TYPE, &payload);
        let Some(key) = keys.iter().find(|key| key.verify(&message, &signature)) else {
            return Err(EnvelopeError::NotSigned { tried: keys.len(), named });
        };
        let signer = key.fingerprint();
        if signer.as_str() != named {
            return Err(EnvelopeError::KeyId { named, signer });
        }
        Ok(Verified::new(payload, (*key).clone()))
    }
}

fn object(value: Value, member: &'static str) -> Result<Map<String, Value>, EnvelopeError> {
    match value {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(EnvelopeError::Shape { member, wanted: "an object" })
        }
    }
}

fn text(members: &mut Map<String, Value>, member: &'static str) -> Result<String, EnvelopeError> {
    match members.remove(member) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(EnvelopeError::Shape { member, wanted: "a text" }),
        None => Err(EnvelopeError::Missing(member)),
    }
}

fn nothing_else(members: Map<String, Value>) -> Result<(), EnvelopeError> {
    match members.into_iter().next() {
        Some((name, _)) => Err(EnvelopeError::Unknown(name)),
        None => Ok(()),
    }
}

fn decode(text: &str, member: &'static str) -> Result<Vec<u8>, EnvelopeError> {
    // This engine wants padding and refuses bits that are left over: one spelling.
    STANDARD.decode(text).map_err(|_| EnvelopeError::Base64(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_bytes() {
        assert_eq!(
            encode("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(encode("é", "ü".as_bytes()), "DSSEv1 2 é 2 ü".as_bytes());
        assert_eq!(encode("", b""), b"DSSEv1 0  0 ");
    }

    /// The seed is 32 times 0x01; the signature was made by two other libraries (dalek, pyca).
    #[test]
    fn the_golden_vector_comes_out() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let message = encode("http://example.com/HelloWorld", b"hello world");
        let signature = ed25519_dalek::Signer::sign(&key, &message);
        assert_eq!(
            STANDARD.encode(signature.to_bytes()),
            "Nrk8af+XDppIl0eJ8+q/+iZzBrfcnO4JSOHj7OUiv6PchqFqZz2QZsHYymPKVGJB5hl52X/qzoeOScPJBhdVDg=="
        );
        let public = PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
        assert_eq!(
            public.fingerprint().as_str(),
            "SHA256:fe85JkIjo8VPe+XqXJGH5Mau1EMFdK1OdKvJUFicyA8"
        );
        assert!(public.verify(&message, &signature.to_bytes()));
    }
}
