//! The schemas describe what the program writes and reads, by Python's `jsonschema`; completion
//! scripts are ones that a shell reads.

use std::process::Command;

use super::others::check;
use super::shop::Shop;

#[test]
fn real_documents_are_what_the_schemas_say() {
    let shop = Shop::approved();
    shop.run(&["apply", "plans/scale-web", "--trusted", "."]).exits(0);
    for of in ["proposal", "plan", "receipt", "config"] {
        let schema = shop.run(&["schema", of]).exits(0).stdout;
        shop.write(&format!("{of}.schema.json"), schema);
    }
    let path = |below: &str| shop.path(below).display().to_string();
    let valid = |of: &str, document: &str| {
        check(&["schema", &path(&format!("{of}.schema.json")), document]).unwrap();
    };
    valid("plan", &path("shop/plans/scale-web/plan.json"));
    valid("config", &path("shop/countersign.toml"));
    valid("receipt", &shop.only("receipts", ".intoto.json").display().to_string());
    let fixtures = super::shop::fixtures().join("proposals");
    for name in ["drop-db.yaml", "flags.json"] {
        valid("proposal", fixtures.join(name).to_str().unwrap());
    }
    // And refuse what is none.
    shop.write("wrong.json", r#"{"apiVersion":"countersign/v1","kind":"Proposal","oops":1}"#);
    for of in ["proposal", "plan", "config"] {
        let schema = path(&format!("{of}.schema.json"));
        check(&["schema", &schema, &path("wrong.json")]).unwrap_err();
    }
}

#[test]
fn every_shell_gets_a_completion_script() {
    let shop = Shop::bare();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = shop.run(&["completion", shell]).exits(0).stdout;
        for word in ["countersign", "approve", "policy", "requested-by"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        if shell == "bash" {
            shop.write("completion.bash", script);
            let path = shop.path("completion.bash");
            assert!(Command::new("bash").arg("-n").arg(path).status().unwrap().success());
        }
    }
}
