//! Which key is taken when none, one or several fit.

use std::path::Path;

use countersign::custody::agent::AgentError;
use countersign::custody::key_file::KeyFileError;
use countersign::custody::passphrase;
use countersign::custody::setting::SettingError;
use countersign::custody::signer::{
    Named, NamedError, Place, Places, SignerError, find, from_setting, resolve,
};
use countersign::trust::key::PublicKey;
use countersign::trust::sign::Sign as _;
use zeroize::Zeroizing;

use super::agent::Running;
use crate::support::secret::{leaked, spellings};
use crate::support::trust::{keygen, public};

fn public_of(path: &Path) -> PublicKey {
    PublicKey::from_openssh(&std::fs::read_to_string(path.with_extension("pub")).unwrap()).unwrap()
}

#[test]
fn the_one_known_key_is_found_and_two_are_never_chosen_between() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join("ssh");
    std::fs::create_dir(&ssh).unwrap();
    let work = keygen(&ssh, "id_work", &["-t", "ed25519", "-N", ""]);
    let home = keygen(&ssh, "id_ed25519", &["-t", "ed25519", "-N", "secret", "-a", "2"]);
    keygen(&ssh, "id_rsa", &["-t", "rsa", "-b", "2048", "-N", ""]);
    keygen(&ssh, "deploy", &["-t", "ed25519", "-N", ""]);
    std::os::unix::fs::symlink("nowhere", ssh.join("id_link.pub")).unwrap();
    std::fs::write(ssh.join("config"), "").unwrap();
    let places = Places { ssh: Some(&ssh), agent: None };

    let found = find(places).unwrap();
    let listed: Vec<_> = found.candidates.iter().map(|one| one.place.clone()).collect();
    assert_eq!(listed, [Place::File(home.clone()), Place::File(work.clone())]);

    let only = |path: &Path| {
        let key = public_of(path);
        move |other: &PublicKey| *other == key
    };
    let signer = resolve(None, places, &only(&work), &mut passphrase::nobody).unwrap();
    assert_eq!(signer.public(), &public_of(&work));
    assert_eq!(signer.place(), work.to_str().unwrap());
    let mut asked = Vec::new();
    let signer = resolve(None, places, &only(&home), &mut |path: &Path| {
        asked.push(path.to_owned());
        Ok(Zeroizing::new("secret".to_owned()))
    });
    assert_eq!(signer.unwrap().public(), &public_of(&home));
    assert_eq!(asked, std::slice::from_ref(&home));

    let refused = resolve(None, places, &|_| true, &mut passphrase::nobody).unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, SignerError::Several { found } if found.len() == 2));
    assert!(said.contains("id_work") && said.contains("id_ed25519"), "{said}");

    let refused = resolve(None, places, &|_| false, &mut passphrase::nobody).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("2 Ed25519") && said.contains("SSH_AUTH_SOCK"), "{said}");
}

#[test]
fn a_key_in_the_agent_and_in_a_file_is_one_and_the_agent_signs() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join("ssh");
    std::fs::create_dir(&ssh).unwrap();
    let running = Running::start(folder.path());
    let key = keygen(&ssh, "id_ed25519", &["-t", "ed25519", "-N", ""]);
    running.add(&key, &[]);
    let places = Places { ssh: Some(&ssh), agent: Some(&running.socket) };
    let signer = resolve(None, places, &|_| true, &mut passphrase::nobody).unwrap();
    let name = format!("agent:{}", public_of(&key).fingerprint());
    assert_eq!(signer.place(), name);
    assert!(signer.public().verify(b"m", &signer.sign(b"m").unwrap()));

    let named: Named = name.parse().unwrap();
    let signer = resolve(Some(&named), places, &|_| false, &mut passphrase::nobody).unwrap();
    assert_eq!(signer.public(), &public_of(&key));
    let unknown: Named = format!("agent:{}", public(1).fingerprint()).parse().unwrap();
    let refused = resolve(Some(&unknown), places, &|_| true, &mut passphrase::nobody).unwrap_err();
    assert!(matches!(refused, SignerError::Agent(AgentError::NoKey { .. })), "{refused:?}");
    let without = Places { agent: None, ..places };
    let refused = resolve(Some(&named), without, &|_| true, &mut passphrase::nobody).unwrap_err();
    assert!(matches!(refused, SignerError::NoAgent(_)));
    assert!("agent:SHA256:x".parse::<Named>().is_err());
}

#[test]
fn a_stale_socket_does_not_hide_the_key_files() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "id_ed25519", &["-t", "ed25519", "-N", ""]);
    let stale = folder.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let places = Places { ssh: Some(folder.path()), agent: Some(&stale) };
    let signer = resolve(None, places, &|_| true, &mut passphrase::nobody).unwrap();
    assert_eq!(signer.public(), &public_of(&key));
    let nowhere = folder.path().join("none");
    let places = Places { ssh: Some(&nowhere), agent: Some(&stale) };
    let refused = resolve(None, places, &|_| true, &mut passphrase::nobody).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("cannot be reached") && said.contains("none is not there"), "{said}");
}

#[test]
fn a_setting_holds_a_key_or_the_path_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "planner", &["-t", "ed25519", "-N", ""]);
    let text = std::fs::read_to_string(&key).unwrap();
    for value in [text.as_str(), text.trim_end(), key.to_str().unwrap()] {
        let signer = from_setting("KEY", value, &mut passphrase::nobody).unwrap();
        assert_eq!(signer.public(), &public_of(&key));
    }
    let shown = from_setting("KEY", &text, &mut passphrase::nobody).unwrap();
    assert_eq!(shown.place(), "KEY");
    let bad = text.replacen("b3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXX", 1);
    let refused = from_setting("KEY", &bad, &mut passphrase::nobody).unwrap_err();
    assert!(matches!(refused, SignerError::File(KeyFileError::Damaged { .. })), "{refused:?}");
    let refused = from_setting("KEY", "", &mut passphrase::nobody).unwrap_err();
    assert!(matches!(refused, SignerError::Setting(SettingError::File { .. })), "{refused:?}");
    // What a shell or a secret store puts in front.
    for before in ["\n", "\r\n", "  ", "\u{feff}", "\u{feff}\n\t "] {
        let signer = from_setting("KEY", &format!("{before}{text}"), &mut passphrase::nobody);
        assert_eq!(signer.unwrap().public(), &public_of(&key), "{before:?}");
    }
}

/// All that an error says, also to a debugger.
fn everything(error: &SignerError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        said.push_str(&format!(" {error}"));
        source = error.source();
    }
    said
}

#[test]
fn a_setting_is_named_and_its_value_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "planner", &["-t", "ed25519", "-N", ""]);
    let text = std::fs::read_to_string(&key).unwrap();
    for (what, value) in spellings(&text) {
        let refused = from_setting("KEY", &value, &mut passphrase::nobody).unwrap_err();
        let said = everything(&refused);
        assert!(said.contains("KEY"), "{what}: {said}");
        assert_eq!(leaked(&value, &said), None, "{what}: {said}");
    }
    // Nor a path, which may be a key in a spelling that nobody thought of.
    let open = folder.path().join("open");
    std::fs::write(&open, &text).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (value, why) in [
        (path("nowhere"), "No such file"),
        (path("open"), "may be read or changed by others"),
        (path(""), "is no plain file"),
        ("../../etc/nothing".to_owned(), "No such file"),
    ] {
        let refused = from_setting("KEY", &value, &mut passphrase::nobody).unwrap_err();
        let said = everything(&refused);
        assert!(said.contains("KEY") && said.contains(why), "{said}");
        assert_eq!(leaked(&value, &said), None, "{said}");
    }
}

#[test]
fn a_key_in_place_of_its_name_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    let text = std::fs::read_to_string(&key).unwrap();
    for (what, value) in spellings(&text).into_iter().chain([("as it is", text.clone())]) {
        assert_eq!(value.parse::<Named>(), Err(NamedError::Secret), "{what}");
    }
    assert!("/home/a/.ssh/a-key-for-the-production-environment".parse::<Named>().is_ok());
}
