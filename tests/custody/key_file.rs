//! Private keys: real files of `ssh-keygen`, and files that must be refused.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use countersign::custody::key_file::{KeyFileError, SecretKey};
use countersign::custody::passphrase::{self, Unanswered};
use countersign::files::{self, FileError};
use countersign::trust::key::PublicKey;
use countersign::trust::sign::Sign as _;
use zeroize::Zeroizing;

use crate::support::trust::{keygen, public, run};

fn read(path: &Path) -> Result<SecretKey, KeyFileError> {
    SecretKey::read(path, &mut passphrase::nobody)
}

fn read_with(path: &Path, passphrase: &str) -> Result<SecretKey, KeyFileError> {
    SecretKey::read(path, &mut |_| Ok(Zeroizing::new(passphrase.to_owned())))
}

fn public_of(path: &Path) -> PublicKey {
    PublicKey::from_openssh(&std::fs::read_to_string(path.with_extension("pub")).unwrap()).unwrap()
}

#[test]
fn plain_and_encrypted_keys_of_ssh_keygen_sign() {
    let folder = tempfile::tempdir().unwrap();
    let plain = keygen(folder.path(), "plain", &["-t", "ed25519", "-N", ""]);
    let locked =
        keygen(folder.path(), "locked", &["-t", "ed25519", "-N", "open sesame", "-a", "4"]);
    for (path, key) in
        [(&plain, read(&plain).unwrap()), (&locked, read_with(&locked, "open sesame").unwrap())]
    {
        assert_eq!(key.public(), &public_of(path));
        assert!(key.public().verify(b"message", &key.sign(b"message").unwrap()));
    }
}

#[test]
fn every_cipher_that_ssh_keygen_writes_by_default_and_two_more_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for cipher in ["aes256-ctr", "aes256-gcm@openssh.com", "aes256-cbc"] {
        let arguments = ["-t", "ed25519", "-N", "secret", "-a", "2", "-Z", cipher];
        let path = keygen(folder.path(), cipher.split('@').next().unwrap(), &arguments);
        assert_eq!(read_with(&path, "secret").unwrap().public(), &public_of(&path), "{cipher}");
    }
}

#[test]
fn a_wrong_or_missing_passphrase_is_an_error_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "locked", &["-t", "ed25519", "-N", "right", "-a", "2"]);
    for wrong in ["wrong", "", "right "] {
        let refused = read_with(&path, wrong).unwrap_err();
        assert!(matches!(refused, KeyFileError::WrongPassphrase { .. }), "{refused:?}");
    }
    let refused = read(&path).unwrap_err();
    assert!(matches!(&refused, KeyFileError::Passphrase { source: Unanswered(_), .. }));
    // A plain key asks nobody.
    let plain = keygen(folder.path(), "plain", &["-t", "ed25519", "-N", ""]);
    SecretKey::read(&plain, &mut |_| panic!("asked")).unwrap();
}

#[test]
fn a_file_that_others_may_read_or_that_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = read(&path).unwrap_err();
        assert!(
            matches!(&refused, KeyFileError::File(FileError::Exposed { .. })),
            "{mode:o}: {refused:?}"
        );
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        read(&path).unwrap();
    }
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    let pipe = folder.path().join("pipe");
    run(Command::new("mkfifo").arg("-m").arg("600").arg(&pipe));
    for odd in [&link, &pipe] {
        let refused = read(odd).unwrap_err();
        assert!(matches!(&refused, KeyFileError::File(FileError::Surprise { .. })), "{refused:?}");
    }
    let refused = read(folder.path()).unwrap_err();
    assert!(matches!(&refused, KeyFileError::File(FileError::Surprise { .. })), "{refused:?}");
    let refused = read(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(&refused, KeyFileError::File(error) if error.is_absent()));
    let huge = folder.path().join("huge");
    std::fs::write(&huge, vec![b'x'; 1 << 20]).unwrap();
    std::fs::set_permissions(&huge, std::fs::Permissions::from_mode(0o600)).unwrap();
    let refused = read(&huge).unwrap_err();
    assert!(matches!(&refused, KeyFileError::File(FileError::TooLarge { .. })), "{refused:?}");
}

#[test]
fn a_file_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    // Only root can give a file away; anybody else finds one that is not theirs.
    let foreign = if std::os::unix::fs::chown(&path, Some(65_534), None).is_ok() {
        path
    } else {
        Path::new("/etc/passwd").to_owned()
    };
    let refused = read(&foreign).unwrap_err();
    let KeyFileError::File(FileError::Exposed { what, .. }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(*what, "belongs to another user");
}

#[test]
fn other_kinds_and_formats_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let rsa = keygen(folder.path(), "rsa", &["-t", "rsa", "-b", "2048", "-N", "locked", "-a", "2"]);
    let ecdsa = keygen(folder.path(), "ecdsa", &["-t", "ecdsa", "-N", ""]);
    for (path, wanted) in [(rsa, "ssh-rsa"), (ecdsa, "ecdsa-sha2-nistp256")] {
        // The encrypted one, too: nobody is asked for a passphrase in vain.
        let refused = SecretKey::read(&path, &mut |_| panic!("asked")).unwrap_err();
        assert!(matches!(&refused, KeyFileError::Kind { kind, .. } if kind == wanted), "{refused}");
    }
    let parse = |text: &[u8]| {
        SecretKey::parse(text, Path::new("SETTING"), &mut passphrase::nobody).unwrap_err()
    };
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    let text = std::fs::read_to_string(&path).unwrap();
    for (bytes, wanted) in [
        (std::fs::read(path.with_extension("pub")).unwrap(), "a public key"),
        (b"-----BEGIN PRIVATE KEY-----\n".to_vec(), "PKCS#8"),
        (b"-----BEGIN RSA PRIVATE KEY-----\n".to_vec(), "another kind in PEM"),
        (b"".to_vec(), "something else"),
        (b"\xff\x00".to_vec(), "something else"),
    ] {
        let refused = parse(&bytes);
        assert!(matches!(&refused, KeyFileError::Format { found, .. } if found.contains(wanted)));
        assert!(refused.to_string().starts_with("SETTING is "), "{refused}");
    }
    for at in [text.len() / 4, text.len() / 2, text.len() - 2] {
        let refused = parse(&text.as_bytes()[..at]);
        assert!(matches!(refused, KeyFileError::Damaged { .. }), "{refused:?}");
    }
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, PrivateKey};
    use ssh_key::public::Ed25519PublicKey;
    let pair = Ed25519Keypair {
        public: Ed25519PublicKey(*public(2).as_bytes()),
        private: Ed25519PrivateKey::from_bytes(&[1; 32]),
    };
    let key = PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap();
    let text = key.to_openssh(ssh_key::LineEnding::LF).unwrap();
    let refused =
        SecretKey::parse(text.as_bytes(), Path::new("x"), &mut passphrase::nobody).unwrap_err();
    assert!(matches!(refused, KeyFileError::Halves { .. }), "{refused:?}");
}

#[test]
fn a_key_that_is_made_is_one_that_ssh_keygen_reads() {
    let folder = tempfile::tempdir().unwrap();
    let open = files::open_folder(folder.path()).unwrap();
    let made = SecretKey::create(&open, "planner", "planner of shop", &[7; 32]).unwrap();
    assert_eq!(made.public(), &public(7));
    let path = folder.path().join("planner");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(read(&path).unwrap().public(), &public(7));

    let derived = run(Command::new("ssh-keygen").arg("-yf").arg(&path));
    assert_eq!(derived, format!("{} planner of shop\n", public(7).to_openssh()));
    assert_eq!(std::fs::read_to_string(folder.path().join("planner.pub")).unwrap(), derived);
    let listed = run(Command::new("ssh-keygen").arg("-lf").arg(&path));
    assert!(listed.contains(public(7).fingerprint().as_str()), "{listed}");

    // Neither half is ever written over.
    let refused = SecretKey::create(&open, "planner", "", &[8; 32]).unwrap_err();
    assert!(matches!(refused, KeyFileError::File(FileError::Exists { .. })));
    assert_eq!(read(&path).unwrap().public(), &public(7));
    std::fs::remove_file(&path).unwrap();
    let refused = SecretKey::create(&open, "planner", "", &[8; 32]).unwrap_err();
    assert!(matches!(refused, KeyFileError::File(FileError::Exists { .. })));
    assert!(!path.exists());
}

#[test]
fn no_key_is_made_inside_a_git_work_tree() {
    let folder = tempfile::tempdir().unwrap();
    run(Command::new("git").args(["init", "-q"]).arg(folder.path()));
    let inner = folder.path().join("a/b");
    std::fs::create_dir_all(&inner).unwrap();
    let link = tempfile::tempdir().unwrap();
    symlink(&inner, link.path().join("hidden")).unwrap();
    std::fs::create_dir_all(inner.join("c")).unwrap();
    for place in [folder.path(), &inner, &link.path().join("hidden/c")] {
        let open = files::open_folder(place).unwrap();
        let refused = SecretKey::create(&open, "key", "", &[7; 32]).unwrap_err();
        assert!(matches!(refused, KeyFileError::WorkTree { .. }), "{refused:?}");
        assert!(!place.join("key").exists() && !place.join("key.pub").exists());
    }
}

#[test]
fn no_secret_is_shown() {
    let key = SecretKey::from_seed(&[0x41; 32]).unwrap();
    let shown = format!("{key:?} {key:#?}");
    assert!(!shown.contains("41, 41") && !shown.contains("65, 65") && !shown.contains("AAAA"));
    assert!(shown.contains(public(0x41).fingerprint().as_str()));
}
