//! The masking key: what stands for a secret value in a plan, so that equal values can be seen to
//! be equal by who holds the key, and can be guessed by nobody else.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use super::key_file::{self, KeyFileError};
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::files::{FileError, Folder, Mode};

/// Name of the file in the state folder.
pub const FILE: &str = "masking";

/// Why there is no masking key.
#[derive(Debug, Error)]
pub enum MaskingError {
    /// The file cannot be used.
    #[error("the masking key cannot be used")]
    File(#[source] FileError),
    /// The place for it is in a Git work tree.
    #[error("the masking key cannot be made")]
    Place(#[source] KeyFileError),
    /// Not 64 hexadecimal digits.
    #[error("the masking key is not 64 lower-case hexadecimal digits")]
    Form,
    /// Derivation failed, which no input of this program causes.
    #[error("the masking key cannot be derived from")]
    Derive,
}

/// 32 random bytes.
pub struct MaskingKey(Zeroizing<[u8; 32]>);

impl MaskingKey {
    /// Reads the text of a key: 64 lower-case hexadecimal digits, and perhaps a line feed.
    ///
    /// # Errors
    /// [`MaskingError::Form`].
    pub fn parse(text: &str) -> Result<Self, MaskingError> {
        let digits = text.strip_suffix('\n').unwrap_or(text);
        let mut key = Zeroizing::new([0; 32]);
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != key.len() || !rest.is_empty() {
            return Err(MaskingError::Form);
        }
        for (out, [high, low]) in key.iter_mut().zip(pairs) {
            *out = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(key))
    }

    /// Reads the key of a state folder; refuses a file that others may read.
    ///
    /// # Errors
    /// [`MaskingError`].
    pub fn read(folder: &Folder) -> Result<Self, MaskingError> {
        let bytes = folder.read_private(FILE, 128).map_err(MaskingError::File)?;
        Self::parse(std::str::from_utf8(&bytes).map_err(|_| MaskingError::Form)?)
    }

    /// Writes a new key of these random bytes into a state folder, for its owner alone.
    ///
    /// # Errors
    /// [`MaskingError`]; also if there is one already.
    pub fn create(folder: &Folder, random: &[u8; 32]) -> Result<Self, MaskingError> {
        key_file::outside_work_trees(&folder.path().join(FILE)).map_err(MaskingError::Place)?;
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in random {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
        }
        text.push('\n');
        folder.create(FILE, text.as_bytes(), Mode::Private).map_err(MaskingError::File)?;
        Ok(Self(Zeroizing::new(*random)))
    }

    /// Names the key without telling anything of it: 16 hexadecimal digits.
    ///
    /// # Errors
    /// [`MaskingError::Derive`].
    pub fn id(&self) -> Result<String, MaskingError> {
        let mut id = [0; 8];
        self.expand(&["countersign masking key id"], &mut id)?;
        Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key of one plan: the same value in another project, environment or plan looks different.
    ///
    /// # Errors
    /// [`MaskingError::Derive`].
    pub fn of_plan(
        &self,
        project: &Label,
        environment: &Label,
        plan: &Label,
    ) -> Result<PlanMask, MaskingError> {
        let mut key = Zeroizing::new([0; 32]);
        let parts = ["countersign masking", project.as_str(), environment.as_str(), plan.as_str()];
        self.expand(&parts, key.as_mut_slice())?;
        Ok(PlanMask(key))
    }

    fn expand(&self, parts: &[&str], out: &mut [u8]) -> Result<(), MaskingError> {
        let info: Vec<u8> = parts.iter().flat_map(|part| framed(part.as_bytes())).collect();
        let derived = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(&info, out);
        derived.map_err(|_| MaskingError::Derive)
    }
}

/// The masking key of one plan.
pub struct PlanMask(Zeroizing<[u8; 32]>);

impl PlanMask {
    /// What stands for a value (its canonical bytes) at a pointer of a resource:
    /// `hmac-sha256:` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`MaskingError::Derive`].
    pub fn mask(
        &self,
        resource: &ResourceId,
        pointer: &Pointer,
        canonical: &[u8],
    ) -> Result<String, MaskingError> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_slice()).map_err(|_| MaskingError::Derive)?;
        for part in [resource.to_string().as_bytes(), pointer.as_str().as_bytes(), canonical] {
            mac.update(&framed(part));
        }
        let digits = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let digits: String = digits;
        Ok(format!("hmac-sha256:{digits}"))
    }
}

/// A part behind its length, so that no two lists of parts look alike.
fn framed(part: &[u8]) -> Vec<u8> {
    let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
    let mut out = length.to_be_bytes().to_vec();
    out.extend_from_slice(part);
    out
}

fn nibble(digit: u8) -> Result<u8, MaskingError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(MaskingError::Form),
    }
}

fn digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or_default()
}

impl fmt::Debug for MaskingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskingKey(not shown)")
    }
}

impl fmt::Debug for PlanMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlanMask(not shown)")
    }
}
