//! A Kubernetes cluster: one for all tests of a run, started by the first one that wants it, and
//! ended with this process, however that ends. Its API server keeps an audit log, from which a test
//! says what was really sent.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub(crate) mod audit;
pub(crate) mod authority;
pub(crate) mod client;
pub(crate) mod rights;
pub(crate) mod ledger;
mod supervisor;
pub(crate) mod user;

use super::proxy::Proxy;
use super::tls::Between;
use authority::Authority;
use client::Client;
use supervisor::Supervisor;
use user::User;

/// In children, and for a cluster that was started by hand: its folder.
const FOLDER: &str = "COUNTERSIGN_TEST_CLUSTER";
/// Users with a token, which are named when the API server starts.
const USERS: usize = 1000;
/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    place: Arc<Place>,
    /// The tokens that were handed out.
    users: AtomicUsize,
    /// `None` in a child, where another process has it.
    supervisor: Option<Mutex<Supervisor>>,
}

/// What one needs to reach a cluster.
#[derive(Debug)]
pub(crate) struct Place {
    server: String,
    address: SocketAddr,
    etcd: SocketAddr,
    folder: PathBuf,
    authority: Authority,
    tokens: Vec<String>,
}

static RUNNING: OnceLock<Cluster> = OnceLock::new();

/// The cluster of this run. Whatever a test does to all of it (a webhook for every namespace, a
/// restart) belongs into [`Cluster::alone`].
pub(crate) fn cluster() -> &'static Cluster {
    RUNNING.get_or_init(|| match std::env::var_os(FOLDER) {
        Some(folder) => Cluster::at(Path::new(&folder), None),
        None => Cluster::start(&[]),
    })
}

/// What a child needs to find the cluster, if there is one.
pub(crate) fn for_children() -> Option<(&'static str, &'static Path)> {
    RUNNING.get().map(|running| (FOLDER, running.place.folder.as_path()))
}

/// Letters and digits that nobody else has.
pub(crate) fn random() -> String {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).unwrap();
    format!("{:016x}", u64::from_le_bytes(bits))
}

impl Cluster {
    /// One of the test's own, which ends with the value: etcd and the API server, without
    /// controllers, scheduler and nodes.
    pub(crate) fn alone() -> Self {
        Self::start(&["bare"])
    }

    fn start(arguments: &[&str]) -> Self {
        let authority = Authority::new();
        let mut supervisor = Supervisor::start(&supervisor::files(&authority), arguments);
        let ready: Value = serde_json::from_str(&supervisor.answer()).unwrap();
        let folder = PathBuf::from(ready["folder"].as_str().unwrap());
        for name in ["server", "etcd"] {
            std::fs::write(folder.join(format!("{name}.address")), ready[name].as_str().unwrap())
                .unwrap();
        }
        Self::at(&folder, Some(supervisor))
    }

    fn at(folder: &Path, supervisor: Option<Supervisor>) -> Self {
        let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
        let server = read("server.address");
        let place = Place {
            address: server.strip_prefix("https://").unwrap().parse().unwrap(),
            server,
            etcd: read("etcd.address").parse().unwrap(),
            folder: folder.to_owned(),
            authority: Authority::of(&read("ca.key")),
            tokens: read("tokens.csv")
                .lines()
                .map(|line| line.split(',').next().unwrap().to_owned())
                .collect(),
        };
        Self {
            place: Arc::new(place),
            users: AtomicUsize::new(0),
            supervisor: supervisor.map(Mutex::new),
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn server(&self) -> &str {
        &self.place.server
    }

    /// Where the API server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Who signed the certificates of the API server, and of those who come with one.
    pub(crate) fn authority(&self) -> &Authority {
        &self.place.authority
    }

    /// Its certificate.
    pub(crate) fn ca_pem(&self) -> &str {
        self.place.authority.pem()
    }

    /// The uid of the namespace `kube-system`.
    pub(crate) fn uid(&self) -> String {
        let (status, answer) = self.admin().get("/api/v1/namespaces/kube-system");
        assert_eq!(status, 200, "{answer}");
        answer["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    /// Whoever may do everything, as `admin`.
    pub(crate) fn admin(&self) -> Client {
        self.administrator().client()
    }

    /// The same as a user, with a certificate.
    pub(crate) fn administrator(&self) -> User {
        self.user_by_certificate("admin", &["system:masters"])
    }

    /// A user that no other test has, with a token, and without any right but those of everybody.
    pub(crate) fn user(&self) -> User {
        assert!(self.supervisor.is_some(), "a child is given its users by the parent");
        let at = self.users.fetch_add(1, Ordering::SeqCst);
        let token = self.place.tokens.get(at).expect("no more users; raise USERS");
        User::with_token(Arc::clone(&self.place), user_name(at), token.clone())
    }

    /// A user who comes with a certificate in this name.
    pub(crate) fn user_by_certificate(&self, name: &str, groups: &[&str]) -> User {
        User::with_certificate(Arc::clone(&self.place), name, groups)
    }

    /// A namespace that no other test has.
    pub(crate) fn namespace(&self, prefix: &str) -> Namespace {
        let name = format!("{prefix}-{}", random());
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let (status, answer) = self.admin().post("/api/v1/namespaces", &body);
        assert_eq!(status, 201, "{answer}");
        Namespace { name }
    }

    /// Gives a user rights in a namespace, or in the whole cluster; `rules` as in a Role.
    pub(crate) fn grant(&self, user: &User, namespace: Option<&str>, rules: &Value) {
        let (role, binding) = match namespace {
            Some(_) => ("Role", "RoleBinding"),
            None => ("ClusterRole", "ClusterRoleBinding"),
        };
        let group = "rbac.authorization.k8s.io";
        let name = format!("{}-{}", user.name(), random());
        let metadata = json!({"name": name, "namespace": namespace});
        let api = format!("{group}/v1");
        self.admin().apply(&json!({
            "apiVersion": api, "kind": role, "metadata": metadata, "rules": rules,
        }));
        self.admin().apply(&json!({
            "apiVersion": api, "kind": binding, "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": role, "name": name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user.name()}],
        }));
    }

    /// Kills the API server and starts it again, on the same port and data.
    pub(crate) fn restart_api_server(&self) {
        let supervisor = self.supervisor.as_ref().expect("its supervisor is the parent's");
        let mut supervisor = supervisor.lock().unwrap();
        supervisor.command("restart");
        assert_eq!(supervisor.answer(), "restarted");
    }

    /// A network that misbehaves on command before the API server. Those with a token get through
    /// it; [`User::kubeconfig_by`] is their way.
    pub(crate) fn proxy(&self) -> Proxy {
        self.proxy_shown_by(self.authority())
    }

    /// The same, with a certificate of another authority.
    pub(crate) fn proxy_shown_by(&self, authority: &Authority) -> Proxy {
        Proxy::before_tls(self.address(), Between::new(authority, self.authority()))
    }

    /// Writes an object past the API server, as one that an older server has kept: `resource` as in
    /// a path, such as `validatingwebhookconfigurations`.
    pub(crate) fn kept(&self, resource: &str, object: &Value) {
        let key = format!("/registry/{resource}/{}", object["metadata"]["name"].as_str().unwrap());
        let body = json!({
            "key": STANDARD.encode(key), "value": STANDARD.encode(object.to_string()),
        });
        let (status, answer) = client::plain(self.place.etcd, "/v3/kv/put", &body);
        assert_eq!(status, 200, "{answer}");
    }

    /// Where the servers keep their data, until the cluster ends.
    pub(crate) fn folder(&self) -> &Path {
        &self.place.folder
    }
}

/// A namespace of a test.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The path of the objects of a kind of the core group, such as `configmaps`.
    pub(crate) fn path(&self, resource: &str) -> String {
        format!("/api/v1/namespaces/{}/{resource}", self.name)
    }

    /// The path of the objects of a kind of another group, such as `apps/v1` and `deployments`.
    pub(crate) fn path_of(&self, group: &str, resource: &str) -> String {
        format!("/apis/{group}/namespaces/{}/{resource}", self.name)
    }
}

fn user_name(at: usize) -> String {
    format!("user-{at:03}")
}
