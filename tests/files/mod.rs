//! Tests of the room `files`.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use countersign::files::{FileError, Folder, Mode, make_folder, open_folder, read_path};

fn folder() -> (tempfile::TempDir, Folder) {
    let kept = tempfile::tempdir().unwrap();
    let folder = open_folder(kept.path()).unwrap();
    (kept, folder)
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn is_surprise<T: std::fmt::Debug>(what: &str, result: Result<T, FileError>) {
    assert!(matches!(result, Err(FileError::Surprise { .. })), "{what}: {result:?}");
}

#[test]
fn a_name_is_one_plain_name() {
    let (kept, folder) = folder();
    std::fs::create_dir(kept.path().join("sub")).unwrap();
    std::fs::write(kept.path().join("sub/x"), "1").unwrap();
    let yes = |_: &[u8]| true;
    for name in ["", ".", "..", "a/b", "/x", "sub/x", "../x", "x/", "a\0b", "\0"] {
        is_surprise(name, folder.read(name, 9));
        is_surprise(name, folder.read_if_there(name, 9));
        is_surprise(name, folder.kind(name));
        is_surprise(name, folder.create(name, b"", Mode::Open));
        is_surprise(name, folder.replace(name, b"", Mode::Open));
        is_surprise(name, folder.replace_if(name, b"", 9, &yes));
        is_surprise(name, folder.remove(name));
        is_surprise(name, folder.remove_if(name, 9, &yes));
        is_surprise(name, folder.append(name));
        is_surprise(name, folder.hold(name));
        is_surprise(name, folder.try_hold(name));
    }
    for path in ["..", "sub/..", "sub/../..", "a\0b", "sub/../sub"] {
        is_surprise(path, folder.folder(path));
        is_surprise(path, folder.folder_made(path));
    }
    assert_eq!(names(kept.path()), ["sub"]);
    assert_eq!(names(&kept.path().join("sub")), ["x"]);
}

#[test]
fn a_name_the_system_refuses_is_an_error_and_leaves_nothing() {
    let (kept, folder) = folder();
    let long = "x".repeat(300);
    let system = |result| assert!(matches!(result, Err(FileError::System { .. })), "{result:?}");
    system(folder.create(&long, b"x", Mode::Open));
    system(folder.replace(&long, b"x", Mode::Open));
    system(folder.append(&long).map(|_| ()));
    assert!(names(kept.path()).is_empty());
}

#[test]
fn a_symlink_is_neither_read_nor_written_through() {
    let (kept, folder) = folder();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("file"), "1").unwrap();
    std::fs::write(kept.path().join("real"), "1").unwrap();
    std::fs::create_dir(kept.path().join("sub")).unwrap();
    let yes = |_: &[u8]| true;
    let links = [
        ("out", outside.path().join("file")),
        ("in", "real".into()),
        ("dangling", "nowhere".into()),
        ("loop", "loop".into()),
    ];
    for (name, to) in &links {
        symlink(to, kept.path().join(name)).unwrap();
        is_surprise(name, folder.read(name, 9));
        is_surprise(name, folder.kind(name));
        is_surprise(name, folder.replace(name, b"2", Mode::Open));
        is_surprise(name, folder.replace_if(name, b"2", 9, &yes));
        is_surprise(name, folder.remove(name));
        is_surprise(name, folder.remove_if(name, 9, &yes));
        assert!(folder.append(name).is_err(), "{name}");
        assert!(folder.hold(name).is_err(), "{name}");
        let made = folder.create(name, b"2", Mode::Open);
        assert!(matches!(made, Err(FileError::Exists { .. })), "{name}: {made:?}");
        is_surprise(name, read_path(&kept.path().join(name), 9));
    }
    for (name, to) in [("out-folder", outside.path()), ("in-folder", Path::new("sub"))] {
        symlink(to, kept.path().join(name)).unwrap();
        is_surprise(name, folder.folder(name));
        is_surprise(name, folder.folder(&format!("{name}/deeper")));
        is_surprise(name, folder.folder_made(&format!("{name}/deeper")));
        is_surprise(name, open_folder(&kept.path().join(name)));
    }
    assert!(folder.entries().is_err());
    assert_eq!(std::fs::read(outside.path().join("file")).unwrap(), b"1");
    assert_eq!(std::fs::read(kept.path().join("real")).unwrap(), b"1");
    assert_eq!(names(outside.path()), ["file"]);
    assert!(names(&kept.path().join("sub")).is_empty());
}

#[test]
fn a_pipe_or_folder_in_place_of_a_file_is_refused_without_waiting() {
    let (kept, folder) = folder();
    let pipe = kept.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    std::fs::create_dir(kept.path().join("sub")).unwrap();
    let yes = |_: &[u8]| true;
    for name in ["pipe", "sub"] {
        is_surprise(name, folder.read(name, 9));
        is_surprise(name, folder.replace(name, b"2", Mode::Open));
        is_surprise(name, folder.remove(name));
        is_surprise(name, folder.remove_if(name, 9, &yes));
        assert!(folder.append(name).is_err(), "{name}");
        assert!(folder.hold(name).is_err(), "{name}");
    }
    is_surprise("pipe", folder.folder("pipe"));
    assert_eq!(names(kept.path()), ["pipe", "sub"]);
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_leaves_no_temporary_file() {
    let (kept, folder) = folder();
    let path = kept.path().join("x");
    for mode in [0o600, 0o640, 0o755, 0o444] {
        std::fs::write(&path, "1").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        folder.replace("x", b"2", Mode::Open).unwrap();
        folder.replace_if("x", b"3", 9, &|found| found == b"2").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"3");
        let found = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{mode:o}");
        std::fs::remove_file(&path).unwrap();
    }
    folder.create("private", b"1", Mode::Private).unwrap();
    let found = std::fs::metadata(kept.path().join("private")).unwrap().permissions().mode();
    assert_eq!(found & 0o777, 0o600);
    assert_eq!(names(kept.path()), ["private"]);
}

#[test]
fn what_is_not_as_expected_stays_as_it_is() {
    let (kept, folder) = folder();
    std::fs::write(kept.path().join("x"), "mine").unwrap();
    let expected = |found: &[u8]| found == b"1";
    for (name, most) in [("x", 9), ("x", 2), ("absent", 9)] {
        let replaced = folder.replace_if(name, b"2", most, &expected);
        assert!(matches!(replaced, Err(FileError::Changed { .. })), "{name}: {replaced:?}");
        let removed = folder.remove_if(name, most, &expected);
        assert!(matches!(removed, Err(FileError::Changed { .. })), "{name}: {removed:?}");
    }
    // It changes while the new bytes are on their way: the second look sees it.
    let looks = std::cell::Cell::new(0);
    let replaced = folder.replace_if("x", b"2", 9, &|_| looks.replace(looks.get() + 1) == 0);
    assert!(matches!(replaced, Err(FileError::Changed { .. })), "{replaced:?}");
    assert_eq!(looks.get(), 2);
    assert_eq!(names(kept.path()), ["x"]);
    assert_eq!(std::fs::read(kept.path().join("x")).unwrap(), b"mine");
}

#[test]
fn a_file_is_created_once() {
    let (kept, folder) = folder();
    folder.create("x", b"1", Mode::Open).unwrap();
    let again = folder.create("x", b"2", Mode::Open);
    assert!(matches!(again, Err(FileError::Exists { .. })), "{again:?}");
    assert_eq!(std::fs::read(kept.path().join("x")).unwrap(), b"1");
    assert_eq!(names(kept.path()), ["x"]);
}

#[test]
fn no_more_is_read_than_allowed() {
    let (kept, folder) = folder();
    std::fs::write(kept.path().join("x"), "12345").unwrap();
    assert_eq!(folder.read("x", 5).unwrap(), b"12345");
    assert!(matches!(folder.read("x", 4), Err(FileError::TooLarge { most: 4, .. })));
    assert!(folder.read_if_there("absent", 4).unwrap().is_none());
}

#[test]
fn a_held_file_is_held_once() {
    let (_kept, folder) = folder();
    let held = folder.try_hold("x").unwrap().expect("nobody holds it");
    assert!(folder.try_hold("x").unwrap().is_none());
    drop(held);
    drop(folder.hold("x").unwrap());
    assert!(folder.try_hold("x").unwrap().is_some());
}

#[test]
fn a_tagged_temporary_file_is_removed_by_its_tag_alone() {
    let (kept, folder) = folder();
    for name in [".countersign-a.tmp", ".countersign-b.tmp", ".countersign-a.yaml", "a.tmp"] {
        std::fs::write(kept.path().join(name), "half").unwrap();
    }
    let tagged = folder.tagged("a").unwrap();
    assert!(tagged.create("x", b"1", Mode::Open).is_err(), "another one stands in the way");
    folder.remove_temporary("a").unwrap();
    folder.remove_temporary("c").unwrap();
    tagged.create("x", b"1", Mode::Open).unwrap();
    assert_eq!(names(kept.path()), [".countersign-a.yaml", ".countersign-b.tmp", "a.tmp", "x"]);
    folder.remove_temporaries().unwrap();
    assert_eq!(names(kept.path()), [".countersign-a.yaml", "a.tmp", "x"]);
    symlink("x", kept.path().join(".countersign-d.tmp")).unwrap();
    is_surprise("a link", folder.remove_temporary("d"));
}

#[test]
fn a_made_folder_is_its_owners_alone() {
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().join("a/b");
    drop(make_folder(&path).unwrap());
    drop(make_folder(&path).unwrap());
    for path in [&path, path.parent().unwrap()] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }
    std::fs::write(path.join("file"), "").unwrap();
    assert!(make_folder(&path.join("file")).is_err());
    symlink(&path, kept.path().join("link")).unwrap();
    is_surprise("a link", make_folder(&kept.path().join("link")));
}
