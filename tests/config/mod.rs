//! What countersign.toml may say, and that a mistake in it is named with its place.

use countersign::config::{Config, Ledger, Target};
use countersign::document::ident::ResourceId;

const TARGET: &str =
    "name = \"shop\"\n\n[environments.prod.targets.manifests]\nkind = \"directory\"\n";

/// Of an authority that nobody has.
const CA: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn the_example_of_the_manual_is_read() {
    let text = r#"
name = "shop"

[environments.prod.targets.manifests]
kind = "directory"
path = "manifests"

[environments.prod.targets.main]
kind = "kubernetes"
context = "prod"
cluster = "7c1e52aa-0000-4000-8000-000000000000"
ca = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
namespaces = ["shop"]
cluster-scoped = false

[environments.prod.targets.edge]
kind = "cloudformation"
profile = "prod"
account = "123456789012"
region = "eu-west-1"
stacks = ["shop-*"]

[secrets.db-password]
env = "DB_PASSWORD"
targets = ["main"]
pointers = ["Secret/shop/db#/data/password"]

[policy]
bundles = ["policies"]

[ledger]
kind = "local"
"#;
    let config = Config::parse(text).unwrap();
    let label = |text: &str| text.parse().unwrap();
    assert_eq!(config.environments[&label("prod")].targets.len(), 3);
    let found = config.target(&label("prod"), &label("manifests")).unwrap();
    let Target::Directory(directory) = found else { panic!("{found:?}") };
    assert!(directory.takes_everything());
    assert_eq!(config.ledger, Ledger::default());
    assert!(config.policy.builtin);
    assert_eq!(config.limits.max_bytes, 32 << 20);
    let error = config.target(&label("dev"), &label("main")).unwrap_err();
    assert!(error.to_string().contains("it has prod"), "{error}");
    let error = config.target(&label("prod"), &label("mian")).unwrap_err();
    assert!(error.to_string().contains("it has edge, main, manifests"), "{error}");
}

#[test]
fn a_mistake_is_named_with_its_line_and_the_nearest_key() {
    for (text, line, said) in [
        ("name = \"a\"\nenviroments = 1\n", 2, "did you mean `environments`?"),
        ("name = \"a\"\ntypo = 1\n", 2, "unknown field `typo`"),
        (&format!("{TARGET}paht = \"x\"\n"), 5, "did you mean `path`?"),
        (&format!("{TARGET}path = \"x\"\nledgr = 1\n[limits]\n"), 6, "did you mean `ledger`?"),
        (&TARGET.replace("directory", "directry"), 4, "did you mean `directory`?"),
        (&format!("{TARGET}path = \"../x\"\n"), 5, "is not a folder inside the project"),
        ("name = \"a\"\n[limits]\nmax-byte = 1\n", 3, "did you mean `max-bytes`?"),
        ("name = \"a\"\n[policy]\nbundle = []\n", 3, "did you mean `bundles`?"),
        ("name = \"a\"\n[ledger]\nkind = \"local\"\npaht = \"/x\"\n", 4, "did you mean `path`?"),
        ("name = \"a\"\n[ledger]\nkind = \"git\"\nbrnch = \"x\"\n", 4, "did you mean `branch`?"),
        (
            "name = \"a\"\n[ledger]\nkind = \"object-store\"\nurk = \"x\"\n",
            4,
            "did you mean `url`?",
        ),
        ("name = \"a\"\nname = \"b\"\n", 2, "duplicate key"),
        ("name = \"A b\"\n", 1, "not a DNS label"),
        ("name = \n", 1, ""),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        let place = format!("line {line}: ");
        assert!(error.contains(&place) && error.contains(said), "{text}: {error}");
    }
}

#[test]
fn a_target_is_a_folder_inside_the_project_that_decides_nothing() {
    let bad = [
        ".",
        "..",
        "/etc",
        "a/../b",
        "./a",
        "a//b",
        "a/",
        "",
        "a\\\\b",
        "a\\u0000b",
        "a/.\\u200cgit",
        ".git",
        ".GIT/hooks",
        ".github/workflows",
        "plans",
        "Plans/x",
        "policies",
        "POLICIES",
        "trust.json",
        "countersign.toml",
        "vendor/sub/.Git/hooks",
        "rules",
        "Rules/deep",
    ];
    for path in bad {
        let text = format!("{TARGET}path = \"{path}\"\n\n[policy]\nbundles = [\"rules\"]\n");
        assert!(Config::parse(&text).is_err(), "{path}");
    }
    for path in ["manifests", "deploy/prod", "planserver", "my.git", "git", "été"] {
        let text = format!("{TARGET}path = \"{path}\"\n\n[policy]\nbundles = [\"rules\"]\n");
        assert!(Config::parse(&text).is_ok(), "{path}: {:?}", Config::parse(&text));
    }
    let around = format!("{TARGET}path = \"rules\"\n\n[policy]\nbundles = [\"rules/ours\"]\n");
    let error = Config::parse(&around).unwrap_err().to_string();
    assert!(error.contains("meets rules/ours"), "{error}");
}

#[test]
fn a_target_that_names_its_namespaces_takes_cluster_scoped_objects_only_if_it_says_so() {
    let named = "namespaces = [\"s\"]\n";
    for (lines, cluster, everything) in [
        ("", true, true),
        ("cluster-scoped = true\n", true, true),
        ("cluster-scoped = false\n", false, false),
        (named, false, false),
        (&format!("{named}cluster-scoped = true\n"), true, false),
        (&format!("{named}cluster-scoped = false\n"), false, false),
    ] {
        let config = Config::parse(&format!("{TARGET}path = \"m\"\n{lines}")).unwrap();
        let label = |text: &str| text.parse().unwrap();
        let found = config.target(&label("prod"), &label("manifests")).unwrap();
        let Target::Directory(target) = found else { panic!("{found:?}") };
        let role = ResourceId {
            group: "rbac.authorization.k8s.io".to_owned(),
            kind: "ClusterRole".to_owned(),
            namespace: String::new(),
            name: "all".to_owned(),
        };
        assert_eq!(target.covers(&role), cluster, "{lines}");
        assert_eq!(target.takes_everything(), everything, "{lines}");
    }
}

/// Two environments with a target each.
fn two(first: &str, second: &str) -> String {
    format!(
        "name = \"a\"\n[environments.prod.targets.t]\n{first}\n[environments.dev.targets.u]\n{second}\n"
    )
}

#[test]
fn no_object_is_reached_from_two_environments() {
    let directory =
        |path: &str, rest: &str| format!("kind = \"directory\"\npath = \"{path}\"\n{rest}");
    let cluster = |id: &str, namespace: &str| {
        format!(
            "kind = \"kubernetes\"\ncontext = \"c\"\ncluster = \"{id}\"\nca = \"{CA}\"\nnamespaces = [\"{namespace}\"]"
        )
    };
    let stacks = |stacks: &str| {
        format!(
            "kind = \"cloudformation\"\naccount = \"123456789012\"\nregion = \"r\"\nstacks = [\"{stacks}\"]"
        )
    };
    let scope = |namespace: &str| format!("namespaces = [\"{namespace}\"]\ncluster-scoped = false");
    for (first, second) in [
        (directory("m", ""), directory("m", "")),
        (directory("m", ""), directory("M", "")),
        (directory("m", ""), directory("m/inner", "")),
        (directory("m", &scope("a")), directory("m", &scope("a"))),
        (directory("m", &scope("a")), directory("m", "")),
        (cluster("x", "a"), cluster("x", "a")),
        (stacks("shop-*"), stacks("shop-web")),
        (stacks("*"), stacks("a")),
    ] {
        let error = Config::parse(&two(&first, &second)).unwrap_err().to_string();
        assert!(error.contains("dev/u and prod/t"), "{first} {second}: {error}");
    }
    for (first, second) in [
        (directory("m", ""), directory("mm", "")),
        (directory("m", &scope("a")), directory("m", &scope("b"))),
        (cluster("x", "a"), cluster("x", "b")),
        (cluster("x", "a"), cluster("y", "a")),
        (stacks("shop-*"), stacks("shop")),
        (directory("m", ""), cluster("x", "a")),
    ] {
        let read = Config::parse(&two(&first, &second));
        assert!(read.is_ok(), "{first} {second}: {read:?}");
    }
}

#[test]
fn parts_that_contradict_themselves_are_named() {
    let cluster = &format!(
        "[environments.p.targets.c]\nkind = \"kubernetes\"\ncontext = \"c\"\ncluster = \"x\"\nca = \"{CA}\"\nnamespaces = []\n[environments.p.targets.d]\nkind = \"directory\"\npath = \"m\"\n"
    );
    let secret = |lines: &str| format!("name = \"a\"\n{cluster}[secrets.s]\n{lines}\n");
    let changed = |from: &str, to: &str| format!("name = \"a\"\n{cluster}").replace(from, to);
    let ledger = |lines: &str| format!("name = \"a\"\n[ledger]\n{lines}\n");
    let kubernetes = |line: &str| {
        let others =
            ["context = \"c\"".to_owned(), "cluster = \"x\"".to_owned(), format!("ca = \"{CA}\"")];
        let key = line.split(' ').next().unwrap();
        let others = others.iter().filter(|other| !other.starts_with(key)).map(String::as_str);
        let lines: Vec<_> = ["kind = \"kubernetes\"", line].into_iter().chain(others).collect();
        ledger(&lines.join("\n"))
    };
    let place = "pointers = [\"Secret/a/b#/data/c\"]";
    for (text, said) in [
        (secret(&format!("targets = [\"c\"]\n{place}")), "not exactly one source"),
        (secret(&format!("env = \"A\"\nfile = \"b\"\ntargets = [\"c\"]\n{place}")), "not exactly one"),
        (secret(&format!("command = []\ntargets = [\"c\"]\n{place}")), "command is empty"),
        (secret(&format!("env = \"A\"\ntargets = [\"x\"]\n{place}")), "no environment has"),
        (secret(&format!("env = \"A\"\ntargets = [\"d\"]\n{place}")), "takes no secrets"),
        (secret("env = \"A\"\ntargets = [\"c\"]\npointers = [\"data\"]"), "is no place like"),
        ("name = \"a\"\n[limits]\nmax-bytes = 0\n".to_owned(), "lets nothing through"),
        ("name = \"a\"\n[limits]\nmax-depth = 65\n".to_owned(), "at most 64"),
        ("name = \"a\"\n[ledger]\nkind = \"local\"\npath = \"here\"\n".to_owned(), "not absolute"),
        (ledger("kind = \"git\"\nremote = \"-x\""), "no name or address of a remote"),
        (ledger("kind = \"git\"\nremote = \"\""), "no name or address of a remote"),
        (ledger("kind = \"git\"\nremote = \"ext::sh -c x\""), "runs a helper program"),
        (ledger("kind = \"git\"\nbranch = \"a..b\""), "no name of a branch"),
        (ledger("kind = \"git\"\nbranch = \"-d\""), "no name of a branch"),
        (ledger("kind = \"git\"\nbranch = \"a b\""), "no name of a branch"),
        (ledger("kind = \"git\"\nbranch = \"a/.b\""), "no name of a branch"),
        (ledger("kind = \"git\"\nbranch = \"a.lock\""), "no name of a branch"),
        (ledger("kind = \"git\"\nlease-seconds = 0"), "from 1 to 3600, not 0"),
        (ledger("kind = \"git\"\ntimeout-seconds = 601"), "from 1 to 600, not 601"),
        (
            ledger("kind = \"git\"\nlease-seconds = 11\ntimeout-seconds = 6"),
            "lease-seconds (11) is not twice timeout-seconds (6) or more",
        ),
        (kubernetes("context = \"\""), "context is empty"),
        (kubernetes("cluster = \"\""), "is not the uid of a namespace"),
        (kubernetes("namespace = \"A\""), "is not a DNS label"),
        (kubernetes("namespace = \"a/b\""), "is not a DNS label"),
        (kubernetes("ca = \"sha256:00\""), "is not `sha256:` and 64 hexadecimal digits"),
        (kubernetes(&format!("ca = \"sha256:{}\"", "A".repeat(64))), "64 hexadecimal digits"),
        (kubernetes("lease-seconds = 59"), "lease-seconds (59) is not twice"),
        (ledger("kind = \"object-store\"\nurl = \"/tmp/x\""), "begins with none of s3://"),
        (ledger("kind = \"object-store\"\nurl = \"s3://k:s@b\""), "it holds no credentials"),
        (
            ledger("kind = \"object-store\"\nurl = \"s3://b\"\nendpoint = \"http://k:s@h\""),
            "no plain http(s) address",
        ),
        (changed(CA, "sha256:00"), "is not `sha256:` and 64 hexadecimal digits"),
        (changed(CA, &format!("sha256:{}", "AB".repeat(32))), "is not `sha256:` and 64"),
        (changed(CA, &CA[7..]), "is not `sha256:` and 64"),
        (changed("cluster = \"x\"", "cluster = \"\""), "is not the uid of a namespace"),
        (changed("namespaces = []", "namespaces = []\nignore = {\"v1/ConfigMap\" = [\"/data\"]}"), "is no kind"),
        (changed("namespaces = []", "namespaces = []\nignore = {configmap = [\"/data\"]}"), "is no kind"),
        (changed("namespaces = []", "namespaces = []\nignore = {ConfigMap = [\"/metadata\"]}"), "says what an object is"),
        (changed("cluster = \"x\"", "cluster = \" x\""), "is not the uid of a namespace"),
        (changed("context = \"c\"", "context = \"\""), "context is empty"),
        (
            "name = \"a\"\n[environments.p.targets.t]\nkind = \"cloudformation\"\naccount = \"1\"\nregion = \"r\"\nstacks = []\n".to_owned(),
            "twelve digits",
        ),
    ] {
        let error = Config::parse(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    assert!(Config::parse(&secret(&format!("env = \"A\"\ntargets = [\"c\"]\n{place}"))).is_ok());
}

#[test]
fn a_shared_ledger_needs_few_words() {
    let ledger = |lines: &str| {
        let text = format!("name = \"a\"\n[ledger]\n{lines}\n");
        Config::parse(&text).unwrap().ledger
    };
    let Ledger::Git(git) = ledger("kind = \"git\"") else { panic!() };
    assert_eq!((git.remote.as_str(), git.branch.as_str()), ("origin", "countersign-ledger"));
    assert_eq!((git.lease().as_secs(), git.timeout().as_secs()), (120, 60));
    let Ledger::ObjectStore(store) = ledger("kind = \"object-store\"\nurl = \"s3://b/p\"") else {
        panic!()
    };
    assert_eq!((store.url.as_str(), &store.region, &store.endpoint), ("s3://b/p", &None, &None));
    assert_eq!((store.lease().as_secs(), store.timeout().as_secs()), (60, 30));
    let lines = format!("kind = \"kubernetes\"\ncontext = \"c\"\ncluster = \"x\"\nca = \"{CA}\"");
    let Ledger::Kubernetes(cluster) = ledger(&lines) else { panic!() };
    assert_eq!((cluster.context.as_str(), cluster.namespace.as_str()), ("c", "countersign"));
    assert_eq!((cluster.lease().as_secs(), cluster.timeout().as_secs()), (60, 30));
}

/// A plan must not be able to change what says that it was applied.
#[test]
fn a_ledger_in_the_scope_of_a_target_is_refused() {
    let text = |cluster: &str, namespace: &str| {
        format!(
            "name = \"a\"\n[environments.p.targets.c]\nkind = \"kubernetes\"\ncontext = \"c\"\n\
             cluster = \"x\"\nca = \"{CA}\"\nnamespaces = [\"shop\", \"countersign\"]\n\
             [environments.p.ledger]\nkind = \"kubernetes\"\ncontext = \"other\"\n\
             cluster = \"{cluster}\"\nca = \"{CA}\"\nnamespace = \"{namespace}\"\n"
        )
    };
    for namespace in ["shop", "countersign"] {
        let error = Config::parse(&text("x", namespace)).unwrap_err().to_string();
        let said = "environments.p.ledger: its namespace is in the scope of target p/c";
        assert!(error.contains(said), "{error}");
    }
    Config::parse(&text("y", "countersign")).unwrap();
    Config::parse(&text("x", "ledger")).unwrap();
}
