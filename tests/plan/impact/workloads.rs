//! Cases 1 to 42 of the impact reference: configuration and workloads.

use serde_json::{Value, json};

use super::trial::{Table, Trial};

const WEB: &str = "apps/Deployment/shop/web";
const WORKER: &str = "apps/Deployment/shop/worker";
const DB: &str = "apps/StatefulSet/shop/db";
const REPORT: &str = "batch/CronJob/shop/report";
const FLAGS: &str = "/ConfigMap/shop/flags";
const SECRET: &str = "/Secret/shop/db";
const IMAGE: &str = "/spec/template/spec/containers/0/image";
const ENV_FROM: &str = "/spec/template/spec/containers/0/envFrom";

fn shop() -> Trial {
    Trial::shop()
}

#[test]
fn configuration_that_changes_or_goes() {
    let mut table = Table::default();
    let beta = shop().update(FLAGS, "/data/beta", json!("on"));
    table.reach("1", &beta, "M!", ".", "5/3/11/0");
    table.reach("2", &shop().delete("/ConfigMap/shop/unused"), "M!", ".", "0/0/0/0");
    table.reach("3", &shop().delete(FLAGS), "O~", ".", "5/3/11/0");
    let job = "/spec/jobTemplate/spec/template/spec/containers/0/envFrom";
    let dropped =
        shop().delete(FLAGS).update(WEB, ENV_FROM, Value::Null).update(REPORT, job, Value::Null);
    table.of("4", &dropped, FLAGS, "M!", ".");
    table.of("4", &dropped, WEB, "R!", ".");
    table.of("4", &dropped, REPORT, "M!", ".");
    let value = shop().update(SECRET, "/data/password", json!("hmac-sha256:bb"));
    table.reach("5", &value, "M!", "irreversible", "6/3/6/1");
    table.reach("6", &shop().delete(SECRET), "D~", "irreversible", "6/3/6/1");
    let owner = json!([{"apiVersion": "x.example/v1", "kind": "X", "name": "x", "uid": "u-x",
        "controller": true}]);
    let owned = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "made", "namespace": "shop", "ownerReferences": owner}});
    table.row("7", &shop().with(owned).delete("/Secret/shop/made"), "R~", "irreversible");
    table.row("8", &shop().update(FLAGS, "/immutable", json!(true)), "M!", "irreversible");
    table.end();
}

#[test]
fn deployments_that_roll() {
    let mut table = Table::default();
    let new = json!("nginx:1.26");
    let image = |trial: Trial| trial.update(WEB, IMAGE, new.clone());
    table.reach("9", &image(shop()), "R!", "unpinned-image", "2/1/3/0");
    let strategy = |value: Value| shop().live(WEB, "/spec/strategy", value);
    let rolling = |away: Value, surge: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": away, "maxSurge": surge}});
    let all = image(strategy(json!({"type": "Recreate"})));
    table.row("10 Recreate", &all, "O!", "unpinned-image");
    let all = image(strategy(rolling(json!("100%"), json!(0))));
    table.row("10 100%", &all, "O!", "unpinned-image");
    let template =
        |trial: Trial| trial.update(WEB, "/spec/template/metadata/annotations", json!({"a": "b"}));
    let one = |value: Value| strategy(value).live(WEB, "/spec/replicas", json!(1));
    table.row("11", &template(one(rolling(json!("25%"), json!("25%")))), "R!", ".");
    table.row("12 1/0", &template(one(rolling(json!(1), json!(0)))), "O!", ".");
    table.row("12 10%/0", &template(one(rolling(json!("10%"), json!(0)))), "O!", ".");
    table.row("13", &image(shop().live(WEB, "/spec/paused", json!(true))), "M!", "unpinned-image");
    let resumed =
        shop().live(WEB, "/spec/paused", json!(true)).update(WEB, "/spec/paused", json!(false));
    table.row("14", &resumed, "R~", ".");
    let mut nothing = shop().update(WEB, "/spec/replicas", json!(3));
    nothing.edits[0].actions.clear();
    table.row("15", &nothing, "N!", ".");
    let env = "/spec/template/spec/containers/0/env";
    let live = shop();
    let mut swapped = live.live[&super::trial::id(WEB)].pointer(env).unwrap().clone();
    swapped.as_array_mut().unwrap().reverse();
    table.row("16 env", &shop().update(WEB, env, swapped), "R!", ".");
    table.row("16 annotation", &template(shop()), "R!", ".");
    let still = shop().update_all(
        WEB,
        &[
            ("/metadata/labels/team", json!("checkout")),
            ("/spec/strategy/rollingUpdate/maxSurge", json!(1)),
            ("/spec/minReadySeconds", json!(5)),
            ("/spec/progressDeadlineSeconds", json!(60)),
        ],
    );
    table.row("17", &still, "M!", ".");
    table.row(
        "18",
        &shop().update(WEB, "/spec/revisionHistoryLimit", json!(0)),
        "M!",
        "irreversible",
    );
    table.end();
}

#[test]
fn deployments_that_scale_move_or_go() {
    let mut table = Table::default();
    let scale = |trial: Trial, n: u64| trial.update(WEB, "/spec/replicas", json!(n));
    table.reach("19", &scale(shop(), 0), "O!", ".", "2/1/3/0");
    table.row("20 down", &scale(shop(), 2), "R!", ".");
    table.row("20 up", &scale(shop(), 5), "M!", ".");
    let four = shop().update(WORKER, "/spec/replicas", json!(4));
    table.reach("21", &four, "M~", ".", "0/1/8/0");
    let tier = "/spec/template/metadata/labels/tier";
    let dropped = shop().update(WEB, tier, Value::Null);
    table.row("22", &dropped, "O!", ".");
    let both = dropped.update("/Service/shop/web", "/spec/selector/tier", Value::Null);
    table.of("23", &both, WEB, "R!", ".");
    table.of("23", &both, "/Service/shop/web", "R!", ".");
    table.row("24 Background", &shop().delete(WEB), "O!", ".");
    table.row("24 Orphan", &shop().orphan(WEB), "M!", ".");
    let selector = json!({"matchLabels": {"app": "web", "tier": "frontend"}});
    let replaced = shop().replace(WEB, &[("/spec/selector", selector.clone())]);
    table.row("25", &replaced, "O!", ".");
    let update = shop().update(WEB, "/spec/selector", selector);
    table.row("25 not allowed", &update, "O!", ".");
    let edit = &update.edits[0];
    let paths = countersign::plan::class::replace_paths(&edit.resource, &edit.before, &edit.after);
    table.check("25", paths.len() == 1 && paths[0].as_str() == "/spec/selector", "replacePaths");
    let omitted =
        shop().live(WEB, "/spec/replicas", json!(5)).update(WEB, "/spec/replicas", json!(1));
    table.row("84", &omitted, "R!", ".");
    table.end();
}

#[test]
fn stateful_sets() {
    let mut table = Table::default();
    let template =
        |trial: Trial| trial.update(DB, "/spec/template/metadata/annotations", json!({"a": "b"}));
    let size = |trial: Trial, n: u64| trial.live(DB, "/spec/replicas", json!(n));
    table.reach("26 n=2", &template(shop()), "R!", ".", "1/1/2/1");
    table.reach("26 n=1", &template(size(shop(), 1)), "O!", ".", "1/1/1/1");
    let kind = "/spec/updateStrategy/type";
    let on_delete = || shop().live(DB, kind, json!("OnDelete"));
    table.row("27 template", &template(on_delete()), "M!", ".");
    table.row("27 type", &on_delete().update(DB, kind, json!("RollingUpdate")), "R~", ".");
    let partition = "/spec/updateStrategy/rollingUpdate/partition";
    let held = || size(shop(), 3).live(DB, partition, json!(2));
    table.row("28 template", &template(held()), "R!", ".");
    table.row("28 none", &template(held().live(DB, partition, json!(3))), "M!", ".");
    table.row("28 partition", &held().update(DB, partition, json!(0)), "R~", ".");

    let policy = "/spec/persistentVolumeClaimRetentionPolicy";
    let scaled = || shop().live(DB, &format!("{policy}/whenScaled"), json!("Delete"));
    let down = |trial: Trial| trial.update(DB, "/spec/replicas", json!(1));
    let reclaim = "/spec/persistentVolumeReclaimPolicy";
    table.row("29 Retain", &down(scaled()), "R!", "irreversible");
    let deleted = scaled().live("/PersistentVolume//s1", reclaim, json!("Delete"));
    table.row("29 Delete", &down(deleted), "D!", ".");
    table.row("29 unread", &down(scaled().without("/PersistentVolume//s1")), "D?", ".");
    table.row("29 no policy", &down(shop()), "R!", ".");
    table.reach("30 Retain", &shop().delete(DB), "O!", ".", "1/1/2/1");
    let whole = || shop().live(DB, &format!("{policy}/whenDeleted"), json!("Delete"));
    // The Service, both claims, and the volume that goes with the first.
    table.reach("30 Delete", &whole().delete(DB), "D!", "irreversible", "4/1/2/4");
    let start = "/spec/ordinals/start";
    table.row("31 Delete", &scaled().update(DB, start, json!(1)), "D!", ".");
    let kept = scaled().live("/PersistentVolume//s0", reclaim, json!("Retain"));
    table.row("31 Retain", &kept.update(DB, start, json!(1)), "R!", "irreversible");
    table.row("31 apart", &shop().update(DB, start, json!(7)), "O!", ".");
    let service = ("/spec/serviceName", json!("other"));
    table.row("32 same", &shop().replace(DB, std::slice::from_ref(&service)), "O!", ".");
    let claim = ("/spec/volumeClaimTemplates/0/metadata/name", json!("bytes"));
    table.row("32 renamed", &shop().replace(DB, &[claim]), "D~", ".");
    let retention = shop().update(DB, &format!("{policy}/whenDeleted"), json!("Delete"));
    table.row("33", &retention, "M!", "guard-removed");
    table.end();
}

fn pods(name: &str, labels: Value, owner: Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "x@sha256:0"}]}});
    if !owner.is_null() {
        pod["metadata"]["ownerReferences"] = json!([owner]);
    }
    pod
}

fn replica_set(name: &str, n: u64, owner: Value) -> Value {
    let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": n, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "x@sha256:0"}]}}}});
    if !owner.is_null() {
        set["metadata"]["ownerReferences"] = json!([owner]);
    }
    set
}

#[test]
fn daemon_sets_replica_sets_and_pods() {
    let mut table = Table::default();
    let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}},
            "updateStrategy": {"type": "OnDelete"},
            "template": {"metadata": {"labels": {"app": "agent"}},
                "spec": {"containers": [{"name": "c", "image": "x@sha256:0"}]}}}});
    let name = "apps/DaemonSet/shop/agent";
    let agent = || shop().with(daemon.clone());
    let nodes = "/spec/template/spec/nodeSelector";
    table.row("34", &agent().update(name, nodes, json!({"disk": "none"})), "O~", ".");
    table.row(
        "34 other",
        &agent().update(name, "/spec/template/metadata/annotations", json!({"a": "b"})),
        "M!",
        ".",
    );
    table.row("34 delete", &agent().delete(name), "O!", ".");

    let set = "apps/ReplicaSet/shop/rs";
    let bare = |n| shop().with(replica_set("rs", n, Value::Null));
    let note = "/spec/template/metadata/annotations";
    table.row("35 template", &bare(2).update(set, note, json!({"a": "b"})), "M!", ".");
    table.row("35 scale", &bare(2).update(set, "/spec/replicas", json!(1)), "R!", ".");
    let labels = json!({"app": "rs"});
    let two = shop().with(pods("p1", labels.clone(), Value::Null)).with(pods(
        "p2",
        labels.clone(),
        Value::Null,
    ));
    table.row("36", &two.clone().create(replica_set("rs", 1, Value::Null)), "R!", ".");
    table.row("36 enough", &two.create(replica_set("rs", 2, Value::Null)), "A!", ".");
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
        "uid": "u-web", "controller": true});
    let owned = || shop().with(replica_set("rs", 2, owner.clone()));
    table.row("37 scaled", &owned().update(set, "/spec/replicas", json!(0)), "R!", ".");
    table.row("37 deleted", &owned().delete(set), "R!", ".");

    table.row("38 bare", &shop().delete("/Pod/shop/bare"), "O!", ".");
    let above = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs",
        "uid": "u-rs", "controller": true});
    let under = || bare(1).with(pods("rs-x", labels.clone(), above.clone()));
    table.row("38 owned", &under().delete("/Pod/shop/rs-x"), "R!", ".");
    let leaves = under().update("/Pod/shop/rs-x", "/metadata/labels/app", json!("out"));
    table.row("38 leaves", &leaves, "R!", ".");
    let stays = under().update("/Pod/shop/rs-x", "/metadata/labels/note", json!("x"));
    table.row("38 stays", &stays, "M!", ".");
    table.end();
}

#[test]
fn jobs_and_cron_jobs() {
    let mut table = Table::default();
    let job = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "import", "namespace": "shop"},
        "spec": {"parallelism": 3, "template":
            {"spec": {"containers": [{"name": "c", "image": "x@sha256:0"}]}}}});
    let name = "batch/Job/shop/import";
    let live = || shop().with(job.clone());
    table.row("39 suspend", &live().update(name, "/spec/suspend", json!(true)), "R!", ".");
    table.row("39 parallelism", &live().update(name, "/spec/parallelism", json!(0)), "R!", ".");
    table.row(
        "39 deadline",
        &live().update(name, "/spec/activeDeadlineSeconds", json!(1)),
        "R~",
        ".",
    );
    let ttl = "/spec/ttlSecondsAfterFinished";
    table.row("40 ttl", &live().update(name, ttl, json!(0)), "M!", "irreversible");
    let history = "/spec/successfulJobsHistoryLimit";
    table.row("40 history", &shop().update(REPORT, history, json!(0)), "M!", "irreversible");
    table.row("41 delete", &live().delete(name), "R~", ".");
    table.row("41 orphan", &live().orphan(name), "M!", ".");
    table.row("42", &shop().delete(REPORT), "R!", ".");
    table.row("42 suspend", &shop().update(REPORT, "/spec/suspend", json!(true)), "R!", ".");
    table.end();
}
