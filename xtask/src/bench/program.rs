//! Starts what is measured, and takes its time and memory.

#![allow(clippy::disallowed_methods, reason = "a measurement wants nothing between itself and the program")]

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use super::Outcome;
use crate::{
    family,
    run::{DEADLINE, Deadline},
};

/// A command line, and where and with which variables it runs.
#[derive(Debug, Clone)]
pub struct Program {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    folder: PathBuf,
}

/// How a program ended.
pub struct Ended {
    pub took: Duration,
    pub stdout: String,
    pub peak: Peak,
}

/// The most memory that was in use, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// By the program itself.
    pub own: u64,
    /// By all that it started, each at its worst, added up.
    pub children: u64,
}

impl Program {
    pub fn new<S: Into<String>>(folder: impl Into<PathBuf>, argv: impl IntoIterator<Item = S>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), env: vec![], folder: folder.into() }
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Runs it to its end, which must be a success.
    pub fn run(&self) -> Outcome<Ended> {
        self.measure(false)
    }

    /// The same with a look at its memory, which costs it some time.
    pub fn run_weighed(&self) -> Outcome<Ended> {
        self.measure(true)
    }

    fn measure(&self, weighed: bool) -> Outcome<Ended> {
        let begun = Instant::now();
        let child = self.ending_with_us().start(Stdio::piped())?;
        let _deadline = Deadline::of(child.id(), DEADLINE);
        let scale = weighed.then(|| Scale::under(child.id()));
        let output = child.wait_with_output().map_err(|error| self.failed(&error.to_string()))?;
        let took = begun.elapsed();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
            return Err(self.failed(&format!("{}\n{}", output.status, last_lines(&said))));
        }
        Ok(Ended { took, stdout, peak: scale.map(Scale::read).unwrap_or_default() })
    }

    /// A signal that ends this process alone (`kill`) ends the program too. setpriv becomes the program, and costs a millisecond.
    fn ending_with_us(&self) -> Self {
        let before = ["setpriv", "--pdeathsig", "TERM", "--"].map(str::to_owned);
        Self { argv: [&before[..], &self.argv].concat(), ..self.clone() }
    }

    fn start(&self, output: Stdio) -> Outcome<Child> {
        let (program, arguments) = self.argv.split_first().ok_or("there is nothing to run")?;
        let mut command = Command::new(program);
        command.args(arguments).envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::piped());
        command.spawn().map_err(|error| self.failed(&error.to_string()))
    }

    fn failed(&self, why: &str) -> String {
        format!("`{}` failed: {why}", self.argv.join(" "))
    }
}

/// Starts all programs at the same time; how long until the last one has ended.
pub fn side_by_side(programs: &[Program]) -> Outcome<Duration> {
    let begun = Instant::now();
    let started: Vec<Child> = programs.iter().map(|program| program.start(Stdio::null())).collect::<Result<_, _>>()?;
    let deadlines: Vec<Deadline> = started.iter().map(|child| Deadline::of(child.id(), DEADLINE)).collect();
    let mut problem = None;
    for (child, program) in started.into_iter().zip(programs) {
        let ended = child.wait_with_output().map_err(|error| program.failed(&error.to_string()))?;
        if !ended.status.success() {
            problem = Some(program.failed(&last_lines(&String::from_utf8_lossy(&ended.stderr))));
        }
    }
    let took = begun.elapsed();
    drop(deadlines);
    problem.map_or(Ok(took), Err)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// Weighs a process and its family until it is read.
struct Scale {
    stop: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<BTreeMap<u32, u64>>,
    process: u32,
}

impl Scale {
    fn under(process: u32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut worst = BTreeMap::new();
            while stopped.recv_timeout(Duration::from_millis(20)) == Err(mpsc::RecvTimeoutError::Timeout) {
                for member in family::of(process) {
                    let peak = fs::read_to_string(format!("/proc/{member}/status")).ok().and_then(|text| peak(&text));
                    let entry = worst.entry(member).or_default();
                    *entry = peak.unwrap_or_default().max(*entry);
                }
            }
            worst
        });
        Self { stop, thread, process }
    }

    fn read(self) -> Peak {
        drop(self.stop);
        let mut worst = self.thread.join().unwrap_or_default();
        let own = worst.remove(&self.process).unwrap_or_default();
        Peak { own, children: worst.values().sum() }
    }
}

/// The kernel's own record of the most that a process used (proc(5), VmHWM).
fn peak(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// Runs `script` when this process ends, whatever ends it, or when this is dropped.
pub struct AtTheEnd(Option<Child>);

impl AtTheEnd {
    pub fn run(script: &str) -> Outcome<Self> {
        use std::os::unix::process::CommandExt as _;
        // A group of its own: Ctrl-C ends this process, and by that begins the script.
        let child = Command::new("sh")
            .args(["-c", &format!("trap '' HUP INT TERM; read -r line; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        child.map(|child| Self(Some(child))).map_err(|error| format!("sh cannot be started: {error}"))
    }
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.stdin.take());
            // What it could not do shows in the next lab.
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_time_output_and_memory() {
        let ended = Program::new("/", ["sh", "-c", "sleep 0.2; echo $A"]).env("A", "b").run_weighed().unwrap();
        assert!(ended.took >= Duration::from_millis(200) && ended.took < Duration::from_secs(20), "{:?}", ended.took);
        assert_eq!(ended.stdout, "b\n");
        assert!(ended.peak.own > 100 && ended.peak.own < 100_000, "{:?}", ended.peak);
        assert!(Program::new("/", ["sh", "-c", "exit 3"]).run().is_err());
        assert_eq!(peak("VmPeak:\t 99 kB\nVmHWM:\t    1234 kB\n"), Some(1234));
    }

    #[test]
    fn side_by_side_takes_as_long_as_the_slowest() {
        let sleep = |seconds: &str| Program::new("/", ["sleep", seconds]);
        let took = side_by_side(&[sleep("0.3"), sleep("0.1"), sleep("0.3")]).unwrap();
        assert!(took >= Duration::from_millis(300), "{took:?}");
        assert!(side_by_side(&[sleep("0"), sleep("never")]).is_err());
    }

    #[test]
    fn the_end_comes_when_it_is_dropped() {
        let path = std::env::temp_dir().join(format!("mpiup-xtask-end-{}", std::process::id()));
        fs::write(&path, "").unwrap();
        let end = AtTheEnd::run(&format!("rm '{}'", path.display())).unwrap();
        assert!(path.exists());
        drop(end);
        assert!(!path.exists());
    }
}
