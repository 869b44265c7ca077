//! What `init` makes: machine keys in the state folder, and the project's files. Nothing that is
//! there is overwritten.

use crate::cli::fault::Fault;
use crate::cli::paths::file_fault;
use crate::cli::session::state_fault;
use crate::config::TargetPath;
use crate::custody::key_file::SecretKey;
use crate::custody::random;
use crate::custody::state::State;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::files::{Folder, Mode};
use crate::trust::key::PublicKey;
use crate::trust::root::TrustRoot;
use crate::trust::sign::Sign as _;

/// An example of a policy, for the user to change.
const POLICY: &str = include_str!("replicas.rego");
/// Its tests.
const POLICY_TEST: &str = include_str!("replicas_test.rego");
/// Keeps Git from changing line ends of what is signed.
const ATTRIBUTES: &str = "plans/** -text\ntrust.json -text\n";

/// The public key of a machine, whose private half is made if there is none yet.
pub(super) fn machine(state: &State, project: &Label, role: &str) -> Result<PublicKey, Fault> {
    let label: Label = role.parse().map_err(|error| Fault::of(Code::Error, &error))?;
    let path = state.key(project, &label);
    if path.exists() {
        let key = SecretKey::read(&path, &mut crate::custody::passphrase::nobody);
        return Ok(key.map_err(|error| Fault::of(Code::Error, &error))?.public().clone());
    }
    let folder = state.keys_made(project).map_err(|error| state_fault(Code::Error, &error))?;
    let seed = random::bytes::<32>().map_err(|error| Fault::of(Code::Error, &error))?;
    let comment = format!("{role} of {project}");
    let key = SecretKey::create(&folder, role, &comment, &seed);
    Ok(key.map_err(|error| Fault::of(Code::Error, &error))?.public().clone())
}

/// The lines of a target that is a folder of manifests.
pub(super) fn folder(environment: &Label, manifests: &TargetPath) -> String {
    format!(
        "[environments.{environment}.targets.manifests]\n\
         kind = \"directory\"\n\
         path = \"{manifests}\"\n"
    )
}

/// countersign.toml, with the lines of its first target.
pub(super) fn toml(project: &Label, target: &str) -> String {
    format!(
        "# Read from the trusted side only. `countersign schema config` describes every key.\n\
         name = \"{project}\"\n\
         \n\
         {target}\
         \n\
         [policy]\n\
         bundles = [\"policies\"]   # after the built-in rules; `builtin = false` leaves those out\n\
         \n\
         [ledger]\n\
         kind = \"local\"           # one machine; a pipeline with many runners needs a shared one\n"
    )
}

pub(super) fn write(root: &Folder, config: &str, trust: &TrustRoot) -> Result<(), Fault> {
    let fault = |error| file_fault(&error);
    if root.kind("policies").map_err(fault)?.is_none() {
        let policies = root.folder_made("policies").map_err(fault)?;
        policies.create("replicas.rego", POLICY.as_bytes(), Mode::Open).map_err(fault)?;
        policies.create("replicas_test.rego", POLICY_TEST.as_bytes(), Mode::Open).map_err(fault)?;
    }
    if root.kind(".gitattributes").map_err(fault)?.is_none() {
        root.create(".gitattributes", ATTRIBUTES.as_bytes(), Mode::Open).map_err(fault)?;
    }
    root.create("trust.json", trust.to_bytes(), Mode::Open).map_err(fault)?;
    // Last, because it is what makes the folder a project.
    root.create("countersign.toml", config.as_bytes(), Mode::Open).map_err(fault)
}
