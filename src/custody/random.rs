//! Random bytes from the system, for keys and ids. Everything else gets them as an argument.

use thiserror::Error;
use zeroize::Zeroizing;

/// The system gave no random bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the system gives no random bytes: {0}")]
pub struct RandomError(String);

/// `N` random bytes, wiped when dropped.
///
/// # Errors
/// [`RandomError`].
pub fn bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, RandomError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| RandomError(error.to_string()))?;
    Ok(bytes)
}
