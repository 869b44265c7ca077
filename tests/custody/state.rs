//! The state folder: its owner's alone, and outside every checkout.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use countersign::custody::key_file::SecretKey;
use countersign::custody::masking::MaskingKey;
use countersign::custody::state::{State, StateError};
use countersign::files::FileError;

use crate::support::trust::{label, run};

#[test]
fn the_folders_are_made_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("local/state/countersign");
    assert!(matches!(State::open(&root), Err(StateError::File(error)) if error.is_absent()));
    let state = State::made(&root).unwrap();
    let project = label("shop");
    let keys = state.keys_made(&project).unwrap();
    state.ledger_made(&project).unwrap();
    SecretKey::create(&keys, "planner", "planner of shop", &[4; 32]).unwrap();
    MaskingKey::create(state.folder(), &[5; 32]).unwrap();
    assert!(state.key(&project, &label("planner")).is_file());
    assert!(state.ledger(&project).is_dir());
    for made in [
        "local",
        "local/state",
        "local/state/countersign",
        "local/state/countersign/keys",
        "local/state/countersign/keys/shop",
        "local/state/countersign/ledgers/shop",
    ] {
        let mode = std::fs::metadata(folder.path().join(made)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{made}");
    }
    // All of it again finds what is there.
    let again = State::made(&root).unwrap();
    again.keys_made(&project).unwrap();
    State::open(&root).unwrap();
}

#[test]
fn a_folder_that_others_may_change_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("state");
    let state = State::made(&root).unwrap();
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for exposed in [0o770, 0o702, 0o777, 0o1777] {
        mode(&root, exposed);
        for refused in [State::open(&root), State::made(&root)] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, StateError::File(FileError::Exposed { .. })), "{exposed:o}");
        }
    }
    mode(&root, 0o700);
    state.keys_made(&label("shop")).unwrap();
    mode(&root.join("keys"), 0o722);
    let refused = state.keys_made(&label("shop")).unwrap_err();
    assert!(matches!(refused, StateError::File(FileError::Exposed { .. })));
}

#[test]
fn a_link_in_the_place_of_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let root = folder.path().join("state");
    symlink(elsewhere.path(), &root).unwrap();
    for refused in [State::open(&root), State::made(&root)] {
        assert!(matches!(refused, Err(StateError::File(FileError::Surprise { .. }))));
    }
    std::fs::remove_file(&root).unwrap();
    let state = State::made(&root).unwrap();
    symlink(elsewhere.path(), root.join("ledgers")).unwrap();
    let refused = state.ledger_made(&label("shop")).unwrap_err();
    assert!(matches!(refused, StateError::File(FileError::Surprise { .. })));
}

#[test]
fn no_state_is_kept_inside_a_git_work_tree() {
    let folder = tempfile::tempdir().unwrap();
    run(Command::new("git").args(["init", "-q"]).arg(folder.path()));
    let root = folder.path().join("deep/er/state");
    for refused in [State::open(&root), State::made(&root)] {
        assert!(matches!(refused, Err(StateError::Place(_))));
    }
    assert!(!folder.path().join("deep").exists());
}
