//! Commits and what is in them.

use countersign::git::{
    Edit, EntryKind, GitError, NewCommit, ObjectId, Person, RefName, Repository,
};

use crate::support::git::*;

pub(crate) fn put(path: &str, bytes: &[u8]) -> Edit {
    Edit::Put { path: path.to_owned(), bytes: bytes.to_vec(), executable: false }
}

pub(crate) fn new(parent: Option<&ObjectId>, edits: Vec<Edit>) -> NewCommit<'_> {
    let author = Person { name: "countersign".to_owned(), address: "host".to_owned() };
    NewCommit { parent, edits, author, message: "Why\n\nAnd more".to_owned() }
}

#[test]
fn a_commit_holds_its_edits_and_all_else_of_its_parent() {
    for format in ["sha1", "sha256"] {
        let server = Server::of(format);
        let repository = server.cloned("one");
        let main = repository.resolve(&RefName::branch("main").unwrap()).unwrap().unwrap();
        assert_eq!(Some(&main), repository.head().unwrap().as_ref());
        let run = Edit::Put { path: "bin/run".to_owned(), bytes: b"#!".to_vec(), executable: true };
        let odd = "a \"b\"\\\n\u{e9}";
        let edits = vec![put("x/y.json", b"1\n"), run, put(odd, b""), put("x/z", b"\0data 7\n")];
        let first = repository.commit(&new(Some(&main), edits)).unwrap();
        let edits = vec![put("x/y.json", b"2"), Edit::Remove { path: "README".to_owned() }];
        let second = repository.commit(&new(Some(&first.commit), edits)).unwrap();
        let tree = |commit, beneath| -> Vec<_> {
            let entries = repository.tree(commit, beneath).unwrap();
            entries.into_iter().map(|entry| (entry.path, entry.kind)).collect()
        };
        let file = |path: &str| (path.to_owned(), EntryKind::File);
        let run = ("bin/run".to_owned(), EntryKind::Executable);
        let after = [file(odd), run.clone(), file("x/y.json"), file("x/z")];
        assert_eq!(tree(&second.commit, None), after);
        assert_eq!(tree(&first.commit, None).len(), 5);
        assert_eq!(tree(&second.commit, Some("x")), [file("x/y.json"), file("x/z")]);
        let missing: ObjectId = "a".repeat(main.as_str().len()).parse().unwrap();
        let asked = [first.blobs[0].clone(), missing.clone(), first.blobs[3].clone(), main.clone()];
        let read = repository.blobs(&asked, 100).unwrap();
        assert_eq!(read, [Some(b"1\n".to_vec()), None, Some(b"\0data 7\n".to_vec()), None]);
        assert!(repository.is_ancestor(&main, &second.commit).unwrap());
        assert!(!repository.is_ancestor(&second.commit, &main).unwrap());
        assert!(repository.contains(&second.commit).unwrap());
        assert!(!repository.contains(&missing).unwrap());
        assert!(!repository.contains(&first.blobs[0]).unwrap());
        let shown = ["log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%B", second.commit.as_str()];
        assert_eq!(
            git(&server.folder.path().join("one"), &shown),
            "countersign <host>\ncountersign <host>\nWhy\n\nAnd more"
        );
    }
}

#[test]
fn a_commit_touches_no_branch_no_index_and_no_file() {
    let server = Server::new();
    let repository = server.cloned("one");
    let folder = server.folder.path().join("one");
    std::fs::write(folder.join("README"), "changed\n").unwrap();
    std::fs::write(folder.join("staged"), "").unwrap();
    git(&folder, &["add", "staged"]);
    git(&folder, &["config", "commit.gpgsign", "true"]);
    git(&folder, &["config", "gpg.program", "false"]);
    let state = || {
        let index = std::fs::read(folder.join(".git/index")).unwrap();
        (index, git(&folder, &["status", "--porcelain"]), git(&folder, &["for-each-ref"]))
    };
    let before = state();
    let head = repository.head().unwrap();
    let made = repository.commit(&new(head.as_ref(), vec![put("README", b"x")])).unwrap();
    repository.commit(&new(None, vec![put("alone", b"x")])).unwrap();
    assert_eq!(state(), before);
    let branch = RefName::branch("made").unwrap();
    git(&folder, &["update-ref", branch.as_str(), made.commit.as_str()]);
    assert_eq!(repository.resolve(&branch).unwrap().as_ref(), Some(&made.commit));
    repository.remove_ref(&branch).unwrap();
    assert_eq!(repository.resolve(&branch).unwrap(), None);
    assert_eq!(state(), before);
    assert_eq!(repository.head_branch().unwrap(), Some(RefName::branch("main").unwrap()));
}

#[test]
fn a_path_that_leads_out_of_a_tree_is_refused() {
    let server = Server::new();
    let repository = server.cloned("one");
    for path in ["", "/a", "../a", "a/../b", ".git/config", "a//b", "a\0b"] {
        let made = repository.commit(&new(None, vec![put(path, b"x")]));
        assert!(matches!(made, Err(GitError::Name { .. })), "{path:?}: {made:?}");
    }
}

#[test]
fn more_bytes_than_are_wanted_are_an_error() {
    let server = Server::new();
    let repository = server.cloned("one");
    let made = repository.commit(&new(None, vec![put("big", &vec![b'x'; 1 << 20])])).unwrap();
    assert_eq!(repository.blobs(&made.blobs, 1 << 20).unwrap()[0].as_ref().unwrap().len(), 1 << 20);
    let read = repository.blobs(&made.blobs, 1 << 10);
    assert!(matches!(read, Err(GitError::TooLarge { .. })), "{read:?}");
}

#[test]
fn a_linked_work_tree_a_bare_repository_and_a_folder_inside_are_the_same_repository() {
    let server = Server::new();
    let folder = server.clone("one", &[]);
    git(&folder, &["worktree", "add", "--quiet", "-b", "side", "../linked"]);
    std::fs::create_dir(folder.join("sub")).unwrap();
    let linked = server.folder.path().join("linked");
    let open = |path: &std::path::Path| Repository::open(path, server.surroundings()).unwrap();
    let common = folder.join(".git").canonicalize().unwrap();
    for path in [&folder, &folder.join("sub"), &linked] {
        let repository = open(path);
        assert_eq!(repository.common_folder().canonicalize().unwrap(), common);
        let head = repository.head().unwrap().unwrap();
        assert_eq!(repository.tree(&head, None).unwrap().len(), 1, "{}", path.display());
    }
    assert_eq!(open(&linked).head_branch().unwrap(), Some(RefName::branch("side").unwrap()));
    assert!(open(&server.bare()).head().unwrap().is_some());
    let outside = tempfile::tempdir().unwrap();
    assert!(Repository::open(outside.path(), server.surroundings()).is_err());
}
