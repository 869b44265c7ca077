//! A real `ssh-agent`, and sockets that must not be believed.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::custody::agent::{Agent, AgentError};
use countersign::files::FileError;
use countersign::trust::envelope::{Envelope, SealError, seal};
use countersign::trust::key::PublicKey;
use countersign::trust::sign::Sign as _;

use crate::support::trust::{keygen, public, run, secret};

/// A running agent. It ends with the test.
pub(super) struct Running {
    child: Child,
    pub(super) socket: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Running {
    pub(super) fn start(folder: &Path) -> Self {
        let socket = folder.join("agent.sock");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let child = command.spawn().expect("ssh-agent starts");
        let running = Self { child, socket };
        // The file is there before anybody listens.
        for _ in 0..800 {
            if std::os::unix::net::UnixStream::connect(&running.socket).is_ok() {
                return running;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("ssh-agent does not listen");
    }

    pub(super) fn add(&self, key: &Path, arguments: &[&str]) {
        let mut command = Command::new("ssh-add");
        command.env("SSH_AUTH_SOCK", &self.socket).arg("-q").args(arguments).arg(key);
        run(&mut command);
    }
}

#[test]
fn a_real_agent_signs_an_envelope() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path());
    let agent = Agent::at(&running.socket);
    assert!(agent.keys().unwrap().keys.is_empty());

    let rsa = keygen(folder.path(), "rsa", &["-t", "rsa", "-b", "2048", "-N", ""]);
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    running.add(&rsa, &[]);
    running.add(&key, &[]);
    let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let known = PublicKey::from_openssh(&line).unwrap();
    let holding = agent.keys().unwrap();
    assert_eq!(holding.keys, [(known.clone(), "test".to_owned())]);
    assert_eq!(holding.others, 1);

    let signer = agent.signer(&known.fingerprint()).unwrap();
    assert_eq!(signer.public(), &known);
    for payload in [&b""[..], b"{}", &[0x5a; 100_000]] {
        let sealed = seal(payload, &signer).unwrap();
        let verified = Envelope::parse(&sealed).unwrap().verify(&[&known]).unwrap();
        assert_eq!(verified.payload(), payload);
    }
    let refused = seal(&[b' '; 300_000], &signer).unwrap_err();
    let SealError::Sign(refused) = refused else { panic!("{refused:?}") };
    assert!(refused.source.to_string().contains("sign with a key file"), "{}", refused.source);
    let refused = agent.signer(&public(1).fingerprint()).unwrap_err();
    assert!(matches!(refused, AgentError::NoKey { .. }), "{refused}");

    // The key goes while somebody holds a signer of it.
    let mut remove = Command::new("ssh-add");
    run(remove.env("SSH_AUTH_SOCK", &running.socket).args(["-q", "-D"]));
    let refused = signer.sign(b"message").unwrap_err();
    assert!(refused.source.to_string().contains("refuses to sign"), "{}", refused.source);
}

#[test]
fn a_key_for_some_hosts_only_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path());
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let hosts = folder.path().join("known_hosts");
    std::fs::write(&hosts, format!("host.example {line}")).unwrap();
    running.add(&key, &["-h", "host.example", "-H", hosts.to_str().unwrap()]);
    let known = PublicKey::from_openssh(&line).unwrap();
    let signer = Agent::at(&running.socket).signer(&known.fingerprint()).unwrap();
    let refused = signer.sign(b"message").unwrap_err();
    assert_eq!(refused.key, known.fingerprint());
    assert!(refused.source.to_string().contains("ssh-add -h"), "{}", refused.source);
}

#[test]
fn a_locked_agent_shows_no_keys() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path());
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    running.add(&key, &[]);
    let askpass = folder.path().join("askpass");
    std::fs::write(&askpass, "#!/bin/sh\necho secret\n").unwrap();
    std::fs::set_permissions(&askpass, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut lock = Command::new("ssh-add");
    lock.env("SSH_AUTH_SOCK", &running.socket).env("SSH_ASKPASS", &askpass);
    run(lock.env("SSH_ASKPASS_REQUIRE", "force").arg("-x"));
    match Agent::at(&running.socket).keys() {
        Ok(holding) => assert!(holding.keys.is_empty()),
        Err(error) => assert!(matches!(error, AgentError::ListRefused { .. }), "{error}"),
    }
}

#[test]
fn an_agent_that_hangs_is_an_error_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("hangs.sock");
    let _never_accepts = UnixListener::bind(&socket).unwrap();
    let begun = std::time::Instant::now();
    let agent = Agent::at(&socket).with_patience(Duration::from_millis(300));
    assert!(matches!(agent.keys(), Err(AgentError::Silent { .. })));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// An agent that gives these bytes as its answer to anything, one connection after the other, a
/// byte at a time if `slow`.
fn answers(folder: &Path, name: &str, answer: Vec<u8>, slow: Option<Duration>) -> PathBuf {
    let socket = folder.join(name);
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            if stream.read_exact(&mut request).is_err() {
                continue;
            }
            for byte in answer.chunks(if slow.is_some() { 1 } else { usize::MAX }) {
                if stream.write_all(byte).is_err() {
                    break;
                }
                slow.into_iter().for_each(std::thread::sleep);
            }
        }
    });
    socket
}

fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
}

#[test]
fn an_agent_that_drips_gains_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Some(Duration::from_millis(50));
    let socket = answers(folder.path(), "drips", string(&[12; 1_000]), slow);
    let begun = std::time::Instant::now();
    let agent = Agent::at(&socket).with_patience(Duration::from_millis(400));
    assert!(matches!(agent.keys(), Err(AgentError::Silent { .. })));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// Whether it is the error that an answer must get.
type Wanted = fn(&AgentError) -> bool;

#[test]
fn answers_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = |count: u32, rest: &[u8]| string(&[&[12][..], &count.to_be_bytes(), rest].concat());
    let table: Vec<(Vec<u8>, Wanted)> = vec![
        ((1_u32 << 20).to_be_bytes().to_vec(), |e| matches!(e, AgentError::TooLarge { .. })),
        (u32::MAX.to_be_bytes().to_vec(), |e| matches!(e, AgentError::TooLarge { .. })),
        (string(b""), |e| matches!(e, AgentError::Answer { .. })),
        (string(&[5]), |e| matches!(e, AgentError::ListRefused { .. })),
        (string(&[6]), |e| matches!(e, AgentError::Answer { .. })),
        (string(&[12]), |e| matches!(e, AgentError::Answer { .. })),
        (list(1, b""), |e| matches!(e, AgentError::Answer { .. })),
        (list(u32::MAX, b""), |e| matches!(e, AgentError::Answer { .. })),
        (list(0, b"x"), |e| matches!(e, AgentError::Answer { .. })),
        (list(1, &[0xff; 8]), |e| matches!(e, AgentError::Answer { .. })),
        (b"".to_vec(), |e| matches!(e, AgentError::Connection { .. })),
        (vec![0, 0, 0, 9, 12], |e| matches!(e, AgentError::Connection { .. })),
    ];
    for (number, (answer, wanted)) in table.into_iter().enumerate() {
        let socket = answers(folder.path(), &format!("s{number}"), answer.clone(), None);
        let agent = Agent::at(&socket).with_patience(Duration::from_secs(5));
        let refused = agent.keys().unwrap_err();
        assert!(wanted(&refused), "{answer:?}: {refused:?}");
    }
}

/// Lists the key of seed 1, and answers every request to sign with a signature of its own choice.
fn liar(folder: &Path, name: &str, kind: &'static str, by: u8) -> PathBuf {
    let socket = folder.join(name);
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            let blob = [string(b"ssh-ed25519"), string(public(1).as_bytes())].concat();
            let answer = if request[0] == 11 {
                [&[12, 0, 0, 0, 1][..], &string(&blob), &string(b"")].concat()
            } else {
                let message = &request[1 + 4 + blob.len() + 4..request.len() - 4];
                let signature = secret(by).sign(message).unwrap();
                let signature = [string(kind.as_bytes()), string(&signature)].concat();
                [&[14][..], &string(&signature)].concat()
            };
            stream.write_all(&string(&answer)).unwrap();
        }
    });
    socket
}

#[test]
fn a_signature_by_another_key_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind, by, good) in [
        ("honest", "ssh-ed25519", 1, true),
        ("other", "ssh-ed25519", 2, false),
        ("kind", "rsa-sha2-512", 1, false),
    ] {
        let socket = liar(folder.path(), name, kind, by);
        let signer = Agent::at(&socket).signer(&public(1).fingerprint()).unwrap();
        match signer.sign(b"message") {
            Ok(signature) => {
                assert!(good, "{name}");
                assert!(public(1).verify(b"message", &signature));
            }
            Err(refused) => {
                assert!(!good, "{name}: {}", refused.source);
                assert!(refused.source.to_string().contains("not by"), "{}", refused.source);
            }
        }
    }
}

#[test]
fn a_socket_that_others_could_replace_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| match Agent::at(path).keys().unwrap_err() {
        AgentError::Socket(error) => error,
        other => panic!("{other:?}"),
    };
    assert!(refused(&folder.path().join("absent")).is_absent());
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    assert!(matches!(refused(&plain), FileError::Exposed { what: "is not a socket", .. }));

    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    let socket = answers(&open, "s", string(&[12, 0, 0, 0, 0]), None);
    let mode =
        |mode| std::fs::set_permissions(&open, std::fs::Permissions::from_mode(mode)).unwrap();
    for exposed in [0o777, 0o770, 0o707] {
        mode(exposed);
        assert!(matches!(refused(&socket), FileError::Exposed { .. }), "{exposed:o}");
    }
    for good in [0o700, 0o755, 0o1777] {
        mode(good);
        assert!(Agent::at(&socket).keys().is_ok(), "{good:o}");
    }
    // Sessions that are resumed find their agent through a link.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&socket, &link).unwrap();
    assert!(Agent::at(&link).keys().is_ok());
}

#[test]
fn the_socket_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let socket = answers(folder.path(), "s", string(&[12, 0, 0, 0, 0]), None);
    // Only root can give a socket away; elsewhere there is none of another user to try.
    if std::os::unix::fs::chown(&socket, Some(65_534), None).is_ok() {
        let refused = Agent::at(&socket).keys().unwrap_err();
        assert!(matches!(refused, AgentError::Socket(FileError::Exposed { .. })), "{refused:?}");
    } else {
        assert!(Agent::at(&socket).keys().is_ok());
    }
}
