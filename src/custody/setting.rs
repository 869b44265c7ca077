//! A setting that holds the text of a key file, or the path of one: its value reaches no message,
//! since what was meant as a path may be a secret in a spelling that nobody foresaw.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::key_file::{self, SecretKey};
use super::passphrase::Ask;
use super::signer::SignerError;
use crate::files::{self, FileError};

/// Longest value that is taken for a path, in bytes. The shortest key file has about 390, and in
/// base64 more than this.
const LONGEST_PATH: usize = 512;

/// Why a setting gives no key. Names the setting, never what it holds.
#[derive(Debug, Error)]
pub enum SettingError {
    /// It looks like a key, in a form that is not read.
    #[error(
        "{name} holds something that is neither the text of an OpenSSH private key, first line first, nor a path"
    )]
    Neither {
        /// Name of the setting.
        name: String,
    },
    /// It names a file that cannot be used.
    #[error("the file that {name} names cannot be used as a key")]
    File {
        /// Name of the setting.
        name: String,
        /// Why, without the path.
        source: Withheld,
    },
}

/// A [`FileError`] without its path.
#[derive(Debug, Error)]
pub enum Withheld {
    /// The system refused.
    #[error("it cannot be {verb}")]
    System {
        /// What was tried.
        verb: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It is no plain file, or not its owner's alone.
    #[error("it {0}")]
    State(&'static str),
    /// It is no key file: those are small.
    #[error("it is larger than {0} bytes, the most that is read")]
    TooLarge(u64),
}

impl From<FileError> for Withheld {
    fn from(error: FileError) -> Self {
        match error {
            FileError::System { path: _, verb, source } => Self::System { verb, source },
            FileError::Unsynced { path: _, source } => Self::System { verb: "read", source },
            FileError::Exposed { path: _, what } => Self::State(what),
            FileError::Surprise { .. } => Self::State("is no plain file"),
            FileError::TooLarge { path: _, most } => Self::TooLarge(most),
            FileError::Exists { .. } | FileError::Changed { .. } => Self::State("was changed"),
        }
    }
}

/// The key of a setting. `name` is what the setting is called; a passphrase is asked for by it.
pub(super) fn read(name: &str, value: &str, ask: &mut Ask<'_>) -> Result<SecretKey, SignerError> {
    // A shell or a secret store that puts something in front must not turn a key into a path.
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let parse = |text: &[u8], ask: &mut Ask<'_>| SecretKey::parse(text, Path::new(name), ask);
    if value.starts_with("-----BEGIN") {
        return parse(value.as_bytes(), ask).map_err(SignerError::File);
    }
    if is_secret(value) {
        return Err(SettingError::Neither { name: name.to_owned() }.into());
    }
    let text = files::read_private_path(Path::new(value), key_file::MAX_BYTES);
    let text = text.map_err(|error| SettingError::File {
        name: name.to_owned(),
        source: Withheld::from(error),
    })?;
    parse(&text, ask).map_err(SignerError::File)
}

/// Whether a text that should be a path may be a private key, or a part of one.
pub(super) fn is_secret(text: &str) -> bool {
    text.len() > LONGEST_PATH
        || text.contains(['\n', '\r'])
        || text.to_ascii_uppercase().contains("PRIVATE KEY")
        || text.contains("-----BEGIN")
        || is_encoded(text)
        || is_token(text)
}

/// Whether the text is one long word, as 32 bytes are in hexadecimal or base64. A path of that
/// length has a slash or a dot.
fn is_token(text: &str) -> bool {
    text.len() >= 40
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'_' | b'='))
}

/// Whether the text begins as a key file, or the inside of one, does in base64 of either alphabet.
fn is_encoded(text: &str) -> bool {
    let spelled = |c: char| match c {
        '-' => Some('+'),
        '_' => Some('/'),
        c if c.is_ascii_alphanumeric() || c == '+' || c == '/' => Some(c),
        _ => None,
    };
    let mut start = Zeroizing::new(text.chars().filter_map(spelled).take(64).collect::<String>());
    let whole = start.len() / 4 * 4;
    start.truncate(whole);
    let Ok(bytes) = STANDARD.decode(start.as_bytes()).map(Zeroizing::new) else {
        return false;
    };
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    holds(b"-----BEGIN") || holds(b"openssh-key-v1")
}

impl From<SettingError> for SignerError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}

impl SettingError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Neither { .. } => {
                "set it to the key file as `ssh-keygen -t ed25519` wrote it, line by line, or to its path; the value is not shown"
            }
            Self::File { .. } => "the value is not shown here, in case it is a key and not a path",
        }
    }
}
