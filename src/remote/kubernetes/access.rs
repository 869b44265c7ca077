//! From a kubeconfig and the name of a context to a configuration that trusts one authority only.
//! What cannot be pinned is refused by its name.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError,
};
use thiserror::Error;

use super::authority;
use super::proxy::Proxies;
use super::wording::of_kubeconfig;

/// Longest time for a connection to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Variables of this program that hold secrets, or name them: nothing for a credential plugin.
const OURS: [&str; 4] = [
    "COUNTERSIGN_APPLIER_KEY",
    "COUNTERSIGN_KEY",
    "COUNTERSIGN_MASKING_KEY",
    "COUNTERSIGN_PLANNER_KEY",
];

/// How to reach a cluster. Credentials stay where the kubeconfig says they are.
#[derive(Clone, Debug)]
pub struct Access {
    /// Kubeconfig files, merged as `kubectl` does: what an earlier one says wins. Files that are not
    /// there are passed over; if none is there, the service account of the pod is used, in a pod.
    pub kubeconfig: Vec<PathBuf>,
    /// Name of the context.
    pub context: String,
    /// How long to wait for one answer.
    pub patience: Duration,
    /// Proxies for servers whose kubeconfig names none.
    pub proxies: Proxies,
}

/// Why there is no connection. Says nothing that a credential plugin printed.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// A kubeconfig cannot be read.
    #[error("{path} cannot be read as a kubeconfig: {message}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No kubeconfig has the context.
    #[error("no kubeconfig has a context {context:?}; there are {known}")]
    Context {
        /// What was asked for.
        context: String,
        /// The contexts that there are.
        known: String,
    },
    /// There is neither a kubeconfig nor a pod's service account.
    #[error("there is no kubeconfig (looked for {looked}), and this is no pod of a cluster")]
    Nothing {
        /// Where it was looked for.
        looked: String,
    },
    /// The context cannot be used as it is.
    #[error("context {context:?}: {message}")]
    Unusable {
        /// The context.
        context: String,
        /// Why.
        message: String,
    },
    /// The context trusts another certificate authority than the one that is pinned.
    #[error("context {context:?} trusts {found}, and the target is pinned to {pinned}")]
    Authority {
        /// The context.
        context: String,
        /// Digests of the authorities that the context names.
        found: String,
        /// The digest that is pinned.
        pinned: String,
    },
}

/// What a connection is made of.
pub(super) struct Prepared {
    /// For the client. Its roots are those of the one authority.
    pub(super) config: Config,
    /// The namespace that the context names.
    pub(super) namespace: Option<String>,
    /// Digest of the authority's public key.
    pub(super) authority: String,
    /// The credential plugin, for people.
    pub(super) plugin: Option<String>,
}

impl Access {
    /// Reads what there is and narrows it to one authority.
    pub(super) async fn prepare(&self, pinned: Option<&str>) -> Result<Prepared, ConnectError> {
        let found = match self.kubeconfig()? {
            Some(kubeconfig) => self.of_context(kubeconfig).await?,
            None => self.of_pod()?,
        };
        let (mut config, namespace, plugin) = found;
        self.check_addresses(&config)?;
        let roots = config.root_cert.take().unwrap_or_default();
        let (roots, authority) = authority::narrow(roots, pinned).map_err(|error| match error {
            authority::PinError::Foreign { found, pinned } => {
                ConnectError::Authority { context: self.context.clone(), found, pinned }
            }
            authority::PinError::Several(_) | authority::PinError::Unreadable => {
                self.unusable(error.to_string())
            }
        })?;
        config.root_cert = Some(roots);
        // Nobody reads another authority in place of this one later.
        config.root_cert_file = None;
        config.accept_invalid_certs = false;
        config.connect_timeout = Some(CONNECT.min(self.patience));
        // `send.rs` gives up before these, which end a connection that nobody waits for any more.
        config.read_timeout = Some(self.patience * 2);
        config.write_timeout = Some(self.patience * 2);
        // The time that a connection was idle before does not count.
        config.reset_reader_on_write = true;
        // What is sent again, and when, is decided in `send.rs`.
        config.default_retry = false;
        Ok(Prepared { config, namespace, authority, plugin })
    }

    pub(super) fn unusable(&self, message: String) -> ConnectError {
        ConnectError::Unusable { context: self.context.clone(), message }
    }

    fn kubeconfig(&self) -> Result<Option<Kubeconfig>, ConnectError> {
        let mut merged: Option<Kubeconfig> = None;
        for path in &self.kubeconfig {
            let wrong = |error: &KubeconfigError| ConnectError::Kubeconfig {
                path: path.clone(),
                message: of_kubeconfig(error),
            };
            let read = match Kubeconfig::read_from(path) {
                Ok(read) => read,
                Err(KubeconfigError::ReadConfig(error, _))
                    if error.kind() == io::ErrorKind::NotFound =>
                {
                    continue;
                }
                Err(error) => return Err(wrong(&error)),
            };
            merged = Some(match merged {
                Some(before) => before.merge(read).map_err(|error| wrong(&error))?,
                None => read,
            });
        }
        Ok(merged)
    }

    async fn of_context(
        &self,
        mut kubeconfig: Kubeconfig,
    ) -> Result<(Config, Option<String>, Option<String>), ConnectError> {
        let context = self.context(&kubeconfig)?;
        let named = kubeconfig.clusters.iter().find(|one| one.name == context.cluster);
        let cluster = named.and_then(|one| one.cluster.as_ref()).ok_or_else(|| {
            self.unusable(format!("names cluster {:?}, which no kubeconfig has", context.cluster))
        })?;
        self.check_cluster(cluster)?;
        let proxied = cluster.proxy_url.as_deref().is_some_and(|proxy| !proxy.is_empty());
        let mut plugin = None;
        if let Some(user) = context.user.as_deref().filter(|user| !user.is_empty()) {
            let named = kubeconfig.auth_infos.iter_mut().find(|one| one.name == user);
            let user = named.and_then(|one| one.auth_info.as_mut()).ok_or_else(|| {
                self.unusable(format!("names user {user:?}, which no kubeconfig has"))
            })?;
            plugin = self.tame(user)?;
        }
        let options = KubeConfigOptions {
            context: Some(self.context.clone()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|error| self.unusable(of_kubeconfig(&error)))?;
        if !proxied {
            config.proxy_url = self.proxy(&config)?;
        }
        Ok((config, context.namespace.filter(|name| !name.is_empty()), plugin))
    }

    fn context(&self, kubeconfig: &Kubeconfig) -> Result<Context, ConnectError> {
        let named = kubeconfig.contexts.iter().find(|one| one.name == self.context);
        named.and_then(|one| one.context.clone()).ok_or_else(|| {
            let mut known: Vec<_> =
                kubeconfig.contexts.iter().map(|one| format!("{:?}", one.name)).collect();
            known.sort();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            ConnectError::Context { context: self.context.clone(), known }
        })
    }

    fn check_cluster(&self, cluster: &Cluster) -> Result<(), ConnectError> {
        if cluster.insecure_skip_tls_verify == Some(true) {
            return Err(self.unusable(
                "its cluster says insecure-skip-tls-verify, so that anybody could answer; replace \
                 that by certificate-authority-data"
                    .to_owned(),
            ));
        }
        let server = cluster.server.as_deref().unwrap_or_default();
        if !server.starts_with("https://") {
            return Err(self.unusable(
                "its cluster has no server at https://; what is sent without TLS can be changed by \
                 anybody on the way"
                    .to_owned(),
            ));
        }
        if cluster.certificate_authority.is_none() && cluster.certificate_authority_data.is_none() {
            return Err(self.unusable(
                "its cluster names no certificate authority; a target is pinned to the cluster's \
                 own, so put that into the kubeconfig as certificate-authority-data"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// A credential plugin gets neither our input, which may be the proposal, nor our secrets; it
    /// has them only if it says that it cannot do without a terminal.
    fn tame(&self, user: &mut AuthInfo) -> Result<Option<String>, ConnectError> {
        if let Some(provider) = user.auth_provider.as_ref().filter(|one| one.name != "oidc") {
            return Err(self.unusable(format!(
                "its user has the auth-provider {:?}, which Kubernetes removed; use a credential \
                 plugin (exec)",
                provider.name
            )));
        }
        let Some(exec) = &mut user.exec else {
            return Ok(None);
        };
        if exec.interactive_mode != Some(ExecInteractiveMode::Always) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
        exec.drop_env = Some(OURS.map(str::to_owned).to_vec());
        let command = Path::new(exec.command.as_deref().unwrap_or_default());
        let name = command.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Some(name))
    }

    fn of_pod(&self) -> Result<(Config, Option<String>, Option<String>), ConnectError> {
        let mut config = Config::incluster_env().map_err(|_| {
            let looked: Vec<_> =
                self.kubeconfig.iter().map(|path| path.display().to_string()).collect();
            let looked = if looked.is_empty() { "none".to_owned() } else { looked.join(", ") };
            ConnectError::Nothing { looked }
        })?;
        config.proxy_url = self.proxy(&config)?;
        let namespace = config.default_namespace.clone();
        Ok((config, Some(namespace), None))
    }

    /// What the environment says of proxies. The library reads that itself, and takes the exceptions
    /// for such of the proxy.
    fn proxy(&self, config: &Config) -> Result<Option<http::Uri>, ConnectError> {
        let server = &config.cluster_url;
        let port = server.port_u16().unwrap_or(443);
        let proxy = self.proxies.towards(server.host().unwrap_or_default(), port);
        let parsed = proxy.map(|proxy| proxy.parse()).transpose();
        parsed.map_err(|_| self.unusable("the proxy's address is none".to_owned()))
    }

    /// Neither address may hold a password that would be shown, or lead past TLS.
    fn check_addresses(&self, config: &Config) -> Result<(), ConnectError> {
        let server = &config.cluster_url;
        let user = server.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if server.scheme_str() != Some("https") || user {
            return Err(self.unusable(
                "the server's address must be https://HOST[:PORT], without a user".to_owned(),
            ));
        }
        match config.proxy_url.as_ref().map(|proxy| proxy.scheme_str()) {
            None | Some(Some("http" | "socks5")) => Ok(()),
            Some(_) => Err(self.unusable(
                "its proxy is none of http:// and socks5://; the connection through it is TLS to \
                 the cluster in any case"
                    .to_owned(),
            )),
        }
    }
}
