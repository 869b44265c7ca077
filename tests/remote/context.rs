//! Whom a connection trusts, and by which way it reaches the server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::document::ident::Digest;
use countersign::remote::kubernetes::{
    Access, Cluster, ConnectError, Failure, Identity, Unanswered,
};
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::{Value, json};

use super::authorities::AUTHORITIES;
use super::{access, connect};
use crate::support::cluster::authority::Authority;
use crate::support::cluster::cluster;
use crate::support::cluster::user::User;
use crate::support::tunnel::Tunnel;

/// What must stand nowhere.
const CANARY: &str = "canary-5b1f";

fn identity(connection: &Cluster) -> Result<Identity, Failure> {
    let asked = connection.clone();
    connection.run(async move { asked.identity().await }).unwrap()
}

fn user(connection: &Cluster) -> Result<String, Failure> {
    let asked = connection.clone();
    connection.run(async move { asked.user().await }).unwrap()
}

fn unanswered(failure: Failure) -> Box<Unanswered> {
    match failure {
        Failure::Unanswered(unanswered) => unanswered,
        Failure::Refused(refused) => panic!("{refused}"),
    }
}

/// The digest of an authority's public key, by another library than the program's.
fn digest(authority: &Authority) -> String {
    let key = KeyPair::from_pem(&authority.key_pem()).unwrap();
    format!("sha256:{}", Digest::of(&key.subject_public_key_info()))
}

fn write(folder: &Path, name: &str, config: &Value) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// The kubeconfig of a user, changed.
fn changed(folder: &Path, user: &User, change: impl FnOnce(&mut Value)) -> Access {
    let served = cluster();
    let mut config = user.kubeconfig_value(served.server(), served.ca_pem());
    change(&mut config);
    access(write(folder, "kubeconfig", &config))
}

fn error(access: &Access, pinned: Option<&str>) -> ConnectError {
    match Cluster::connect(access, pinned) {
        Ok(connection) => panic!("{connection:?}"),
        Err(error) => error,
    }
}

/// Everything that an error says, to people and to programmers.
fn told(error: &(impl std::error::Error + 'static)) -> String {
    format!("{} {error:?} {error:#?}", countersign::causes::line(error))
}

#[test]
fn of_two_kubeconfigs_the_first_wins_and_one_that_is_not_there_is_passed_over() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let (first, second) = (served.user(), served.user());
    let mut whole = first.kubeconfig_value(served.server(), served.ca_pem());
    let users = whole.as_object_mut().unwrap().remove("users").unwrap();
    let one = write(folder.path(), "one", &whole);
    // Another cluster and user behind the same names, and the user that the first file lacks.
    let mut other = second.kubeconfig_value("https://127.0.0.1:1", served.ca_pem());
    other["contexts"][0]["context"]["namespace"] = json!("never");
    other["users"].as_array_mut().unwrap().extend(users.as_array().unwrap().clone());
    let two = write(folder.path(), "two", &other);
    let absent = folder.path().join("absent");
    let kubeconfig = vec![absent.clone(), one.clone(), two.clone()];
    let both = Access { kubeconfig, ..access(PathBuf::new()) };
    let connection = Cluster::connect(&both, None).unwrap();
    assert_eq!(connection.server(), served.server());
    assert_eq!((user(&connection).unwrap().as_str(), connection.namespace()), (first.name(), None));
    let alone = Access { kubeconfig: vec![one], ..both.clone() };
    let message = error(&alone, None).to_string();
    assert!(message.ends_with("which no kubeconfig has"), "{message}");
    let reverse = Access { kubeconfig: vec![two], ..both.clone() };
    assert_eq!(Cluster::connect(&reverse, None).unwrap().namespace(), Some("never"));
    let none = Access { kubeconfig: vec![absent], ..both };
    let error = error(&none, None);
    assert!(matches!(error, ConnectError::Nothing { .. }), "{error}");
    assert!(error.to_string().contains("/absent"), "{error}");
}

#[test]
fn files_beside_a_kubeconfig_are_found_from_it() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let user_with_token = served.user();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("keys/ca.pem"), served.ca_pem()).unwrap();
    fs::write(folder.path().join("keys/token"), user_with_token.token()).unwrap();
    let access = changed(folder.path(), &user_with_token, |config| {
        config["clusters"][0]["cluster"] =
            json!({"server": served.server(), "certificate-authority": "keys/ca.pem"});
        config["users"][0]["user"] = json!({"tokenFile": "keys/token"});
    });
    let connection = Cluster::connect(&access, Some(&digest(served.authority()))).unwrap();
    assert_eq!(user(&connection).unwrap(), user_with_token.name());
}

#[test]
fn a_user_comes_with_a_token_or_a_certificate() {
    let served = cluster();
    let by_token = served.user();
    for one in [&by_token, &by_token.by_certificate()] {
        assert_eq!(user(&connect(one)).unwrap(), by_token.name());
    }
}

#[test]
fn the_digest_is_the_one_that_openssl_gives() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let found = identity(&connect(&served.administrator())).unwrap().ca_spki;
    assert_eq!(found, digest(served.authority()));
    for (pem, digest) in AUTHORITIES {
        let access = changed(folder.path(), &served.administrator(), |config| {
            config["clusters"][0]["cluster"]["certificate-authority-data"] =
                json!(STANDARD.encode(pem));
        });
        // Nothing is sent yet.
        assert!(Cluster::connect(&access, Some(&format!("sha256:{digest}"))).is_ok(), "{digest}");
    }
}

#[test]
fn another_authority_than_the_pinned_one_is_refused_before_anything_is_sent() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let access = access(served.administrator().kubeconfig(folder.path()));
    let pinned = digest(&Authority::new());
    let error = error(&access, Some(&pinned));
    let ConnectError::Authority { found, pinned: wanted, .. } = &error else { panic!("{error}") };
    assert_eq!((found, wanted), (&digest(served.authority()), &pinned));
    for odd in ["", "sha256:", "sha256:00", &pinned.to_uppercase()] {
        let refused = Cluster::connect(&access, Some(odd)).unwrap_err();
        assert!(matches!(refused, ConnectError::Authority { .. }), "{odd:?}");
    }
}

#[test]
fn a_server_that_the_pinned_authority_did_not_sign_is_not_believed() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let other = Authority::new();
    // Only the authority beside the pinned one signed the server.
    let bundle = format!("{}{}", served.ca_pem(), other.pem());
    let both = changed(folder.path(), &served.administrator(), |config| {
        config["clusters"][0]["cluster"]["certificate-authority-data"] =
            json!(STANDARD.encode(bundle));
    });
    let found = Cluster::connect(&both, Some(&digest(&other))).unwrap();
    let lost = unanswered(identity(&found).unwrap_err());
    assert!(lost.untrusted && lost.unsent, "{lost}");
    assert!(lost.to_string().contains("does not belong to the trusted authority"), "{lost}");
    // The right half of the same bundle.
    let found = Cluster::connect(&both, Some(&digest(served.authority()))).unwrap();
    assert_eq!(identity(&found).unwrap().uid, served.uid());
    let several = error(&both, None).to_string();
    assert!(several.contains("names several certificate authorities"), "{several}");
    assert!(several.contains(&digest(&other)), "{several}");
    // Somebody between, who holds the same answers and another key.
    let between = served.proxy_shown_by(&other);
    let user = served.user();
    let through =
        access(user.kubeconfig_to(folder.path(), &server(between.address()), served.ca_pem()));
    let lost = unanswered(identity(&Cluster::connect(&through, None).unwrap()).unwrap_err());
    assert!(lost.untrusted && lost.unsent, "{lost}");
    assert_eq!(between.take_seen(), []);
}

fn server(address: std::net::SocketAddr) -> String {
    format!("https://{address}")
}

#[test]
fn what_cannot_be_pinned_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let administrator = cluster().administrator();
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 12] = [
        (
            |config| config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = json!(true),
            "insecure-skip-tls-verify",
        ),
        (
            |config| config["clusters"][0]["cluster"]["server"] = json!("http://127.0.0.1:1"),
            "no server at https://",
        ),
        (
            |config| config["clusters"][0]["cluster"]["server"] = json!("https://a:canary-5b1f@h"),
            "https://HOST[:PORT], without a user",
        ),
        (
            |config| {
                let cluster = config["clusters"][0]["cluster"].as_object_mut().unwrap();
                drop(cluster.remove("certificate-authority-data"));
            },
            "names no certificate authority",
        ),
        (
            |config| {
                config["clusters"][0]["cluster"]["certificate-authority-data"] =
                    json!(STANDARD.encode("canary-5b1f"))
            },
            "is no PEM certificate",
        ),
        (
            |config| {
                config["clusters"][0]["cluster"]["certificate-authority-data"] =
                    json!("canary-5b1f")
            },
            "certificate authority cannot be read",
        ),
        (
            |config| {
                config["clusters"][0]["cluster"]["proxy-url"] = json!("https://a:canary-5b1f@h:1")
            },
            "its proxy is none of http:// and socks5://",
        ),
        (
            |config| {
                config["clusters"][0]["cluster"]["proxy-url"] = json!("http://a:canary-5b1f @h:1")
            },
            "the proxy's address is none",
        ),
        (
            |config| config["contexts"][0]["context"]["cluster"] = json!("gone"),
            "names cluster \"gone\", which no kubeconfig has",
        ),
        (
            |config| config["contexts"][0]["context"]["user"] = json!("gone"),
            "names user \"gone\", which no kubeconfig has",
        ),
        (
            |config| {
                config["users"][0]["user"] = json!({"auth-provider": {"name": "gcp",
                    "config": {"access-token": "canary-5b1f"}}})
            },
            "auth-provider \"gcp\"",
        ),
        (
            |config| config["users"][0]["user"]["client-key-data"] = json!("canary-5b1f"),
            "key cannot be read",
        ),
    ];
    for (change, said) in cases {
        let error = error(&changed(folder.path(), &administrator, change), None);
        let told = told(&error);
        assert!(told.contains(said), "{told}");
        assert!(told.contains("prod") && !told.contains(CANARY), "{told}");
    }
}

#[test]
fn a_kubeconfig_that_cannot_be_read_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    for text in [
        format!("users: [{{name: a, user: {{token: {CANARY}}}\n"),
        format!("users: {CANARY}\n"),
        format!("users:\n- name: a\n  user: {{token: [{CANARY}]}}\n"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = error(&access(path.clone()), None);
        assert!(matches!(error, ConnectError::Kubeconfig { .. }), "{text}: {error}");
        let told = told(&error);
        assert!(told.contains("kubeconfig") && !told.contains(CANARY), "{told}");
    }
    fs::write(&path, "").unwrap();
    let none = error(&access(path.clone()), None).to_string();
    assert_eq!(none, "no kubeconfig has a context \"prod\"; there are none");
    let folder = error(&access(folder.path().to_owned()), None);
    assert!(matches!(folder, ConnectError::Kubeconfig { .. }), "{folder}");
}

/// A credential plugin beside the kubeconfig.
fn plugin(folder: &Path, script: &str) -> Access {
    let path = folder.join("plugin");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    changed(folder, &cluster().administrator(), |config| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
            "args": [format!("--secret={CANARY}")],
            "env": [{"name": "SECRET", "value": CANARY}],
            "interactiveMode": "IfAvailable",
        }});
    })
}

fn credential(status: &Value) -> String {
    let credential = json!({"apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential", "status": status});
    format!("cat >/dev/null\ncat <<'END'\n{credential}\nEND")
}

#[test]
fn a_credential_plugin_gives_a_token_or_a_certificate() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let by_token = served.user();
    let access = plugin(folder.path(), &credential(&json!({"token": by_token.token()})));
    assert_eq!(user(&Cluster::connect(&access, None).unwrap()).unwrap(), by_token.name());
    let access = plugin(
        folder.path(),
        &credential(
            &json!({"token": by_token.token(), "expirationTimestamp": "2000-01-01T00:00:00Z"}),
        ),
    );
    assert_eq!(user(&Cluster::connect(&access, None).unwrap()).unwrap(), by_token.name());
    let leaf = served.authority().client("with-certificate", &[]);
    let access = plugin(
        folder.path(),
        &credential(&json!({"clientCertificateData": leaf.pem, "clientKeyData": leaf.key})),
    );
    assert_eq!(user(&Cluster::connect(&access, None).unwrap()).unwrap(), "with-certificate");
}

#[test]
fn what_a_failing_credential_plugin_says_is_passed_on_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let says = format!("echo {CANARY}; echo {CANARY} >&2");
    for (script, said) in [
        (format!("{says}; exit 3"), "credential plugin \"plugin\" failed with exit status: 3"),
        (says.clone(), "credential plugin \"plugin\" printed no ExecCredential"),
        (format!("echo '{{\"kind\": \"{CANARY}\"'"), "printed no ExecCredential"),
        (
            credential(&json!({"token": format!("a\n{CANARY}"), "expirationTimestamp": CANARY})),
            "printed no ExecCredential",
        ),
    ] {
        let error = error(&plugin(folder.path(), &script), None);
        let told = told(&error);
        assert!(told.contains(said) && !told.contains(CANARY), "{told}");
    }
    let access = plugin(folder.path(), "");
    fs::remove_file(folder.path().join("plugin")).unwrap();
    let told = told(&error(&access, None));
    assert!(told.contains("\"plugin\" cannot be started"), "{told}");
}

#[test]
fn a_credential_plugin_that_fails_later_is_no_outage_of_the_cluster() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let expired = credential(&json!({
        "token": served.user().token(), "expirationTimestamp": "2000-01-01T00:00:00Z",
    }));
    let runs = folder.path().join("runs");
    let script = format!(
        "echo run >> '{0}'\nif [ -e '{1}' ]; then echo {CANARY}; echo {CANARY} >&2; exit 4; fi\n\
         {expired}",
        runs.display(),
        folder.path().join("broken").display(),
    );
    let connection = Cluster::connect(&plugin(folder.path(), &script), None).unwrap();
    assert!(user(&connection).is_ok());
    fs::write(folder.path().join("broken"), "").unwrap();
    let before = fs::read_to_string(&runs).unwrap().len();
    let failure = user(&connection).unwrap_err();
    let told = told(&failure);
    assert!(told.contains("failed with exit status: 4") && !told.contains(CANARY), "{told}");
    assert!(unanswered(failure).unsent);
    let after = fs::read_to_string(&runs).unwrap().len();
    assert_eq!(after - before, "run\n".len(), "it is not asked again and again");
}

#[test]
fn a_proxy_lets_tls_through_and_its_password_is_shown_nowhere() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let known = format!("Basic {}", STANDARD.encode(format!("us er:{CANARY}@")));
    let (open, closed) = (Tunnel::open(None), Tunnel::open(Some(&known)));
    let by = |proxy: String| {
        let access = changed(folder.path(), &served.administrator(), |config| {
            config["clusters"][0]["cluster"]["proxy-url"] = json!(proxy);
        });
        Cluster::connect(&access, Some(&digest(served.authority()))).unwrap()
    };
    let connection = by(format!("http://{}", open.address()));
    assert_eq!(identity(&connection).unwrap().uid, served.uid());
    drop(connection);
    let connection = by(format!("http://us%20er:{CANARY}%40@{}", closed.address()));
    assert_eq!(identity(&connection).unwrap().uid, served.uid());
    assert!(!format!("{connection:?}").contains(CANARY), "{connection:?}");
    assert_eq!(closed.refused(), 0);
    let wrong = by(format!("http://us%20er:not-{CANARY}@{}", closed.address()));
    let failure = identity(&wrong).unwrap_err();
    let told = told(&failure);
    assert!(told.contains("no connection: ") && told.contains("proxy auth"), "{told}");
    assert!(!told.contains(CANARY), "{told}");
    assert!(unanswered(failure).unsent);
    assert!(closed.refused() > 0);
}

#[test]
fn a_copy_of_a_cluster_has_its_uid_and_is_told_by_its_authority() {
    let (served, folder, other) = (cluster(), tempfile::tempdir().unwrap(), Authority::new());
    // The same objects behind another authority, as where a backup was restored.
    let copy = served.proxy_shown_by(&other);
    let config = served.user().kubeconfig_to(folder.path(), &server(copy.address()), other.pem());
    let found = Cluster::connect(&access(config.clone()), None).unwrap();
    assert!(user(&found).is_ok(), "it answers");
    let refused = error(&access(config), Some(&digest(served.authority())));
    assert!(matches!(refused, ConnectError::Authority { .. }), "{refused}");
}
