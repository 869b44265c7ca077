//! One command as a process: how long it ran, what it used, and that it ended as it should.
//!
//! Processor time is that of `/proc/<pid>/stat` once the process has ended and before it is reaped,
//! its reaped children (the policy worker) included. Peak memory is the last `VmHWM` of
//! `/proc/<pid>/status` that was seen while it ran, looked at every two milliseconds.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Time by the clock.
    pub(crate) wall: Duration,
    /// Processor time, of children too.
    pub(crate) cpu: Duration,
    /// Largest resident set of the process itself, in bytes.
    pub(crate) peak: u64,
    /// Largest resident set of one of its children, in bytes.
    pub(crate) child_peak: u64,
}

/// Where commands run.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// Folder above the project: keys and state are beside it.
    pub(crate) root: &'a Path,
    /// The program.
    pub(crate) program: &'a Path,
}

impl Stage<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(arguments)
            .current_dir(self.root.join("project"))
            .env_clear()
            .env("HOME", self.root)
            .env("COUNTERSIGN_STATE", self.root.join("state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, and panics with what it said if that is not success.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that must succeed, and measures it.
    pub(crate) fn measure(&self, arguments: &[&str]) -> Used {
        let said = fs::File::create(self.root.join("stderr")).expect("a file for what it says");
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(said);
        let (used, status) = watch(&mut command);
        let said = fs::read_to_string(self.root.join("stderr")).unwrap_or_default();
        assert!(status.success(), "{arguments:?}: {status}\n{said}");
        used
    }

    /// The fastest of `times` runs by the clock, with the largest memory of all.
    pub(crate) fn fastest(&self, times: usize, arguments: &[&str]) -> Used {
        let runs: Vec<Used> = (0..times).map(|_| self.measure(arguments)).collect();
        let peak = runs.iter().map(|used| used.peak).max().unwrap_or_default();
        let child_peak = runs.iter().map(|used| used.child_peak).max().unwrap_or_default();
        let fastest = runs.into_iter().min_by_key(|used| used.wall).unwrap_or_default();
        Used { peak, child_peak, ..fastest }
    }
}

/// Runs a command to its end, however that is, and measures it.
pub(crate) fn watch(command: &mut Command) -> (Used, ExitStatus) {
    let begun = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let mut used = Used::default();
    loop {
        let stat = stat(child.id());
        if let Some((true, cpu)) = stat {
            used.wall = begun.elapsed();
            used.cpu = cpu;
            break;
        }
        used.peak = used.peak.max(peak(child.id()));
        // The last that is seen: before it becomes another program, a child is as large as
        // its parent.
        used.child_peak = match children(child.id()).into_iter().map(peak).max() {
            None | Some(0) => used.child_peak,
            Some(seen) => seen,
        };
        std::thread::sleep(Duration::from_millis(2));
    }
    (used, child.wait().expect("the program is waited for"))
}

/// Processor time of one run of `work`, on all threads, over this many runs.
pub(crate) fn cpu_each(times: usize, mut work: impl FnMut()) -> Duration {
    let cpu = || stat(std::process::id()).map(|(_, cpu)| cpu).unwrap_or_default();
    let begun = cpu();
    (0..times).for_each(|_| work());
    (cpu() - begun) / u32::try_from(times).unwrap_or(1)
}

/// Whether a process has ended, and its processor time; ticks are hundredths of a second on every
/// Linux that this runs on.
fn stat(pid: u32) -> Option<(bool, Duration)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; what follows the last one does not.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((*fields.first()? == "Z", Duration::from_millis(ticks * 10)))
}

fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| pids(&list)).collect()
}

fn pids(list: &str) -> Vec<u32> {
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
