//! The server, with the `git` of the machine as its client.

use std::process::Output;

use super::*;

struct Remote {
    folder: tempfile::TempDir,
    server: GitHttp,
}

impl Remote {
    /// A server with an empty repository.
    fn new(rights: Rights) -> Self {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "served/project.git"]).unwrap();
        let server = GitHttp::serve(&folder.path().join("served"), rights);
        Self { folder, server }
    }

    fn url(&self, login: &str) -> String {
        format!("http://{login}{}/project.git", self.server.address())
    }

    fn git(&self, arguments: &[&str]) -> Result<String, String> {
        git(self.folder.path(), arguments)
    }

    /// A clone with one commit on `main`, which is not pushed.
    fn clone(&self, name: &str, login: &str, file: &[u8]) -> Result<(), String> {
        self.git(&["clone", "-q", &self.url(login), name])?;
        self.commit(name, file);
        Ok(())
    }

    fn commit(&self, name: &str, file: &[u8]) {
        std::fs::write(self.folder.path().join(name).join("file"), file).unwrap();
        self.git(&["-C", name, "add", "file"]).unwrap();
        self.git(&["-C", name, "commit", "-q", "-m", "A change"]).unwrap();
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let Output { status, stdout, stderr } = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
}

#[test]
fn what_is_pushed_is_fetched() {
    let remote = Remote::new(Rights::open());
    remote.clone("a", "", b"text").unwrap();
    remote.server.take_served();
    remote.git(&["-C", "a", "push", "-q", "origin", "main"]).unwrap();
    assert_eq!(remote.server.take_served(), [(Asked::PushRefs, 200), (Asked::Push, 200)]);
    remote.git(&["clone", "-q", &remote.url(""), "b"]).unwrap();
    let served = remote.server.take_served();
    // Protocol 2: one step lists the refs, the other one gets the objects.
    assert_eq!(served, [(Asked::FetchRefs, 200), (Asked::Fetch, 200), (Asked::Fetch, 200)]);
    assert_eq!(std::fs::read(remote.folder.path().join("b/file")).unwrap(), b"text");
}

#[test]
fn a_fetch_whose_request_is_packed_is_understood() {
    let remote = Remote::new(Rights::open());
    remote.clone("a", "", b"text").unwrap();
    remote.git(&["-C", "a", "push", "-q", "origin", "main"]).unwrap();
    remote.git(&["clone", "-q", &remote.url(""), "b"]).unwrap();
    remote.commit("a", b"other text");
    remote.git(&["-C", "a", "push", "-q", "origin", "main"]).unwrap();
    // Each names refs that the server is to list, which makes the request long.
    let refs = (0..60).map(|number| format!("refs/heads/of-nobody/{number}/*:refs/n/{number}/*"));
    let log = remote.folder.path().join("log");
    let fetched = Command::new("git")
        .args(["-C", "b", "fetch", "-q", "origin", "main"])
        .args(refs)
        .current_dir(remote.folder.path())
        .env("GIT_TRACE_CURL", &log)
        .status()
        .unwrap();
    assert!(fetched.success());
    assert!(std::fs::read_to_string(log).unwrap().contains("Content-Encoding: gzip"));
    let tip = |name: &str, of: &str| remote.git(&["-C", name, "rev-parse", of]).unwrap();
    assert_eq!(tip("b", "FETCH_HEAD"), tip("a", "main"));
}

#[test]
fn a_push_in_chunks_lands_whole() {
    let remote = Remote::new(Rights::open());
    // More than `http.postBuffer`, and nothing that can be compressed.
    let mut large = vec![0; 3 << 20];
    getrandom::fill(&mut large).unwrap();
    remote.clone("a", "", &large).unwrap();
    remote.git(&["-C", "a", "push", "-q", "origin", "main"]).unwrap();
    remote.git(&["clone", "-q", &remote.url(""), "b"]).unwrap();
    assert!(std::fs::read(remote.folder.path().join("b/file")).unwrap() == large);
}

#[test]
fn nobody_gets_in_without_the_password() {
    let remote = Remote::new(Rights::login("alice", "right"));
    for login in ["", "alice:wrong@", "bob:right@"] {
        let refused = remote.clone("a", login, b"text").unwrap_err();
        let said = ["could not read Username", "Authentication failed"];
        assert!(said.iter().any(|said| refused.contains(said)), "{refused}");
        let served = remote.server.take_served();
        assert!(served.iter().all(|(_, status)| *status == 401), "{served:?}");
    }
    remote.clone("a", "alice:right@", b"text").unwrap();
    remote.git(&["-C", "a", "push", "-q", "origin", "main"]).unwrap();
    let last = remote.server.take_served().pop();
    assert_eq!(last, Some((Asked::Push, 200)));
}

#[test]
fn a_server_that_takes_no_pushes_says_403() {
    let remote = Remote::new(Rights { push: false, ..Rights::open() });
    remote.clone("a", "", b"text").unwrap();
    remote.server.take_served();
    let refused = remote.git(&["-C", "a", "push", "-q", "origin", "main"]).unwrap_err();
    assert!(refused.contains("403"), "{refused}");
    assert_eq!(remote.server.take_served(), [(Asked::PushRefs, 403)]);
}

#[test]
fn what_the_backend_does_not_know_is_not_found() {
    let remote = Remote::new(Rights::open());
    let missing = format!("http://{}/other.git", remote.server.address());
    let refused = remote.git(&["clone", "-q", &missing, "a"]).unwrap_err();
    assert!(refused.contains("not found"), "{refused}");
    assert_eq!(remote.server.take_served(), [(Asked::FetchRefs, 404)]);
}
