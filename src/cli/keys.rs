//! Which key signs: the person's for approvals, a machine's for plans and receipts. Every key must
//! be one that trust.json knows in that role.

use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::session::Session;
use crate::custody::key_file::KeyFileError;
use crate::custody::passphrase::{self, Unanswered};
use crate::custody::random;
use crate::custody::signer::{self, Candidate, Named, NamedError, Places, Signer, SignerError};
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;
use crate::files;
use crate::gate::Trusted;
use crate::trust::fingerprint::Fingerprint;
use crate::trust::key::PublicKey;
use crate::trust::sign::Sign as _;

/// A machine principal and its key.
pub(super) struct Machine {
    /// Its principal in trust.json.
    pub(super) principal: Label,
    /// Its key.
    pub(super) signer: Signer,
}

/// A person and their key.
pub(super) struct Person {
    /// Their principal in trust.json.
    pub(super) principal: Label,
    /// The key that signs, or is meant to.
    pub(super) fingerprint: Fingerprint,
    /// Where the private half is; for the person to see.
    pub(super) place: String,
    /// What signs; `None` where only the public half was asked for.
    pub(super) signer: Option<Signer>,
}

/// A random id.
pub(super) fn random_id() -> Result<ApprovalId, Fault> {
    Ok(ApprovalId::from_random(random_bits()?))
}

/// 128 random bits that are no secret.
pub(super) fn random_bits() -> Result<[u8; 16], Fault> {
    let bits = random::bytes::<16>().map_err(|error| Fault::of(Code::Error, &error))?;
    Ok(*bits)
}

/// How a passphrase is asked for: at the terminal, or not at all.
fn ask(session: &Session<'_, '_>) -> fn(&Path) -> Result<zeroize::Zeroizing<String>, Unanswered> {
    // A key is read next: whoever types at the prompt must not be written over.
    session.pause();
    if session.answers() { passphrase::on_terminal } else { passphrase::nobody }
}

/// Where this person's keys are looked for.
fn places(session: &Session<'_, '_>) -> (Option<PathBuf>, Option<PathBuf>) {
    let home = session.variable("HOME").map(|home| Path::new(&home).join(".ssh"));
    (home, session.variable("SSH_AUTH_SOCK").map(PathBuf::from))
}

/// All Ed25519 keys of this person.
pub(super) fn candidates(session: &Session<'_, '_>) -> Result<signer::Found, Fault> {
    let (ssh, agent) = places(session);
    let places = Places { ssh: ssh.as_deref(), agent: agent.as_deref() };
    signer::find(places).map_err(|error| signer_fault(&error))
}

fn signer_fault(error: &SignerError) -> Fault {
    let hint = match error {
        SignerError::None { .. } => {
            "enrol a key on the trusted side (`countersign trust add NAME --key FILE.pub --role ROLE`), or name one with `--key`"
        }
        SignerError::Several { .. } => "choose one with `--key FILE` or `--key agent:SHA256:…`",
        SignerError::NoAgent(_) => "start ssh-agent, or name a key file with `--key`",
        SignerError::File(KeyFileError::Passphrase { .. }) => {
            "load it into ssh-agent and name it with `--key agent:SHA256:…`, or run this at a terminal without `--no-input`"
        }
        SignerError::Setting(setting) => setting.hint(),
        SignerError::File(_) | SignerError::Agent(_) | SignerError::Ssh(_) => "",
    };
    Fault::of(Code::Error, error).hint(hint)
}

fn not_enrolled(key: &PublicKey, role: &str, trusted: &Trusted) -> Fault {
    let version = trusted.root.version();
    Fault::new(Code::Error, format!("key {} may not sign here", key.fingerprint()))
        .because(format!("trust.json version {version} has it for no {role}"))
        .hint(format!(
            "enrol it on the trusted side: `countersign trust add NAME --key FILE.pub --role {role}`{}",
            if role == "approver" { "" } else { " with `--machine --owner PERSON`" }
        ))
}

/// The key of a machine role: from the variable, or the one that `init` made.
pub(super) fn machine(
    role: &str,
    variable: &str,
    trusted: &Trusted,
    session: &Session<'_, '_>,
) -> Result<Machine, Fault> {
    let signer = match session.variable(variable) {
        Some(value) => signer::from_setting(variable, &value, &mut ask(session)),
        None => {
            let label: Label = role.parse().map_err(|e| Fault::of(Code::Error, &e))?;
            let state = session.state_checked(Code::Error)?;
            let path = state.join("keys").join(trusted.config.name.as_str()).join(label.as_str());
            let nowhere = Places { ssh: None, agent: None };
            signer::resolve(Some(&Named::File(path)), nowhere, &|_| true, &mut ask(session))
        }
    };
    let signer = signer.map_err(|error| {
        signer_fault(&error)
            .hint(format!("`countersign init` makes the {role} key; a pipeline sets {variable}"))
    })?;
    enrolled(signer, role, trusted)
}

fn enrolled(signer: Signer, role: &str, trusted: &Trusted) -> Result<Machine, Fault> {
    let found = trusted.root.principal_of(signer.public());
    let has = |role: &str| role.parse().is_ok_and(|role| found.is_some_and(|f| f.has_role(&role)));
    match found {
        Some(found) if has(role) => Ok(Machine { principal: found.id().clone(), signer }),
        Some(_) | None => Err(not_enrolled(signer.public(), role, trusted)),
    }
}

/// The applier's key: the one that was named, or as [`machine`].
pub(super) fn applier(
    named: Option<&str>,
    trusted: &Trusted,
    session: &Session<'_, '_>,
) -> Result<Machine, Fault> {
    let Some(named) = named else {
        return machine("applier", "COUNTERSIGN_APPLIER_KEY", trusted, session);
    };
    let (ssh, agent) = places(session);
    let places = Places { ssh: ssh.as_deref(), agent: agent.as_deref() };
    let named: Named = parse(named, session)?;
    let signer = signer::resolve(Some(&named), places, &|_| true, &mut ask(session))
        .map_err(|error| signer_fault(&error))?;
    enrolled(signer, "applier", trusted)
}

fn parse(named: &str, session: &Session<'_, '_>) -> Result<Named, Fault> {
    let parsed: Named = named.parse().map_err(|error: NamedError| {
        let hint = match error {
            NamedError::Secret => {
                "give the path of a key file or `agent:SHA256:…`, with --key or COUNTERSIGN_KEY"
            }
            NamedError::Fingerprint(_) => "",
        };
        Fault::of(Code::Error, &error).hint(hint)
    })?;
    Ok(match parsed {
        Named::File(path) => Named::File(session.path(&path)),
        Named::Agent(fingerprint) => Named::Agent(fingerprint),
    })
}

/// The person's key: the one that was named, or the only one that trust.json knows as a person's.
/// With `public_only`, no private key is touched.
pub(super) fn person(
    named: Option<&str>,
    public_only: bool,
    trusted: &Trusted,
    session: &Session<'_, '_>,
) -> Result<Person, Fault> {
    let (ssh, agent) = places(session);
    let places = Places { ssh: ssh.as_deref(), agent: agent.as_deref() };
    let is_person =
        |key: &PublicKey| trusted.root.principal_of(key).is_some_and(|found| !found.is_machine());
    let named = named.map(|named| parse(named, session)).transpose()?;
    if let (Some(Named::File(path)), false) = (&named, public_only)
        && path.extension().is_some_and(|end| end == "pub")
    {
        let message = format!("{} is the public half of a key, which cannot sign", path.display());
        return Err(Fault::new(Code::Error, message).hint(
            "name the private key file, or `agent:SHA256:…`; `approve --prepare` takes a `.pub` file",
        ));
    }
    let (public, place, signer) = if public_only {
        let (public, place) = public(named.as_ref(), places, &is_person)?;
        (public, place, None)
    } else {
        let signer = signer::resolve(named.as_ref(), places, &is_person, &mut ask(session))
            .map_err(|error| signer_fault(&error))?;
        (signer.public().clone(), signer.place().to_owned(), Some(signer))
    };
    match trusted.root.principal_of(&public) {
        Some(found) if !found.is_machine() => Ok(Person {
            principal: found.id().clone(),
            fingerprint: public.fingerprint(),
            place,
            signer,
        }),
        Some(found) => Err(Fault::new(
            Code::Error,
            format!(
                "key {} is the machine {}'s; only people decide",
                public.fingerprint(),
                found.id()
            ),
        )),
        None => Err(not_enrolled(&public, "approver", trusted)),
    }
}

/// The key of an OpenSSH `.pub` file.
pub(super) fn public_key(path: &Path, bytes: &[u8]) -> Result<PublicKey, Fault> {
    PublicKey::from_openssh(&String::from_utf8_lossy(bytes)).map_err(|error| {
        Fault::new(Code::Error, format!("{} holds no key that can be used", path.display()))
            .because(error.to_string())
            .hint("give the `.pub` file of an Ed25519 key; `ssh-keygen -t ed25519` makes one")
    })
}

/// The public half of the named key, or of the only one that is accepted.
fn public(
    named: Option<&Named>,
    places: Places<'_>,
    accepts: &dyn Fn(&PublicKey) -> bool,
) -> Result<(PublicKey, String), Fault> {
    if let Some(Named::File(path)) = named {
        let read = |path: &Path| files::read_path(path, 16 << 10);
        let beside = PathBuf::from(format!("{}.pub", path.display()));
        let bytes = match path.extension().is_some_and(|end| end == "pub") {
            true => read(path),
            false => read(&beside),
        };
        let bytes = bytes.map_err(|error| super::paths::file_fault(&error))?;
        let key = public_key(path, &bytes)?;
        return Ok((key, path.display().to_string()));
    }
    let found = signer::find(places).map_err(|error| signer_fault(&error))?;
    let wanted = |one: &Candidate| match named {
        Some(Named::Agent(fingerprint)) => one.public.fingerprint() == *fingerprint,
        Some(Named::File(_)) | None => accepts(&one.public),
    };
    let mut fitting: Vec<Candidate> = found.candidates.into_iter().filter(wanted).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(one), true) => Ok((one.public, one.place.to_string())),
        (Some(last), false) => {
            fitting.push(last);
            Err(signer_fault(&SignerError::Several { found: fitting }))
        }
        (None, _) => Err(signer_fault(&SignerError::None { looked: found.looked })),
    }
}
