//! How a passphrase is asked for: by a function that the caller hands in, so that nothing here
//! decides whether somebody sits at a terminal.

use std::path::Path;

use thiserror::Error;
use zeroize::Zeroizing;

/// Asks for the passphrase of the key with this file (or name).
pub type Ask<'a> = dyn FnMut(&Path) -> Result<Zeroizing<String>, Unanswered> + 'a;

/// Nobody answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no passphrase was given: {0}")]
pub struct Unanswered(pub String);

/// Asks at the terminal of this process, without echo.
///
/// # Errors
/// [`Unanswered`] if there is no terminal, or nothing was typed.
pub fn on_terminal(key: &Path) -> Result<Zeroizing<String>, Unanswered> {
    let prompt = format!("Passphrase of {}: ", key.display());
    let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
    let typed = typed.map_err(|error| Unanswered(error.to_string()))?;
    if typed.is_empty() { Err(Unanswered("nothing was typed".to_owned())) } else { Ok(typed) }
}

/// Answers nothing: for runs that must not prompt.
///
/// # Errors
/// Always.
pub fn nobody(_: &Path) -> Result<Zeroizing<String>, Unanswered> {
    Err(Unanswered("this run asks nobody".to_owned()))
}
