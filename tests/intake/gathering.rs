//! Files, folders and standard input: in the order of paths, and never beyond the limit.

use std::io::Read;
use std::path::Path;

use countersign::config::Limits;
use countersign::intake::{GatherError, Input, Source, gather};

fn gathered(path: &Path, limits: &Limits) -> Result<Vec<Source>, GatherError> {
    gather(&[Input::Path(path.to_owned())], &mut std::io::empty(), limits)
}

#[test]
fn a_folder_is_read_in_the_order_of_its_paths() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.yaml", "a/z.yml", "a.json", ".hidden.yaml", "notes.txt", ".git/x.yaml"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    let sources = gathered(folder.path(), &Limits::default()).unwrap();
    let read: Vec<_> = sources.iter().map(|s| String::from_utf8_lossy(&s.bytes)).collect();
    assert_eq!(read, ["a.json", "a/z.yml", "b.yaml"]);
    assert!(sources[1].name.ends_with("a/z.yml"));
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.yaml"), "a").unwrap();
    std::os::unix::fs::symlink("a.yaml", at("link.yaml")).unwrap();
    std::os::unix::fs::symlink(".", at("loop")).unwrap();
    for name in ["link.yaml", "loop", "missing.yaml", ""] {
        let found = gathered(&at(name), &Limits::default());
        assert!(matches!(found, Err(GatherError::Files(_))), "{name}: {found:?}");
    }
    let empty = tempfile::tempdir().unwrap();
    let found = gathered(empty.path(), &Limits::default());
    assert!(matches!(found, Err(GatherError::Empty { .. })), "{found:?}");
}

/// A stream that would fill the memory of any machine.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(b'a');
        self.0 += buffer.len() as u64;
        Ok(buffer.len())
    }
}

#[test]
fn the_limit_is_of_all_input_and_no_more_is_read() {
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    let mut endless = Endless(0);
    let found = gather(&[Input::Standard], &mut endless, &limits);
    assert!(matches!(found, Err(GatherError::TooLarge { most: 1000 })), "{found:?}");
    assert!(endless.0 < 100_000);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.yaml", "b.yaml"] {
        std::fs::write(folder.path().join(name), vec![b'a'; 600]).unwrap();
    }
    let found = gathered(folder.path(), &limits);
    assert!(matches!(found, Err(GatherError::TooLarge { most: 1000 })), "{found:?}");
    // A file of 500 MB that takes no room: refused by its size, unread.
    let huge = folder.path().join("huge.yaml");
    std::fs::File::create(&huge).unwrap().set_len(500 << 20).unwrap();
    let start = std::time::Instant::now();
    let found = gathered(&huge, &Limits::default());
    assert!(matches!(found, Err(GatherError::TooLarge { .. })), "{found:?}");
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn standard_input_is_named_once() {
    let mut text: &[u8] = b"kind: Proposal";
    let sources = gather(&[Input::from("-")], &mut text, &Limits::default()).unwrap();
    assert_eq!(sources, [Source { name: "-".to_owned(), bytes: b"kind: Proposal".to_vec() }]);
    let twice = gather(&[Input::Standard, Input::Standard], &mut text, &Limits::default());
    assert!(matches!(twice, Err(GatherError::Twice)), "{twice:?}");
}
