//! Names that git is given: each is what it says, and never an option or an address of another
//! kind.

use std::fmt;
use std::str::FromStr;

use super::error::GitError;
use super::shown::redacted;

/// The full id of an object: 40 lower-case hex digits in a SHA-1 repository, 64 in a SHA-256 one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl ObjectId {
    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectId {
    type Err = GitError;
    fn from_str(text: &str) -> Result<Self, GitError> {
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if matches!(text.len(), 40 | 64) && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(GitError::Name { kind: "the id of a git object", text: text.to_owned() })
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full name of a ref: `refs/heads/main`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

impl RefName {
    /// The ref of a branch, which is named without `refs/heads/`.
    ///
    /// # Errors
    /// [`GitError::Name`].
    pub fn branch(name: &str) -> Result<Self, GitError> {
        let wrong = || GitError::Name { kind: "a branch", text: name.to_owned() };
        if name.starts_with('-') || name == "HEAD" || name.starts_with("refs/") {
            return Err(wrong());
        }
        format!("refs/heads/{name}").parse().map_err(|_| wrong())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people say it: a branch without `refs/heads/`.
    pub fn short(&self) -> &str {
        self.0.strip_prefix("refs/heads/").unwrap_or(&self.0)
    }
}

impl FromStr for RefName {
    type Err = GitError;
    /// The rules of `git check-ref-format`, for names beneath `refs/`.
    fn from_str(text: &str) -> Result<Self, GitError> {
        let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.ends_with(['.'])
                && !part.ends_with(".lock")
        };
        let good = text.starts_with("refs/")
            && text.split('/').all(part)
            && !text.contains(bad)
            && !text.contains("..")
            && !text.contains("@{");
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(GitError::Name { kind: "the full name of a ref", text: text.to_owned() })
        }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A remote: its name in the configuration of a repository, like `origin`, or its address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remote(String);

impl Remote {
    /// Its name or address, as git takes it: never shown.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address or path, which needs no configuration.
    pub fn is_address(&self) -> bool {
        self.0.starts_with(['/', '.']) || self.0.contains(':')
    }
}

impl FromStr for Remote {
    type Err = GitError;
    fn from_str(text: &str) -> Result<Self, GitError> {
        let bad = |c: char| c.is_control() || c.is_whitespace();
        // Two colons name a program that is to be run.
        if text.is_empty() || text.starts_with('-') || text.contains(bad) || text.contains("::") {
            let text = redacted(text);
            return Err(GitError::Name { kind: "the name or address of a remote", text });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Remote {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Refuses what cannot be the path of a file in a commit.
pub(super) fn check_path(path: &str) -> Result<(), GitError> {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    if path.split('/').all(part) && !path.contains('\0') {
        Ok(())
    } else {
        Err(GitError::Name { kind: "a path in a commit", text: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_an_option_or_an_address() {
        for good in ["main", "countersign-ledger", "a/b.c", "a@b", "+a"] {
            assert_eq!(RefName::branch(good).unwrap().short(), good);
        }
        for bad in [
            "",
            "-f",
            "--upload-pack=x",
            "HEAD",
            "refs/heads/x",
            "a..b",
            "a b",
            "a:b",
            "a^",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a@{1}",
            "a\n",
            "a\\b",
            "a*",
            "a.",
        ] {
            assert!(RefName::branch(bad).is_err(), "{bad:?}");
        }
        for (good, address) in [
            ("origin", false),
            ("team/origin", false),
            ("https://h/x", true),
            ("git@h:x", true),
            ("../x.git", true),
            ("/srv/x.git", true),
        ] {
            assert_eq!(good.parse::<Remote>().unwrap().is_address(), address, "{good}");
        }
        for bad in ["", "-o", "--upload-pack=x", "ext::sh", "a b", "a\n"] {
            assert!(bad.parse::<Remote>().is_err(), "{bad:?}");
        }
        let secret = "https://u:secret@h/x".parse::<Remote>().unwrap();
        assert_eq!(format!("{secret} {secret:?}"), "https://***@h/x https://***@h/x");
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", ".git/config", "a/.GIT/x", "a\0"] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "HEAD", "A".repeat(40).as_str(), "a".repeat(39).as_str()] {
            assert!(bad.parse::<ObjectId>().is_err(), "{bad:?}");
        }
    }
}
