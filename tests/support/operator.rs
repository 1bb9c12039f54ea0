//! The person at the operator's machine: a home, a folder with mpiup.toml and programs, and the command `mpiup`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{TestLab, child, plan::Plan, test_lab::MPIUP};

/// The longest that any of the commands may take, as a multiple of what one over ssh may: `up` with packages for three nodes.
const PATIENCE: u32 = 5;

/// Everything that mpiup writes on the operator's machine lies in a folder of this operator's own; only what can be
/// fetched again is shared with others.
pub struct Operator<'a> {
    pub lab: &'a TestLab,
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl<'a> Operator<'a> {
    /// With the examples in the folder, and a spec for the lab that `mpiup init` wrote.
    pub fn new(lab: &'a TestLab, source: &str) -> Self {
        let operator = Self::without_spec(lab);
        let init = ["init", "--lab", &lab.name, "--name", "aula", "--source", source];
        operator.mpiup(&init).succeeded();
        operator
    }

    pub fn without_spec(lab: &'a TestLab) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "home", "run", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let operator = Self { lab, folder };
        fs::copy("examples/ejemplo.py", operator.work().join("ejemplo.py")).unwrap();
        operator
    }

    /// Where everything of this operator lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder in which the commands are typed.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub fn spec(&self) -> String {
        fs::read_to_string(self.work().join("mpiup.toml")).unwrap()
    }

    pub fn set_spec(&self, text: &str) {
        fs::write(self.work().join("mpiup.toml"), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let mut command = child::program(MPIUP);
        command.args(args).current_dir(self.work()).env("XDG_CACHE_HOME", cache());
        command.env("HOME", at("home")).env("XDG_RUNTIME_DIR", at("run")).env("TMPDIR", at("tmp"));
        command.env_remove("SSH_AUTH_SOCK").env_remove("XDG_STATE_HOME").env_remove("XDG_CONFIG_HOME");
        command
    }

    /// Types a command and waits for its end.
    pub fn mpiup(&self, args: &[&str]) -> Ran {
        let begun = Instant::now();
        Ran::new(child::run(&mut self.command(args), b"", self.lab.patience * PATIENCE), begun)
    }

    /// Types a command and goes on.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The end of a command that was started, and told to end since.
    pub fn finish(&self, child: Child) -> Ran {
        self.finish_within(child, Duration::from_secs(60))
    }

    pub fn finish_within(&self, child: Child, deadline: Duration) -> Ran {
        let begun = Instant::now();
        Ran::new(child::finish(child, "mpiup", deadline), begun)
    }

    /// What `mpiup plan --json` shows, and that its exit code says the same.
    pub fn plan(&self) -> Plan {
        let ran = self.mpiup(&["plan", "--json"]);
        assert!(!ran.stdout.contains("\\u001b"), "colour is no data: {}", ran.stdout);
        let plan = Plan::parse(&ran.json());
        assert_eq!(ran.code, if plan.changes == 0 { 0 } else { 3 }, "{ran:?}");
        plan
    }

    /// `mpiup up` that must come through; its report.
    pub fn up(&self) -> Value {
        self.mpiup(&["up", "--yes", "--json"]).succeeded().json()
    }

    /// `mpiup down` that must come through; its report.
    pub fn down(&self, more: &[&str]) -> Value {
        self.mpiup(&[&["down", "--yes", "--json"], more].concat()).succeeded().json()
    }
}

impl Ran {
    /// Its notes, warnings and errors, without the breaks that make them fit the screen.
    pub fn said(&self) -> String {
        self.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn new(output: Output, begun: Instant) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        // None when a signal ended it, which no command of mpiup lets happen.
        let code = output.status.code().unwrap_or_else(|| panic!("{}: {stderr}", output.status));
        Self { code, stdout, stderr, took: begun.elapsed() }
    }

    /// None when a signal ended it.
    pub fn of_killed(output: Output, begun: Instant) -> Option<Self> {
        output.status.code().is_some().then(|| Self::new(output, begun))
    }

    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.stderr, self.stdout);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// Wheels are fetched once for all tests.
fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache");
    env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from)
}
