//! The cluster of a context, as a target: asked who it is and pinned to that, so that another
//! cluster, or a copy of this one, is refused from then on.

use serde_json::{Value, json};

use super::InitArgs;
use crate::cli::fault::Fault;
use crate::cli::reach;
use crate::cli::session::Session;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::remote::kubernetes::{Cluster, ConnectError, Failure, Identity};
use crate::review::neutral;

/// A cluster, and what of it is in scope.
pub(super) struct Found {
    context: String,
    server: String,
    user: String,
    identity: Identity,
    namespaces: Vec<Label>,
    cluster_scoped: bool,
}

/// Asks the cluster of a context who it is, and for whom it takes the caller. Nothing is changed.
pub(super) fn find(
    context: &str,
    args: &InitArgs,
    session: &mut Session<'_, '_>,
) -> Result<Found, Fault> {
    session.progress("asking the cluster who it is");
    let cluster = Cluster::connect(&reach::access(context, session), None)
        .map_err(|error| unreachable(&error))?;
    let namespaces = namespaces(context, args, &cluster)?;
    let asked = cluster.clone();
    let answers = cluster.run(async move {
        let identity = asked.identity().await?;
        Ok::<_, Failure>((identity, asked.user().await?))
    });
    let broken = || Err(Fault::new(Code::Error, "a request to the cluster was broken off"));
    let answers = answers.map(|answers| {
        answers.map_err(|failure| {
            Fault::of(Code::Error, &failure)
                .because(format!("context {context:?}, server {}", cluster.server()))
                .hint("init reads the namespace kube-system, whose uid is the cluster's identity")
        })
    });
    let (identity, user) = answers.unwrap_or_else(broken)?;
    Ok(Found {
        context: context.to_owned(),
        server: cluster.server().to_owned(),
        user,
        identity,
        namespaces,
        cluster_scoped: args.cluster_scoped,
    })
}

/// Those that were named, else the context's own: none is taken silently.
fn namespaces(context: &str, args: &InitArgs, cluster: &Cluster) -> Result<Vec<Label>, Fault> {
    if !args.namespaces.is_empty() {
        let mut named = args.namespaces.clone();
        named.sort();
        named.dedup();
        return Ok(named);
    }
    let Some(own) = cluster.namespace() else {
        return Err(Fault::new(Code::Error, format!("context {context:?} names no namespace"))
            .hint("name each that plans may change: `--namespace NS`"));
    };
    let own = own.parse().map_err(|error| Fault::of(Code::Error, &error))?;
    Ok(vec![own])
}

fn unreachable(error: &ConnectError) -> Fault {
    let hint = match error {
        ConnectError::Nothing { .. } => {
            "set KUBECONFIG to the kubeconfig that your cluster's provider gave you"
        }
        ConnectError::Context { .. } => "KUBECONFIG may name several files, parted by colons",
        ConnectError::Kubeconfig { .. }
        | ConnectError::Unusable { .. }
        | ConnectError::Authority { .. } => "",
    };
    Fault::of(Code::Error, error).hint(hint)
}

impl Found {
    /// A name for the target where `main` is taken.
    pub(super) fn name(&self) -> Option<Label> {
        super::find::label(&self.context)
    }

    /// The lines of countersign.toml.
    pub(super) fn toml(&self, environment: &Label, name: &Label) -> String {
        let Self { context, server: _, user: _, identity, namespaces, cluster_scoped } = self;
        let Identity { uid, ca_spki } = identity;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let namespaces: Vec<_> = namespaces.iter().map(|name| quoted(name.as_str())).collect();
        format!(
            "[environments.{environment}.targets.{name}]\n\
             kind = \"kubernetes\"\n\
             context = {}   # of KUBECONFIG or ~/.kube/config; no credential stands here\n\
             # The cluster: uid of its namespace kube-system, and the key of its certificate authority,\n\
             # because a copy has the same uid. Any other is refused.\n\
             cluster = {}\n\
             ca = {}\n\
             namespaces = [{}]\n\
             cluster-scoped = {cluster_scoped}   # whether objects without a namespace are in scope\n",
            quoted(context),
            quoted(uid),
            quoted(ca_spki),
            namespaces.join(", "),
        )
    }

    /// Which cluster it is, for people.
    pub(super) fn told(&self) -> String {
        let Self { context, server, user, identity, namespaces, cluster_scoped } = self;
        let outside = if *cluster_scoped { ", and objects outside them" } else { "" };
        let names: Vec<_> = namespaces.iter().map(Label::as_str).collect();
        let lines = [
            format!("cluster {} at {server}", identity.uid),
            format!("by context {context:?}, as user {user:?}"),
            format!("namespaces {}{outside}", names.join(", ")),
        ];
        lines.map(|line| neutral::terminal(&line)).join(&format!("\n{:20}", ""))
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        let Self { context, server, user, identity, namespaces, cluster_scoped } = self;
        json!({
            "context": context, "server": server, "user": user, "cluster": identity.uid,
            "ca": identity.ca_spki, "namespaces": namespaces, "clusterScoped": cluster_scoped,
        })
    }
}
