//! The source of an entry, read once: an environment variable, a file, or what a command prints.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{VaultError, command};
use crate::config::Secret;
use crate::custody::setting::Withheld;
use crate::document::ident::Label;
use crate::files;

/// Most bytes of a value.
pub const MOST: u64 = 1 << 20;
/// How long a command may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What sources are read from.
#[derive(Clone, Copy)]
pub struct SourceWorld<'w> {
    /// The environment of the user, whole: commands find their own credentials in it.
    pub environment: &'w [(OsString, OsString)],
    /// The folder of the trusted side. Files are found from it, and commands run in it.
    pub folder: &'w Path,
    /// How long a command may take: [`PATIENCE`].
    pub patience: Duration,
    /// Whether somebody asked to stop; a command is ended then.
    pub interrupted: &'w dyn Fn() -> bool,
}

/// The value of an entry. One line feed at the end of a file, or of what a command prints, is not
/// part of it.
pub(super) fn read(
    name: &Label,
    secret: &Secret,
    world: SourceWorld<'_>,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let Secret { env, file, command, targets: _, pointers: _ } = secret;
    let (value, kind) = match (env, file, command) {
        (Some(variable), None, None) => {
            (of_environment(name, variable, world)?, "environment variable")
        }
        (None, Some(path), None) => (of_file(name, path, world)?, "file"),
        (None, None, Some(command)) => (of_command(name, command, world)?, "command"),
        // The configuration does not load then.
        _ => return Err(VaultError::Unread(name.clone())),
    };
    if value.is_empty() {
        return Err(VaultError::Empty { name: name.clone(), kind });
    }
    Ok(value)
}

fn of_environment(
    name: &Label,
    variable: &str,
    world: SourceWorld<'_>,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let found = world.environment.iter().find(|(known, _)| known == variable);
    let (_, value) = found
        .ok_or_else(|| VaultError::Unset { name: name.clone(), variable: variable.to_owned() })?;
    Ok(Zeroizing::new(value.as_bytes().to_vec()))
}

fn of_file(
    name: &Label,
    path: &str,
    world: SourceWorld<'_>,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // Room for the line feed at the end.
    let read = files::read_path(&world.folder.join(path), MOST + 1);
    let read = read
        .map_err(|error| VaultError::File { name: name.clone(), source: Withheld::from(error) })?;
    let value = without_line_feed(Zeroizing::new(read));
    match is_too_large(&value) {
        true => Err(VaultError::File { name: name.clone(), source: Withheld::TooLarge(MOST) }),
        false => Ok(value),
    }
}

fn of_command(
    name: &Label,
    command: &[String],
    world: SourceWorld<'_>,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let failed = |source| VaultError::Command {
        name: name.clone(),
        program: command.first().cloned().unwrap_or_default(),
        source,
    };
    let value = without_line_feed(command::run(command, MOST + 1, world).map_err(failed)?);
    match is_too_large(&value) {
        true => Err(failed(command::CommandError::TooLarge(MOST))),
        false => Ok(value),
    }
}

fn is_too_large(value: &[u8]) -> bool {
    u64::try_from(value.len()).unwrap_or(u64::MAX) > MOST
}

fn without_line_feed(mut value: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if value.last() == Some(&b'\n') {
        value.pop();
    }
    value
}
