//! Between plan and apply, what this side of the connection rests on changes: which cluster it is,
//! what a secret is, and what the time is.

use std::sync::Arc;

use countersign::clock::Instant;
use countersign::document::code::Code;
use serde_json::{Value, json};

use super::Behind;
use crate::cli::kube_project::{KubeProject, PLAN, applies};
use crate::support::cluster::authority::Authority;
use crate::support::cluster::cluster;
use crate::support::project::Clock;

/// A plan that creates the ConfigMap `web`, approved.
fn creates() -> Behind {
    let project = KubeProject::new();
    project.approved(&json!([applies(&project.map("web", &json!({"a": "2"})))]));
    Behind(project)
}

/// The line that begins so in the configuration.
fn line(behind: &Behind, begins: &str) -> String {
    let toml = behind.shop.text("shop/countersign.toml");
    toml.lines().find(|line| line.starts_with(begins)).unwrap().to_owned()
}

impl Behind {
    fn rewrite(&self, from: &str, to: &str) {
        let toml = self.shop.text("shop/countersign.toml");
        self.shop.write("shop/countersign.toml", toml.replace(from, to));
    }
}

#[test]
fn a_target_that_is_pinned_anew_is_another_one_than_was_planned_for() {
    let behind = creates();
    let uid = "00000000-0000-4000-8000-000000000000";
    let pinned = line(&behind, "cluster = ");
    behind.rewrite(&pinned, &format!("cluster = \"{uid}\""));
    behind.refuses(13, &[uid, &cluster().uid()]);
    // Whoever plans against it is told at once.
    let map = behind.map("web", &json!({"a": "2"}));
    behind.plan(&json!([applies(&map)])).exits(13).says(&[
        &format!(
            "context \"prod\" is cluster {}, and target main is pinned to {uid}",
            cluster().uid()
        ),
        "pin the other one with `countersign init --context`",
    ]);
    behind.rewrite(uid, &cluster().uid());
    behind.apply().exits(0);
}

#[test]
fn a_copy_of_the_cluster_with_another_authority_is_another_one() {
    let behind = creates();
    let other = Authority::new();
    let proxy = cluster().proxy_shown_by(&other);
    let server = format!("https://{}", proxy.address());
    let config = behind.user.kubeconfig_value(&server, other.pem());
    behind.shop.write("alice/.kube/config", config.to_string());
    behind.refuses(13, &["context \"prod\" trusts sha256:", "and the target is pinned to sha256:"]);
    assert_eq!(proxy.take_seen(), [], "no credential went to it");
    // Nor one that only calls itself the pinned one.
    behind.through(&proxy);
    behind.refuses(1, &["does not belong to the trusted authority"]);
    assert_eq!(proxy.take_seen(), []);
}

#[test]
fn a_context_that_leads_nowhere_is_named() {
    let behind = creates();
    let mut config = behind.user.kubeconfig_value(cluster().server(), cluster().ca_pem());
    config["contexts"][0]["name"] = json!("staging");
    behind.shop.write("alice/.kube/config", config.to_string());
    behind.refuses(1, &["\"prod\"", "\"staging\""]);
}

#[test]
fn a_secret_that_has_another_value_now_is_named_and_not_shown() {
    let project = KubeProject::new();
    project.configure("");
    let toml = project.shop.text("shop/countersign.toml");
    let entry = format!(
        "\n[secrets.db-password]\nfile = \"../password\"\ntargets = [\"main\"]\n\
         pointers = [\"Secret/{}/db#/stringData/password\"]\n",
        project.name()
    );
    project.shop.write("shop/countersign.toml", format!("{toml}{entry}"));
    project.shop.write("password", "canary-of-monday");
    let secret = project.object(
        "v1",
        "Secret",
        "db",
        &json!({
            "stringData": {"password": {"$secret": "db-password"}},
        }),
    );
    project.approved(&json!([applies(&secret)]));
    project.shop.write("password", "canary-of-tuesday");
    let named = format!(
        "Secret {}/db: /data/password would get another secret value than when planned",
        project.name()
    );
    let run = project.refuses(13, &["[plan_stale]", &named]);
    assert!(!run.stderr.contains("canary"), "{run:#?}");
    project.shop.write("password", "canary-of-monday");
    project.apply().exits(0);
    let (_, found) = project.admin().get(&format!("{}/db", project.namespace.path("secrets")));
    assert_eq!(found["data"]["password"], "Y2FuYXJ5LW9mLW1vbmRheQ==");
}

#[test]
fn a_clock_that_is_wrong_by_a_day_applies_nothing() {
    let behind = creates();
    let mark = behind.cluster.mark();
    let late = |seconds: i64| -> Clock { Arc::new(move || Instant::now().plus_seconds(seconds)) };
    let line = ["apply", PLAN, "--trusted", "."];
    behind.run_at(&late(86_400), &line).must_say(Code::ApprovalInvalid, "expired");
    behind.run_at(&late(-86_400), &line).must_say(Code::ApprovalInvalid, "it is from the future");
    assert_eq!(behind.writes(mark), []);
    assert_eq!(behind.data("web"), Value::Null);
    behind.run_at(&late(0), &line).must(Code::Ok);
}
