//! What a store of objects did not do, in words that hold no credential: never the text of an
//! answer, which can quote the request and what signed it, only its number and its error code.

use std::fmt;

use thiserror::Error;

/// What was asked of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    pub(super) verb: &'static str,
    pub(super) object: String,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object)
    }
}

/// The innermost reason of a failure below HTTP, as the system or the TLS library says it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Reason(pub(super) String);

/// Why a store of objects cannot be used.
#[derive(Debug, Error)]
pub enum ObjectError {
    /// No connection: nothing was sent.
    #[error("it cannot be reached to {doing}")]
    Unreachable {
        /// What was asked.
        doing: Doing,
        /// Why.
        source: Reason,
    },
    /// The request was sent and nothing came back, or not all of it.
    #[error("it gave no answer when asked to {doing}")]
    Silent {
        /// What was asked.
        doing: Doing,
        /// Why.
        source: Reason,
    },
    /// It answered that this may not be done.
    #[error("it refuses to {doing} (HTTP {status}{code}){hint}")]
    Refused {
        /// What was asked.
        doing: Doing,
        /// The number of the answer.
        status: u16,
        /// Its error code, after a space; empty if it has none.
        code: String,
        /// What that can mean besides.
        hint: &'static str,
    },
    /// It answered that it failed, or something that it never should.
    #[error("it failed to {doing} (HTTP {status}{code})")]
    Failed {
        /// What was asked.
        doing: Doing,
        /// The number of the answer.
        status: u16,
        /// Its error code, after a space; empty if it has none.
        code: String,
    },
    /// The bucket or container does not exist.
    #[error("there is no bucket or container {0}")]
    NoBucket(String),
    /// The bucket is kept in another region than the configuration says.
    #[error("the bucket is in region {0:?}; the configuration names another one")]
    Region(String),
    /// Credentials are missing, or whoever gives them out does not.
    #[error(
        "no credentials: the environment names none that can be used, and {host} gives out none"
    )]
    Credentials {
        /// Who was asked for them.
        host: String,
        /// Why it gave none.
        source: Reason,
    },
    /// A condition was sent along, and the store cannot keep to it.
    #[error("it cannot {doing} only if nobody else wrote it meanwhile{hint}")]
    Unconditional {
        /// What was asked.
        doing: Doing,
        /// What to do instead.
        hint: &'static str,
    },
    /// More bytes than a record may have.
    #[error("{object} is larger than {most} bytes, the most that a record may have")]
    TooLarge {
        /// The object.
        object: String,
        /// The limit, in bytes.
        most: usize,
    },
    /// It gave nothing by which an object's state can be told from another one.
    #[error("it gives {0} no ETag")]
    Unversioned(String),
    /// Something else between this program and the store.
    #[error("it could not be asked to {doing}")]
    Unasked {
        /// What was asked.
        doing: Doing,
        /// Why.
        source: Reason,
    },
    /// An object lies there under a key that no ledger makes.
    #[error("it holds an object under a key that no ledger makes")]
    Key(#[source] Reason),
    /// The thread of the requests could not be started, or lost one.
    #[error("the requests to it cannot be run")]
    Worker(#[source] Reason),
    /// What the location itself says cannot be.
    #[error(transparent)]
    Location(#[from] LocationError),
}

/// What is wrong with a location of objects.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocationError {
    /// Not one of the known kinds of address.
    #[error(
        "its url is none of s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://ACCOUNT/CONTAINER/PREFIX"
    )]
    Scheme,
    /// A folder.
    #[error("a folder cannot change a record on a condition; choose the ledger kind local for one")]
    Folder,
    /// A part that is missing or has other characters than it may.
    #[error("its url has no good {0} (letters, digits, - _ and . only)")]
    Part(&'static str),
    /// No prefix: the ledger would lie among the bucket's other objects.
    #[error("its url has no prefix after the bucket; the ledger wants one of its own")]
    Prefix,
    /// Bad endpoint. It is not shown, because it may hold a password.
    #[error(
        "its endpoint is not https://HOST[:PORT][/PATH] or http://..., without user, password or query"
    )]
    Endpoint,
    /// The place of an S3 bucket is not known.
    #[error("its region is missing; S3 without an endpoint of its own needs one")]
    Region,
    /// Credentials that contradict each other or cannot be read.
    #[error("the credentials in the environment cannot be used; those read are: {0}")]
    Credentials(String),
}
