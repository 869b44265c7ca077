//! `init --context`, on a real cluster.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::shop::Shop;
use crate::support::cluster::cluster;
use crate::support::listen::Port;

/// A shop without manifests, whose user has a kubeconfig in the usual place.
fn shop(namespace: Option<&str>) -> Shop {
    let (served, shop) = (cluster(), Shop::bare());
    std::fs::remove_dir_all(shop.path("shop/manifests")).unwrap();
    let mut config = served.administrator().kubeconfig_value(served.server(), served.ca_pem());
    if let Some(namespace) = namespace {
        config["contexts"][0]["context"]["namespace"] = json!(namespace);
    }
    shop.write("alice/.kube/config", config.to_string());
    shop
}

#[test]
fn init_makes_a_project_of_a_cluster_and_pins_it() {
    let (served, shop) = (cluster(), shop(None));
    let run = shop.run(&["init", "--context", "prod", "--namespace", "shop", "--namespace", "a"]);
    let run = run.exits(0);
    for part in [
        &format!("target main: cluster {} at {}", served.uid(), served.server()),
        "by context \"prod\", as user \"admin\"",
        "namespaces a, shop\n",
        "countersign plan -f answer.md",
    ] {
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
    let written = shop.text("shop/countersign.toml");
    let read = countersign::config::Config::parse(&written).unwrap();
    let (environment, name) = ("prod".parse().unwrap(), "main".parse().unwrap());
    let countersign::config::Target::Kubernetes(target) = read.target(&environment, &name).unwrap()
    else {
        panic!("{written}");
    };
    assert_eq!((target.context.as_str(), target.cluster.as_str()), ("prod", &*served.uid()));
    assert!(target.ca.starts_with("sha256:") && !target.cluster_scoped, "{target:?}");
    assert_eq!(target.namespaces, ["a".parse().unwrap(), "shop".parse().unwrap()]);
    // A credential is nothing for a file that everybody reads.
    assert!(!written.contains("BEGIN") && !written.contains("key-data"), "{written}");
}

#[test]
fn init_takes_the_contexts_own_namespace_and_no_other_silently() {
    let own = shop(Some("own"));
    own.run(&["init", "--context", "prod", "--cluster-scoped"]).exits(0);
    let written = own.text("shop/countersign.toml");
    assert!(written.contains("namespaces = [\"own\"]"), "{written}");
    assert!(written.contains("cluster-scoped = true"), "{written}");
    let none = shop(None);
    none.run(&["init", "--context", "prod"])
        .exits(1)
        .says(&["context \"prod\" names no namespace", "--namespace NS"]);
    assert_eq!(none.names("shop"), Vec::<String>::new(), "nothing is made half-way");
}

#[test]
fn init_in_a_project_prints_the_lines_of_a_cluster_and_changes_nothing() {
    let shop = shop(None);
    let line = ["init", "--context", "prod", "--namespace", "shop"];
    shop.run(&line).exits(0);
    let before = shop.text("shop/countersign.toml");
    let again = shop.run(&line).exits(0).says(&["stays as it is; add these lines to it"]);
    // `main` is taken.
    assert!(again.stdout.starts_with("[environments.prod.targets.prod]\nkind = \"kubernetes\"\n"));
    assert_eq!(shop.text("shop/countersign.toml"), before);
    let elsewhere = shop.run(&[&line[..], &["--env", "dev"]].concat()).exits(0);
    assert!(elsewhere.stdout.starts_with("[environments.dev.targets.main]\n"));
    let both = format!("{before}\n{}", elsewhere.stdout.replace("\"shop\"", "\"dev\""));
    assert!(countersign::config::Config::parse(&both).is_ok(), "{both}");
    let told = shop.run(&[&line[..], &["-o", "json"]].concat()).exits(0).json();
    assert_eq!(told["target"]["cluster"], cluster().uid());
    assert!(told["toml"].as_str().unwrap().contains("targets.prod"), "{told}");
}

#[test]
fn a_context_that_leads_nowhere_is_said_and_nothing_is_made() {
    let shop = shop(None);
    let init =
        |context: &str| shop.run(&["init", "--context", context, "--namespace", "shop"]).exits(1);
    init("other").says(&["no kubeconfig has a context \"other\"; there are \"prod\""]);
    // A port that stays taken, and refuses.
    let taken = Port::free().open(drop);
    let address = taken.address();
    let _refusing = taken.close();
    let mut config: serde_json::Value =
        serde_json::from_str(&shop.text("alice/.kube/config")).unwrap();
    config["clusters"][0]["cluster"]["server"] = json!(format!("https://{address}"));
    shop.write("alice/.kube/config", config.to_string());
    init("prod").says(&["get Namespace kube-system: no connection"]);
    std::fs::remove_file(shop.path("alice/.kube/config")).unwrap();
    init("prod").says(&["there is no kubeconfig (looked for ", ".kube/config)"]);
    assert_eq!(shop.names("shop"), Vec::<String>::new());
}

#[test]
fn a_credential_plugin_gets_neither_our_input_nor_our_secrets() {
    let (served, shop) = (cluster(), shop(None));
    let user = served.administrator();
    let mut config = user.kubeconfig_value(served.server(), served.ca_pem());
    let pem = |name: &str| {
        let data = config["users"][0]["user"][name].as_str().unwrap();
        String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
    };
    let status = json!({"clientCertificateData": pem("client-certificate-data"),
        "clientKeyData": pem("client-key-data")});
    let credential = json!({"apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential", "status": status});
    shop.write(
        "alice/.kube/plugin",
        format!(
            "#!/bin/sh\nif [ -n \"$(cat)$COUNTERSIGN_MASKING_KEY$COUNTERSIGN_PLANNER_KEY\" ]; then exit 9; \
             fi\ncat <<'END'\n{credential}\nEND\n"
        ),
    );
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(shop.path("alice/.kube/plugin"), executable).unwrap();
    config["users"][0]["user"] = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
        "interactiveMode": "IfAvailable",
    }});
    shop.write("alice/.kube/config", config.to_string());
    let line = ["init", "--context", "prod", "--namespace", "shop"];
    let mut command = shop.command(&line);
    command.env("COUNTERSIGN_MASKING_KEY", "ab".repeat(32)).env("COUNTERSIGN_PLANNER_KEY", "k");
    shop.finish(&line, command).exits(0);
    shop.fed(&line, b"a proposal").exits(0);
}
