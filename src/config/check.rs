//! What the shape of countersign.toml alone does not show: parts that contradict themselves, and
//! targets that would hold what decides about plans.

use super::{Config, ConfigError, ConfigPlace, Limits, Secret, Target};
use crate::document::canonical::MAX_DEPTH;
use crate::document::ident::{Digest, Pointer};

pub(super) fn shape(config: &Config) -> Result<(), ConfigError> {
    let wrong = |part: String, message: String| Err(ConfigError::Shape { part, message });
    for (name, secret) in &config.secrets {
        if let Err(message) = secret_shape(config, secret) {
            return wrong(format!("secrets.{name}"), message);
        }
    }
    for (environment, inner) in &config.environments {
        for (name, target) in &inner.targets {
            let part = format!("environments.{environment}.targets.{name}");
            if let Err(message) = target_shape(target) {
                return wrong(part, message);
            }
        }
    }
    let ledgers = config.environments.iter().flat_map(|(name, environment)| {
        let own =
            environment.ledger.iter().map(move |l| (format!("environments.{name}.ledger"), l));
        own.chain(environment.targets.iter().filter_map(move |(target, entry)| {
            let ledger = match entry {
                Target::Directory(t) => t.ledger.as_ref(),
                Target::Kubernetes(t) => t.ledger.as_ref(),
                Target::Cloudformation(t) => t.ledger.as_ref(),
            };
            Some((format!("environments.{name}.targets.{target}.ledger"), ledger?))
        }))
    });
    for (part, ledger) in std::iter::once(("ledger".to_owned(), &config.ledger)).chain(ledgers) {
        if let Err(message) = super::ledger::shape(ledger) {
            return wrong(part, message);
        }
        if let Some(target) = super::ledger::reached(ledger, config) {
            let message = "its namespace is in the scope of target";
            return wrong(part, format!("{message} {target}, whose plans could change it"));
        }
    }
    limits(&config.limits)
}

fn secret_shape(config: &Config, secret: &Secret) -> Result<(), String> {
    let Secret { env, file, command, targets, pointers } = secret;
    let sources =
        usize::from(env.is_some()) + usize::from(file.is_some()) + usize::from(command.is_some());
    if sources != 1 {
        return Err("names not exactly one source; give `env`, `file` or `command`".to_owned());
    }
    if command.as_ref().is_some_and(Vec::is_empty) {
        return Err("its command is empty".to_owned());
    }
    for target in targets {
        let mut found =
            config.environments.values().filter_map(|e| e.targets.get(target)).peekable();
        if found.peek().is_none() {
            return Err(format!("names target {target}, which no environment has"));
        }
        let takes = |target: &Target| match target {
            Target::Directory(_) => false,
            Target::Kubernetes(_) | Target::Cloudformation(_) => true,
        };
        if !found.any(takes) {
            return Err(format!(
                "names target {target}, a folder of manifests, which takes no secrets"
            ));
        }
    }
    let good = |place: &&String| {
        place.split_once('#').is_some_and(|(object, pointer)| {
            !object.is_empty() && pointer.len() > 1 && pointer.parse::<Pointer>().is_ok()
        })
    };
    match pointers.iter().find(|place| !good(place)) {
        Some(place) => Err(format!("{place:?} is no place like `Secret/shop/db#/data/password`")),
        None => Ok(()),
    }
}

/// Members that are never left to others.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

fn target_shape(target: &Target) -> Result<(), String> {
    match target {
        Target::Directory(_) => Ok(()),
        Target::Kubernetes(target) => {
            pinned(&target.context, &target.cluster, &target.ca)?;
            let mut all = target.ignore.values().flatten();
            let around = |pointer: &&Pointer| {
                let mut parts = IDENTITY.iter().filter_map(|part| part.parse::<Pointer>().ok());
                parts.any(|part| part.is_within(pointer))
            };
            if let Some(pointer) = all.find(around) {
                return Err(format!("ignore names {pointer:?}, which says what an object is"));
            }
            match target.ignore.keys().find(|key| !is_kind(key)) {
                Some(key) => Err(format!(
                    "ignore names {key:?}, which is no kind: write `ConfigMap` or `apps/Deployment`, without a version"
                )),
                None => Ok(()),
            }
        }
        Target::Cloudformation(target) => {
            if target.account.len() != 12 || !target.account.bytes().all(|c| c.is_ascii_digit()) {
                return Err(format!("account {:?} is not twelve digits", target.account));
            }
            let inner = |stack: &&String| stack.strip_suffix('*').unwrap_or(stack).contains('*');
            match target.stacks.iter().find(inner) {
                Some(stack) => Err(format!("stack {stack:?} has `*` before its end")),
                None => Ok(()),
            }
        }
    }
}

/// Whether this is `Kind` or `group/Kind`. A version in it would match nothing, ever.
fn is_kind(key: &str) -> bool {
    let (group, kind) = key.split_once('/').unwrap_or(("", key));
    let version =
        group.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let good = kind.starts_with(|c: char| c.is_ascii_uppercase()) && !kind.contains('/');
    good && (!version || group.contains('.'))
}

/// The way to a cluster and both halves of its identity are there: one that is left empty pins
/// nothing.
pub(super) fn pinned(context: &str, cluster: &str, ca: &str) -> Result<(), String> {
    let init = "`countersign init --context NAME` prints the lines of a cluster";
    if context.is_empty() {
        return Err("context is empty".to_owned());
    }
    if cluster.is_empty() || cluster.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("cluster {cluster:?} is not the uid of a namespace; {init}"));
    }
    match ca.strip_prefix("sha256:").map(str::parse::<Digest>) {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) | None => Err(format!(
            "ca {ca:?} is not `sha256:` and 64 hexadecimal digits in lower case; {init}"
        )),
    }
}

fn limits(limits: &Limits) -> Result<(), ConfigError> {
    let Limits { max_bytes, max_depth, max_operations, max_tree_bytes, max_plan_bytes } = *limits;
    let none = [max_bytes, max_depth, max_operations, max_tree_bytes, max_plan_bytes].contains(&0);
    let message = if none {
        "a limit of 0 lets nothing through".to_owned()
    } else if max_depth > MAX_DEPTH {
        format!("max-depth is at most {MAX_DEPTH}, which a plan can hold")
    } else {
        return Ok(());
    };
    Err(ConfigError::Shape { part: "limits".to_owned(), message })
}

/// No target holds, or lies in, what decides about plans: the files of this project, Git's own, and
/// the folders of policies.
pub(super) fn reserved(config: &Config) -> Result<(), ConfigError> {
    for (environment, inner) in &config.environments {
        for (name, target) in &inner.targets {
            let Target::Directory(directory) = target else { continue };
            let path = &directory.path;
            let bundle = config.policy.bundles.iter().find(|bundle| bundle.overlaps(path));
            let met = path.reserved().map(str::to_owned).or(bundle.map(ToString::to_string));
            if let Some(reserved) = met {
                let target = ConfigPlace(environment, name).to_string();
                return Err(ConfigError::Reserved { target, path: path.clone(), reserved });
            }
        }
    }
    Ok(())
}
