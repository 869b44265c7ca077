//! Signatures by `ssh-keygen -Y sign`, real ones and ones that must be refused.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::trust::key::{KeyError, PublicKey};
use countersign::trust::sign::Sign as _;
use countersign::trust::sshsig::{self, MAX_BYTES, NAMESPACE, SshsigError};
use sha2::{Digest as _, Sha256, Sha512};

use crate::support::trust::{keygen, public, run, secret};

const MESSAGE: &[u8] = b"{\"a\":\"statement\"}";

fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
}

/// The fields of a signature, to be spoilt before it is signed.
#[derive(Clone)]
struct Parts {
    version: u32,
    key: Vec<u8>,
    namespace: &'static str,
    reserved: &'static str,
    hash: &'static str,
    kind: &'static str,
    after: &'static [u8],
}

impl Parts {
    fn good() -> Self {
        let line = public(1).to_openssh();
        let key = STANDARD.decode(line.split_once(' ').unwrap().1).unwrap();
        Self {
            version: 1,
            key,
            namespace: NAMESPACE,
            reserved: "",
            hash: "sha512",
            kind: "ssh-ed25519",
            after: b"",
        }
    }

    fn signed_by(&self, seed: u8) -> String {
        let Self { version, key, namespace, reserved, hash, kind, after } = self;
        let digest = if *hash == "sha256" {
            Sha256::digest(MESSAGE).to_vec()
        } else {
            Sha512::digest(MESSAGE).to_vec()
        };
        let fields =
            [string(namespace.as_bytes()), string(reserved.as_bytes()), string(hash.as_bytes())];
        let message = [&b"SSHSIG"[..], &fields.concat(), &string(&digest)].concat();
        let signature = secret(seed).sign(&message).unwrap();
        let signature = [string(kind.as_bytes()), string(&signature)].concat();
        let head = [&b"SSHSIG"[..], &version.to_be_bytes(), &string(key)].concat();
        armor(&[&head[..], &fields.concat(), &string(&signature), after].concat())
    }
}

fn armor(blob: &[u8]) -> String {
    format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(blob))
}

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

fn refusal(armored: &str) -> SshsigError {
    sshsig::verify(armored, MESSAGE, &[&public(1), &public(2)]).unwrap_err()
}

#[test]
fn a_signature_made_by_hand_verifies_under_both_hashes() {
    for hash in ["sha256", "sha512"] {
        let armored = Parts { hash, ..Parts::good() }.signed_by(1);
        let verified = sshsig::verify(&armored, MESSAGE, &[&public(2), &public(1)]).unwrap();
        assert_eq!((verified.payload(), verified.key()), (MESSAGE, &public(1)));
        assert!(sshsig::verify(&armored, b"other", &[&public(1)]).is_err());
    }
}

#[test]
fn every_field_that_is_not_as_it_should_be_has_its_own_refusal() {
    let good = Parts::good;
    let line = |kind: &'static str| [string(kind.as_bytes()), string(&[7; 32])].concat();
    let mut weak = string(b"ssh-ed25519");
    weak.extend_from_slice(&string(&[0; 32]));
    let table = [
        (Parts { version: 0, ..good() }, SshsigError::Version(0)),
        (Parts { version: 2, ..good() }, SshsigError::Version(2)),
        (Parts { namespace: "git", ..good() }, SshsigError::Namespace("git".into())),
        (Parts { namespace: "file", ..good() }, SshsigError::Namespace("file".into())),
        (Parts { namespace: "", ..good() }, SshsigError::Namespace(String::new())),
        (
            Parts { namespace: "approval.v1@countersign.example", ..good() },
            SshsigError::Namespace("approval.v1@countersign.example".into()),
        ),
        (
            Parts { namespace: "approval.v1", ..good() },
            SshsigError::Namespace("approval.v1".into()),
        ),
        (Parts { reserved: "x", ..good() }, SshsigError::Reserved),
        (Parts { hash: "sha1", ..good() }, SshsigError::Hash("sha1".into())),
        (Parts { hash: "SHA512", ..good() }, SshsigError::Hash("SHA512".into())),
        (Parts { hash: "", ..good() }, SshsigError::Hash(String::new())),
        (Parts { after: b"\0", ..good() }, SshsigError::Framing),
        (
            Parts { key: line("ssh-rsa"), ..good() },
            SshsigError::Key(KeyError::Kind("ssh-rsa".into())),
        ),
        (
            Parts { key: line("ecdsa-sha2-nistp256"), ..good() },
            SshsigError::Key(KeyError::Kind("ecdsa-sha2-nistp256".into())),
        ),
        (
            Parts { key: line("sk-ssh-ed25519@openssh.com"), ..good() },
            SshsigError::Key(KeyError::Fido("sk-ssh-ed25519@openssh.com".into())),
        ),
        (
            Parts { key: line("ssh-ed25519-cert-v01@openssh.com"), ..good() },
            SshsigError::Key(KeyError::Certificate("ssh-ed25519-cert-v01@openssh.com".into())),
        ),
        (Parts { key: weak, ..good() }, SshsigError::Key(KeyError::Weak)),
        (Parts { key: Vec::new(), ..good() }, SshsigError::Key(KeyError::Encoding)),
        (
            Parts { key: [Parts::good().key, vec![0]].concat(), ..good() },
            SshsigError::Key(KeyError::Encoding),
        ),
        (
            Parts { kind: "rsa-sha2-512", ..good() },
            SshsigError::Key(KeyError::Kind("rsa-sha2-512".into())),
        ),
    ];
    for (parts, wanted) in table {
        assert_eq!(refusal(&parts.signed_by(1)), wanted);
    }
    // Bob signs and shows the key of alice; a stranger signs and shows his own.
    let alice = public(1).fingerprint();
    assert_eq!(refusal(&good().signed_by(2)), SshsigError::NotSigned(alice));
    let stranger = STANDARD.decode(public(9).to_openssh().split_once(' ').unwrap().1).unwrap();
    let by_stranger = Parts { key: stranger, ..good() }.signed_by(9);
    assert_eq!(refusal(&by_stranger), SshsigError::Stranger(public(9).fingerprint()));
}

#[test]
fn only_one_block_alone_is_read() {
    let good = Parts::good().signed_by(1);
    let body = good.strip_prefix(BEGIN).unwrap().strip_suffix(&format!("{END}\n")).unwrap().trim();
    for (armored, wanted) in [
        (String::new(), SshsigError::Armor),
        (body.to_owned(), SshsigError::Armor),
        (format!("{good}{good}"), SshsigError::Armor),
        (format!("{good}x"), SshsigError::Armor),
        (format!("{good}\n"), SshsigError::Armor),
        (format!("x\n{good}"), SshsigError::Armor),
        (format!(" {good}"), SshsigError::Armor),
        (good.replace('\n', "\r\n"), SshsigError::Armor),
        (good.replacen(BEGIN, "-----BEGIN PGP SIGNATURE-----", 1), SshsigError::Armor),
        (good.replacen('\n', "\n\n", 1), SshsigError::Armor),
        (good.replacen('\n', "\nVersion: 1\n\n", 1), SshsigError::Armor),
        (good.replacen('\n', "\n ", 1), SshsigError::Base64),
        (good.replacen('\n', "\n=", 1), SshsigError::Base64),
        (format!("{BEGIN}\n{END}\n"), SshsigError::Armor),
        (armor(b"SSHSIX\0\0\0\x01"), SshsigError::Framing),
        (armor(b"SSHSIG\0\0\0\x01\xff\xff\xff\xff"), SshsigError::Framing),
        ("-".repeat(MAX_BYTES + 1), SshsigError::TooLarge),
    ] {
        assert_eq!(refusal(&armored), wanted, "{armored}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let good = Parts::good().signed_by(1);
    for at in 0..good.len() {
        for bit in 0..7 {
            let mut other = good.clone().into_bytes();
            other[at] ^= 1 << bit;
            let Ok(other) = String::from_utf8(other) else { continue };
            let verified = sshsig::verify(&other, MESSAGE, &[&public(1)]);
            assert!(verified.is_err(), "byte {at}, bit {bit}");
        }
        assert!(sshsig::verify(&good[..at], MESSAGE, &[&public(1)]).is_err(), "cut at {at}");
    }
}

fn sign(key: &Path, namespace: &str, message: &Path, more: &[&str]) -> String {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", namespace]).args(more).arg("-f").arg(key).arg(message);
    run(&mut command);
    let sig = message.with_extension("json.sig");
    let armored = std::fs::read_to_string(&sig).unwrap();
    std::fs::remove_file(sig).unwrap();
    armored
}

#[test]
fn what_ssh_keygen_signs_verifies_and_only_in_the_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let public = PublicKey::from_openssh(&line).unwrap();
    let message = folder.path().join("a.json");
    std::fs::write(&message, MESSAGE).unwrap();
    for hash in ["sha256", "sha512"] {
        let armored = sign(&key, NAMESPACE, &message, &["-O", &format!("hashalg={hash}")]);
        let verified = sshsig::verify(&armored, MESSAGE, &[&public]).unwrap();
        assert_eq!(verified.key(), &public);
        let refused = sshsig::verify(&armored, b"{\"a\":\"Statement\"}", &[&public]).unwrap_err();
        assert_eq!(refused, SshsigError::NotSigned(public.fingerprint()));
    }
    for namespace in ["git", "file", "approval.v2@countersign", "approval.v1@countersign2"] {
        let armored = sign(&key, namespace, &message, &[]);
        let refused = sshsig::verify(&armored, MESSAGE, &[&public]).unwrap_err();
        assert_eq!(refused, SshsigError::Namespace(namespace.to_owned()));
    }
    for (name, arguments, kind) in [
        ("rsa", ["-t", "rsa", "-b", "2048"], "ssh-rsa"),
        ("ecdsa", ["-t", "ecdsa", "-b", "256"], "ecdsa-sha2-nistp256"),
    ] {
        let key = keygen(folder.path(), name, &[&arguments[..], &["-N", ""]].concat());
        let armored = sign(&key, NAMESPACE, &message, &[]);
        let refused = sshsig::verify(&armored, MESSAGE, &[&public]).unwrap_err();
        assert_eq!(refused, SshsigError::Key(KeyError::Kind(kind.to_owned())));
    }
}
