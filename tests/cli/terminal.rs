//! Somebody sits at a terminal: what is asked, and that a wrong answer signs nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use super::shop::{Run, Shop, fixtures, wait};

/// Runs the program on a terminal, and types each answer when its question has come.
fn typed(shop: &Shop, answers: &[(&str, &str)], line: &[&str]) -> Run {
    let python = std::env::var_os("COUNTERSIGN_TEST_PYTHON");
    let python = python.expect("COUNTERSIGN_TEST_PYTHON names the Python; tests/run sets it");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/others/typed.py");
    let program = shop.command(line);
    let mut command = Command::new(python);
    command.arg(script);
    for (question, answer) in answers {
        command.args([question, answer]);
    }
    command.arg("--").arg(program.get_program()).args(program.get_args());
    command.current_dir(shop.path("shop")).env_clear().env("TERM", "xterm");
    for (name, value) in program.get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = wait(command.spawn().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Run { line: line.join(" "), code: output.status.code(), stdout, stderr }
}

const DIGITS: &str = "first 8 digits";

fn approvals(shop: &Shop, plan: &str) -> usize {
    shop.names(&format!("shop/plans/{plan}/approvals")).len()
}

#[test]
fn approve_asks_for_the_digits_and_a_wrong_answer_signs_nothing() {
    let shop = Shop::planned();
    let digest = shop.digest("scale-web");
    let line = ["approve", "plans/scale-web"];
    for wrong in ["wrong", "", &digest[..7], &digest[1..9]] {
        let run = typed(&shop, &[(DIGITS, wrong)], &line).exits(1);
        assert!(run.stdout.contains("declined: nothing was signed"), "{}", run.stdout);
        assert_eq!(approvals(&shop, "scale-web"), 0);
    }
    let run = typed(&shop, &[(DIGITS, &digest[..8])], &line).exits(0);
    assert!(run.stdout.contains("Approved by alice until"), "{}", run.stdout);
    assert_eq!(approvals(&shop, "scale-web"), 1);
    // Who sits at a terminal need not name the trusted side.
    typed(&shop, &[], &["apply", "plans/scale-web"]).exits(0);
}

#[test]
fn no_input_asks_nobody_even_at_a_terminal() {
    let shop = Shop::planned();
    let run = typed(&shop, &[], &["approve", "plans/scale-web", "--no-input"]).exits(1);
    for part in ["an answer is missing", "give it with --digest HEX"] {
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
    assert_eq!(approvals(&shop, "scale-web"), 0);
}

#[test]
fn what_loses_data_is_typed_by_its_name() {
    let shop = Shop::new();
    let toml = shop.text("shop/countersign.toml");
    shop.write("shop/countersign.toml", toml.replace("[policy]", "[policy]\nbuiltin = false"));
    let volume = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{accessModes: [ReadWriteOnce], storageClassName: scratch, resources: {{requests: {{storage: 1Gi}}}}}}\n"
        )
    };
    let class = "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: scratch}\nprovisioner: example.com/disk\nreclaimPolicy: Delete\n";
    let all: String = ["one", "two", "three", "four"].iter().map(|name| volume(name)).collect();
    shop.write("shop/manifests/shop/volumes.yaml", format!("{class}{all}"));
    let delete = |plan: &str, names: &[&str]| {
        let operations: String = names
            .iter()
            .map(|name| format!("- delete: {{apiVersion: v1, kind: PersistentVolumeClaim, namespace: shop, name: {name}}}\n"))
            .collect();
        shop.write("shop/delete.yaml", format!("apiVersion: countersign/v1\nkind: Proposal\nname: {plan}\nenvironment: prod\ntarget: manifests\noperations:\n{operations}"));
        let run = shop.run(&["plan", "-f", "delete.yaml"]).exits(0);
        assert_eq!(run.stdout.matches(" DATA-LOSS ").count(), names.len(), "{}", run.stdout);
        shop.digest(plan)
    };
    let digest = delete("few", &["one", "two"]);
    let line = ["approve", "plans/few"];
    let name = "loses data. Type its name";
    for wrong in [&[(name, "one"), (name, "one")][..], &[(name, "two")], &[(name, "")]] {
        let run = typed(&shop, wrong, &line).exits(1);
        assert!(run.stdout.contains("declined: nothing was signed"), "{}", run.stdout);
    }
    assert_eq!(approvals(&shop, "few"), 0);
    typed(&shop, &[(name, "one"), (name, "two"), (DIGITS, &digest[..8])], &line).exits(0);
    let digest = delete("many", &["one", "two", "three", "four"]);
    let number = "4 objects lose data. Type that number";
    let line = ["approve", "plans/many"];
    typed(&shop, &[(number, "3")], &line).exits(1);
    assert_eq!(approvals(&shop, "many"), 0);
    typed(&shop, &[(number, "4"), (DIGITS, &digest[..8])], &line).exits(0);
}

#[test]
fn an_encrypted_key_asks_for_its_passphrase() {
    let shop = Shop::planned();
    let digest = shop.digest("scale-web");
    let key = shop.path("keys/carol");
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-a", "1", "-N", "open sesame", "-C", "carol", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let add = ["trust", "add", "carol", "--key", "../keys/carol.pub", "--role", "approver"];
    shop.run(&add).exits(0);
    let line = ["approve", "plans/scale-web", "--key", "../keys/carol", "--digest", &digest];
    let question = "Passphrase of";
    typed(&shop, &[(question, "open barley")], &line).exits(1);
    shop.run(&line).exits(1).says(&["is encrypted", "ssh-agent", "--no-input"]);
    assert_eq!(approvals(&shop, "scale-web"), 0);
    let run = typed(&shop, &[(question, "open sesame")], &line).exits(0);
    assert!(!run.stdout.contains("open sesame"), "a passphrase is not shown");
    assert_eq!(approvals(&shop, "scale-web"), 1);
}

#[test]
fn a_terminal_gets_colour_unless_no_color_is_set() {
    let shop = Shop::new();
    let drop = fixtures().join("proposals/drop-db.yaml");
    shop.run(&["plan", "-f", drop.to_str().unwrap()]).exits(0);
    let line = ["review", "plans/drop-db"];
    assert!(typed(&shop, &[], &line).exits(0).stdout.contains("\u{1b}["));
    let never = ["review", "plans/drop-db", "--color", "never"];
    assert!(!typed(&shop, &[], &never).exits(0).stdout.contains('\u{1b}'));
}
