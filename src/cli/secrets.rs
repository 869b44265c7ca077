//! The secrets of one proposal: which it refers to, where they come from, and the key that masks
//! them. A proposal without a Secret needs neither.

use zeroize::Zeroizing;

use super::fault::Fault;
use super::session::{Session, state_fault};
use crate::config::Target;
use crate::custody::masking::{MaskingError, MaskingKey, PlanMask};
use crate::custody::state::{State, StateError};
use crate::custody::vault::{self, PATIENCE, SourceWorld, Vault, VaultError};
use crate::document::code::Code;
use crate::document::proposal::Proposal;
use crate::gate::Trusted;

/// The variable that holds the masking key where no state folder does.
const VARIABLE: &str = "COUNTERSIGN_MASKING_KEY";

/// The vault of a proposal, opened for its target.
pub(super) fn vault(
    proposal: &Proposal,
    trusted: &Trusted,
    session: &mut Session<'_, '_>,
) -> Result<Vault, Fault> {
    let target = trusted.config.target(&proposal.environment, &proposal.target);
    let takes = match target.map_err(|error| Fault::of(Code::Error, &error))? {
        Target::Directory(_) => false,
        Target::Kubernetes(_) | Target::Cloudformation(_) => true,
    };
    if !takes || !vault::touches_a_secret(proposal) {
        return Ok(Vault::empty());
    }
    let key = masking_key(session)?;
    let mask = of_plan(&key, proposal).map_err(|error| Fault::of(Code::Error, &error))?;
    let references: Vec<_> = proposal.operations.iter().flat_map(vault::references).collect();
    // Where the configuration was read from, and so may not be looked for again.
    let folder = session.trusted_folder(false)?;
    session.progress("reading the secrets");
    let world = session.world();
    let interrupted = || world.is_interrupted();
    let sources = SourceWorld {
        environment: &world.environment,
        folder: &folder,
        patience: PATIENCE,
        interrupted: &interrupted,
    };
    Vault::open(&trusted.config.secrets, &references, &proposal.target, Some(mask), sources)
        .map_err(|error| vault_fault(&error))
}

fn of_plan(key: &MaskingKey, proposal: &Proposal) -> Result<(String, PlanMask), MaskingError> {
    let Proposal { project, environment, name, .. } = proposal;
    Ok((key.id()?, key.of_plan(project, environment, name)?))
}

/// The masking key of the environment, or else the one that `init` made.
fn masking_key(session: &Session<'_, '_>) -> Result<MaskingKey, Fault> {
    if let Some(text) = session.variable(VARIABLE).map(Zeroizing::new) {
        return MaskingKey::parse(&text).map_err(|error| {
            Fault::new(Code::Error, format!("{VARIABLE} cannot be used"))
                .because(error.to_string())
                .hint("set it to the text of the file `masking` of the state folder where the plan was made")
        });
    }
    let none = || {
        Fault::new(Code::Error, "the proposal has a Secret, and there is no masking key")
            .hint(format!("`countersign init` makes one; a pipeline sets {VARIABLE}"))
    };
    let state = match State::open(&session.state()?) {
        Ok(state) => state,
        Err(StateError::File(error)) if error.is_absent() => return Err(none()),
        Err(error) => return Err(state_fault(Code::Error, &error)),
    };
    match MaskingKey::read(state.folder()) {
        Ok(key) => Ok(key),
        Err(MaskingError::File(error)) if error.is_absent() => Err(none()),
        Err(error) => Err(Fault::of(Code::Error, &error)
            .hint(format!("a pipeline sets {VARIABLE}; with another key, every plan is stale"))),
    }
}

/// A secret that cannot be used, with what to do next.
pub(super) fn vault_fault(error: &VaultError) -> Fault {
    let hint = match error {
        VaultError::Unknown { .. } => {
            "add it to `[secrets]` in countersign.toml on the trusted side, or refer to another"
        }
        VaultError::Target { .. } | VaultError::Place { .. } => {
            "`[secrets]` in countersign.toml on the trusted side says where an entry may go"
        }
        VaultError::Unset { .. } => "set it where this command runs",
        VaultError::File { .. } => {
            "a plain file of at most 1 MiB; its path counts from the folder of countersign.toml"
        }
        VaultError::Command { .. } => {
            "run it by hand in the folder of countersign.toml: it must print the value and end with 0"
        }
        VaultError::Empty { .. } => "an empty value is taken for a mistake",
        VaultError::NotText { .. } => "`data` takes any bytes, `stringData` text only",
        VaultError::Literal { .. } => {
            "write `{\"$secret\": \"name\"}`, an entry of countersign.toml"
        }
        VaultError::NoKey { .. } => {
            "`countersign init` makes one; a pipeline sets COUNTERSIGN_MASKING_KEY"
        }
        VaultError::Unread(_) | VaultError::Masking(_) => "",
    };
    Fault::of(Code::Error, error).hint(hint)
}
