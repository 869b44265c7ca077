//! Names and digests: each is checked once, when it is made, and can be trusted afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use thiserror::Error;

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentError {
    /// Not a DNS label (RFC 1123): 1 to 63 of `a-z 0-9 -`, no `-` at either end.
    #[error("{0:?} is not a DNS label (1 to 63 of a-z, 0-9 and -, no - at either end)")]
    Label(String),
    /// Not 64 lower-case hexadecimal digits.
    #[error("{0:?} is not a SHA-256 digest (64 lower-case hexadecimal digits)")]
    Digest(String),
    /// Not `group/Kind/namespace/name`.
    #[error("{0:?} is not a resource id (group/Kind/namespace/name)")]
    ResourceId(String),
    /// Not a JSON pointer (RFC 6901).
    #[error("{0:?} is not a JSON pointer")]
    Pointer(String),
}

/// A DNS label: the name of a project, plan, environment, target, principal or operation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// The text of the label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = IdentError;
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let edge = |c: Option<&u8>| c.is_some_and(|c| *c != b'-');
        let bytes = text.as_bytes();
        let good = bytes.len() <= 63 && bytes.iter().all(|c| inner(*c));
        if good && edge(bytes.first()) && edge(bytes.last()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentError::Label(text.to_owned()))
        }
    }
}

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = IdentError;
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let wrong = || IdentError::Digest(text.to_owned());
        let nibble = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(wrong()),
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(wrong());
        }
        let mut raw = [0; 32];
        for (out, [high, low]) in raw.iter_mut().zip(pairs) {
            *out = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(raw))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One object of a target: `group/Kind/namespace/name`, four segments always; the group of the
/// core API and the namespace of a cluster-scoped object are empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId {
    /// API group, without the version; empty for the core API.
    pub group: String,
    /// Kind, in the spelling of the API.
    pub kind: String,
    /// Namespace; empty where the object has none.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl FromStr for ResourceId {
    type Err = IdentError;
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let mut parts = text.split('/').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(group), Some(kind), Some(namespace), Some(name), None)
                if !kind.is_empty() && !name.is_empty() =>
            {
                Ok(Self { group, kind, namespace, name })
            }
            _ => Err(IdentError::ResourceId(text.to_owned())),
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.group, self.kind, self.namespace, self.name)
    }
}

/// A JSON pointer (RFC 6901): empty for the whole document, else `/`-separated segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(String);

impl Pointer {
    /// The text of the pointer.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This pointer with one more segment, which is escaped here.
    #[must_use]
    pub fn join(&self, segment: &str) -> Self {
        Self(format!("{}/{}", self.0, segment.replace('~', "~0").replace('/', "~1")))
    }

    /// The unescaped segments, outermost first.
    pub fn segments(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
    }

    /// Whether `self` is `other` or lies beneath it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for Pointer {
    type Err = IdentError;
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if (text.is_empty() || text.starts_with('/')) && escapes {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentError::Pointer(text.to_owned()))
        }
    }
}

macro_rules! text_form {
    ($($name:ty => $into:expr, $pattern:literal);* $(;)?) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.to_string())
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdentError;
            fn try_from(text: String) -> Result<Self, IdentError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                let into: fn($name) -> String = $into;
                into(value)
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": $pattern})
            }
        }
    )*};
}

text_form! {
    Label => |value| value.0, "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
    Digest => |value| value.to_string(), "^[0-9a-f]{64}$";
    ResourceId => |value| value.to_string(), "^[^/]*/[^/]+/[^/]*/[^/]+$";
    Pointer => |value| value.0, "^(/([^~]|~[01])*)?$";
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_dns_labels() {
        for good in ["a", "scale-web", "0", &"x".repeat(63)] {
            assert!(good.parse::<Label>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "é", "a\0", &"x".repeat(64)] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_lower_case_hex_of_full_length() {
        let digest = Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Digest>().unwrap(), digest);
        for bad in [&text[1..], &text.to_uppercase(), &format!("{text}0"), ""] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pointer_keeps_slash_and_tilde_apart() {
        let pointer = Pointer::default().join("metadata").join("a/b~c");
        assert_eq!(pointer.as_str(), "/metadata/a~1b~0c");
        assert_eq!(pointer.segments().collect::<Vec<_>>(), ["metadata", "a/b~c"]);
        assert!("/a~2".parse::<Pointer>().is_err());
        assert!("a".parse::<Pointer>().is_err());
        let parent: Pointer = "/metadata".parse().unwrap();
        assert!(
            pointer.is_within(&parent)
                && !"/metadatax".parse::<Pointer>().unwrap().is_within(&parent)
        );
    }
}
