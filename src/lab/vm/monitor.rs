//! What is asked of QEMU itself about a machine (QMP, the QEMU machine protocol): run, stop, reset, save, go on from what
//! was saved.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::socket::Socket;
use crate::{
    error::{Error, Result},
    quote,
};

const CALLED: &str = "the machine's monitor";
const SOON: Duration = Duration::from_secs(20);
/// Memory goes to or comes from the disk: under a second on a quiet computer.
const SAVING: Duration = Duration::from_secs(120);

pub(super) struct Monitor(Socket);

impl Monitor {
    pub(super) fn connect(path: &Path) -> Result<Self> {
        let mut socket = Socket::connect(path, CALLED)?;
        // It greets first, and wants to be told that no capability is wanted.
        socket.line(Instant::now() + SOON)?;
        socket.ask("qmp_capabilities", json!({}), SOON)?;
        Ok(Self(socket))
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        self.ask("stop", json!({}))
    }

    pub(super) fn go_on(&mut self) -> Result<()> {
        self.ask("cont", json!({}))
    }

    /// As the reset button does: nothing is written back, and the next thing that runs is the firmware.
    pub(super) fn reset(&mut self) -> Result<()> {
        self.ask("system_reset", json!({}))
    }

    /// Whether its processor runs; it does not after `poweroff` in the machine.
    pub(super) fn runs(&mut self) -> Result<bool> {
        let status = self.0.ask("query-status", json!({}), SOON)?;
        Ok(status["running"] == true)
    }

    /// Writes the memory and the state of all devices into a file. The machine stands still before and after, and its
    /// disk belongs to that file from then on.
    pub(super) fn save_to(&mut self, file: &Path) -> Result<()> {
        self.stop()?;
        // The default is made for networks, and a tenth of what a disk takes.
        self.ask("migrate-set-parameters", json!({ "max-bandwidth": 1_u64 << 40 }))?;
        self.ask("migrate", json!({ "uri": format!("exec:cat > {}", quote::sh(&file.to_string_lossy())) }))?;
        self.moved()
    }

    /// In a QEMU that waits for it: takes over what [`Monitor::save_to`] wrote, and runs.
    pub(super) fn load_from(&mut self, file: &Path) -> Result<()> {
        let uri = format!("exec:cat {}", quote::sh(&file.to_string_lossy()));
        self.ask("migrate-incoming", json!({ "uri": uri }))?;
        self.moved()?;
        self.go_on()
    }

    /// A snapshot in the machine's own disk, with its memory.
    pub(super) fn snapshot(&mut self, verb: &str, tag: &str) -> Result<()> {
        // The command for people, since the one for programs (snapshot-save) wants the names of block nodes and a job.
        let line = json!({ "command-line": format!("{verb} {tag}") });
        let said = self.0.ask("human-monitor-command", line, SAVING)?;
        match said.as_str().unwrap_or_default().trim() {
            "" => Ok(()),
            said => Err(Error::failed(format!("{CALLED} refused {verb} {tag}")).because(said)),
        }
    }

    fn moved(&mut self) -> Result<()> {
        let until = Instant::now() + SAVING;
        loop {
            let state = self.0.ask("query-migrate", json!({}), SOON)?;
            match state["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("failed" | "cancelled") => {
                    let why = state["error-desc"].as_str().unwrap_or("QEMU gave no reason").to_owned();
                    return Err(Error::failed("the machine's memory could not be moved").because(why));
                }
                _ if Instant::now() > until => {
                    return Err(Error::failed(format!(
                        "the machine's memory was not moved after {} s",
                        SAVING.as_secs()
                    )));
                }
                _ => sleep(Duration::from_millis(30)),
            }
        }
    }

    fn ask(&mut self, command: &str, arguments: Value) -> Result<()> {
        self.0.ask(command, arguments, SOON).map(drop)
    }
}
