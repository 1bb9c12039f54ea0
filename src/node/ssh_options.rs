//! What ssh is told on its command line: where to go, and the options that mpiup does not leave to the user's configuration.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::Trace;
use super::desk::Desk;
use crate::quote;

/// What all connections of one command have in common.
pub(super) struct Setting {
    pub config: Option<PathBuf>,
    pub accept_new: bool,
    pub connect_timeout: Duration,
    pub askpass: PathBuf,
    pub desk: Desk,
    pub directory: TempDir,
    pub trace: Option<Trace>,
}

/// Where a link goes.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    /// The name under which the host key must be pinned already, where it is not the host's own; until it is pinned for that.
    pub known_as: RefCell<Option<String>>,
}

impl Destination {
    /// All options: what is said of the host key stands first, where it counts.
    pub(super) fn options(&self, setting: &Setting) -> Vec<String> {
        let Some(name) = &*self.known_as.borrow() else { return options(setting) };
        let alias = format!("HostKeyAlias={name}");
        [own(&[&alias, "StrictHostKeyChecking=yes", "CheckHostIP=no"]), options(setting)].concat()
    }

    /// As a person says it.
    pub(super) fn display(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        format!("{user}{}{port}", self.host)
    }

    /// As a person types it.
    pub(super) fn command(&self, config: Option<&Path>) -> String {
        let mut words = vec!["ssh".to_owned()];
        words.extend(config.into_iter().flat_map(|path| ["-F".to_owned(), path.display().to_string()]));
        words.extend(self.port.into_iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        words.push(format!("{user}{}", self.host));
        quote::words(words)
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        let user = self.user.iter().flat_map(|user| ["-l".to_owned(), user.clone()]);
        let port = self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]);
        // A host may not be taken for an option.
        user.chain(port).chain(["--".to_owned(), self.host.clone()]).collect()
    }
}

/// What every ssh of ours gets. The first value that ssh meets for an option counts, so these stand above the user's.
fn options(setting: &Setting) -> Vec<String> {
    let mut arguments: Vec<String> =
        setting.config.iter().flat_map(|path| ["-F".to_owned(), path.display().to_string()]).collect();
    arguments.extend(own(&[
        "ServerAliveInterval=10",
        "ServerAliveCountMax=3",
        "ConnectionAttempts=1",
        // A node gets nothing of the operator's but the log-in.
        "ForwardAgent=no",
        "ForwardX11=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "RemoteCommand=none",
        "RequestTTY=auto",
        "EscapeChar=none",
        // It rewrites known_hosts as a whole: of many connections at once, one would undo what another has just pinned.
        "UpdateHostKeys=no",
    ]));
    arguments.extend(["-o".to_owned(), format!("ConnectTimeout={}", setting.connect_timeout.as_secs().max(1))]);
    if setting.accept_new {
        arguments.extend(own(&["StrictHostKeyChecking=accept-new"]));
    }
    // Without `--ask-pass` nobody types a password: ssh would send empty ones, which sshd counts as failed log-ins.
    arguments.extend(own(match (setting.desk.logs_in_by_password(), setting.desk.can_ask()) {
        (true, _) => &["NumberOfPasswordPrompts=3"],
        // The passphrase of a key may still be asked for.
        (false, true) => &["NumberOfPasswordPrompts=3", "PasswordAuthentication=no", "KbdInteractiveAuthentication=no"],
        (false, false) => &["NumberOfPasswordPrompts=0"],
    }));
    arguments
}

pub(super) fn own(options: &[&str]) -> Vec<String> {
    options.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]).collect()
}

pub(super) fn trace(setting: &Setting, arguments: &[String]) {
    if let Some(trace) = &setting.trace {
        trace(&format!("ssh {}", quote::words(arguments)));
    }
}
