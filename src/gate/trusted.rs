//! The trusted side, read once from one folder: configuration, trust root and policies. Never from
//! the plan's folder.

use std::path::Path;

use thiserror::Error;

use crate::config::{Config, ConfigError};
use crate::files::{self, FileError, Folder};
use crate::policy::bundle::{Bundle, BundleError};
use crate::trust::root::{RootError, TrustRoot};

/// Bytes of countersign.toml and of trust.json that are read at most.
const MOST: u64 = 4 << 20;

/// Why the trusted side cannot be used.
#[derive(Debug, Error)]
pub enum TrustedError {
    /// A file cannot be read.
    #[error("the trusted side cannot be read")]
    File(#[from] FileError),
    /// countersign.toml does not load.
    #[error("countersign.toml does not load")]
    Config(#[from] Box<ConfigError>),
    /// countersign.toml is not UTF-8.
    #[error("countersign.toml is not UTF-8")]
    Text,
    /// trust.json does not load.
    #[error("trust.json does not load")]
    Root(#[from] Box<RootError>),
    /// The policies do not load.
    #[error("the policies do not load")]
    Bundle(#[from] Box<BundleError>),
}

/// Configuration, trust root and policies, as they were read.
#[derive(Debug)]
pub struct Trusted {
    folder: Folder,
    /// countersign.toml.
    pub config: Config,
    /// trust.json.
    pub root: TrustRoot,
    /// The policies, in the order in which they are asked.
    pub bundle: Bundle,
}

impl Trusted {
    /// Reads the trusted side from this folder.
    ///
    /// # Errors
    /// [`TrustedError`].
    pub fn load(path: &Path) -> Result<Self, TrustedError> {
        let folder = files::open_folder(path)?;
        let config = config(&folder)?;
        let root = root(&folder)?;
        let mut bundles = Vec::new();
        for path in &config.policy.bundles {
            bundles.push((path.as_str().to_owned(), folder.folder(path.as_str())?));
        }
        let bundle = Bundle::load(config.policy.builtin, &bundles).map_err(Box::new)?;
        Ok(Self { folder, config, root, bundle })
    }

    /// The trust root as it stands in the folder now, for the last look before the spend.
    ///
    /// # Errors
    /// [`TrustedError`].
    pub fn root_again(&self) -> Result<TrustRoot, TrustedError> {
        root(&self.folder)
    }
}

fn config(folder: &Folder) -> Result<Config, TrustedError> {
    let bytes = folder.read("countersign.toml", MOST)?;
    let text = String::from_utf8(bytes).map_err(|_| TrustedError::Text)?;
    Ok(Config::parse(&text).map_err(Box::new)?)
}

fn root(folder: &Folder) -> Result<TrustRoot, TrustedError> {
    let bytes = folder.read("trust.json", MOST)?;
    Ok(TrustRoot::parse(&bytes).map_err(Box::new)?)
}
