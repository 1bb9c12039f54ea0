//! What is asked of a machine from inside: QEMU's guest agent runs commands as its root, over a cable of its own and not
//! over the network. It answers once the machine has booted.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::socket::Socket;
use crate::error::{Error, Result};

const CALLED: &str = "the machine's agent";
const SOON: Duration = Duration::from_secs(30);

/// How long a machine that listens takes to answer. One that does not yet is asked again.
const PATIENCE: Duration = Duration::from_secs(3);
/// Questions of this process so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A command that runs in a machine.
pub(super) struct Begun {
    pid: Value,
    what: String,
}

/// A command that has ended in a machine.
pub(super) struct Ended {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Waits until the machine at this socket answers. It has to be asked anew all the time: what was asked before it listened is
/// lost. `unless` is looked at in between.
pub(super) fn wait(path: &Path, until: Instant, unless: &mut dyn FnMut() -> Result<()>) -> Result<Agent> {
    loop {
        match Agent::connect(path) {
            Ok(agent) => return Ok(agent),
            Err(error) if Instant::now() > until => {
                return Err(Error::failed("the machine has not booted in time").because(error));
            }
            Err(_) => unless()?,
        }
    }
}

pub(super) struct Agent {
    socket: Socket,
}

impl Agent {
    /// Only one who asks at a time is heard: a second one waits for the first to leave.
    pub(super) fn connect(path: &Path) -> Result<Self> {
        let mut socket = Socket::connect(path, CALLED)?;
        // Answers to whoever was here before may still be on their way: the own one is told by its number.
        let id = json!(COUNT.fetch_add(1, Ordering::Relaxed) << 32 | u64::from(std::process::id()));
        let until = Instant::now() + PATIENCE;
        let mut answer = socket.ask("guest-sync-delimited", json!({ "id": id }), PATIENCE)?;
        while answer != id {
            answer = socket.line(until)?["return"].take();
        }
        Ok(Self { socket })
    }

    /// Runs a command to its end.
    pub(super) fn run(&mut self, argv: &[&str], input: &[u8], deadline: Duration) -> Result<Ended> {
        let command = self.begin(argv, input)?;
        self.finish(&command, deadline)
    }

    /// Starts a command, which goes on by itself.
    pub(super) fn begin(&mut self, argv: &[&str], input: &[u8]) -> Result<Begun> {
        let (program, arguments) = argv.split_first().unwrap_or((&"true", &[]));
        let environment =
            ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"];
        let started = self.socket.ask(
            "guest-exec",
            json!({
                "path": program, "arg": arguments, "env": environment,
                "input-data": STANDARD.encode(input), "capture-output": true
            }),
            SOON,
        )?;
        Ok(Begun { pid: started["pid"].clone(), what: argv.join(" ") })
    }

    /// Waits for its end.
    pub(super) fn finish(&mut self, command: &Begun, deadline: Duration) -> Result<Ended> {
        let until = Instant::now() + deadline;
        let mut pause = Duration::from_millis(20);
        loop {
            let now = self.socket.ask("guest-exec-status", json!({ "pid": command.pid }), SOON)?;
            if now["exited"] == true {
                return Ok(ended(&now));
            }
            if Instant::now() > until {
                return Err(Error::failed(format!("{} did not end in {} s", command.what, deadline.as_secs())));
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Runs a shell script that must succeed.
    pub(super) fn script(&mut self, script: &str, deadline: Duration) -> Result<String> {
        let command = self.begin_script(script)?;
        self.finish_script(&command, deadline)
    }

    pub(super) fn begin_script(&mut self, script: &str) -> Result<Begun> {
        self.begin(&["sh", "-s"], script.as_bytes())
    }

    /// The output of a script that must succeed.
    pub(super) fn finish_script(&mut self, command: &Begun, deadline: Duration) -> Result<String> {
        let ended = self.finish(command, deadline)?;
        if ended.status == 0 {
            return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        Err(Error::failed(format!("a script in the machine ended with {}", ended.status)).because(said))
    }
}

/// Output is base64, and is not there when there is none.
fn ended(status: &Value) -> Ended {
    let output = |name: &str| status[name].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let number = |name: &str| status[name].as_i64().and_then(|number| i32::try_from(number).ok());
    // As a shell says it.
    let code = number("exitcode").or_else(|| number("signal").map(|signal| 128 + signal)).unwrap_or(-1);
    Ended { status: code, stdout: output("out-data"), stderr: output("err-data") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_agent_says_of_an_end() {
        let ended = ended(&json!({ "exitcode": 3, "exited": true, "err-data": "bm8K" }));
        assert_eq!((ended.status, ended.stdout, ended.stderr), (3, Vec::new(), b"no\n".to_vec()));
        assert_eq!(super::ended(&json!({ "signal": 9, "exited": true })).status, 137);
    }
}
