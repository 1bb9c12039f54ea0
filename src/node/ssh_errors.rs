//! The one table that tells ssh's failures apart, by what OpenSSH prints with LC_ALL=C, and says what to do about each.

use crate::error::Error;

/// Why ssh did not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    HostKeyChanged,
    HostKeyUnknown,
    TooManyFailures,
    Denied,
    NoLogin,
    AccountExpired,
    PasswordExpired,
    Penalised,
    BadConfiguration,
    Unresolvable,
    JumpForwarding,
    Proxy,
    Dropped,
    Refused,
    TimedOut,
    NoRoute,
    ClosedEarly,
    Unknown,
}

/// First match wins: what says more stands above what says less. Each row: all of these texts must occur.
const TABLE: &[(&[&str], Cause)] = &[
    (&["REMOTE HOST IDENTIFICATION HAS CHANGED"], Cause::HostKeyChanged),
    (&["has changed and you have requested strict checking"], Cause::HostKeyChanged),
    (&["Host key verification failed"], Cause::HostKeyUnknown),
    (&["Too many authentication failures"], Cause::TooManyFailures),
    (&["account has expired"], Cause::AccountExpired),
    (&["Password change required"], Cause::PasswordExpired),
    (&["password has expired"], Cause::PasswordExpired),
    (&["required to change your password"], Cause::PasswordExpired),
    (&["Unprivileged users are not permitted to log in"], Cause::NoLogin),
    (&["account is currently not available"], Cause::NoLogin),
    (&["Permission denied ("], Cause::Denied),
    (&["No supported authentication methods available"], Cause::Denied),
    // OpenSSH 9.8 and later, PerSourcePenalties.
    (&["Not allowed at this time"], Cause::Penalised),
    (&["Bad configuration option"], Cause::BadConfiguration),
    (&["Can't open user config file"], Cause::BadConfiguration),
    (&["Bad owner or permissions on"], Cause::BadConfiguration),
    (&["terminating,", "bad configuration options"], Cause::BadConfiguration),
    (&["keyword ", " missing argument"], Cause::BadConfiguration),
    (&["Could not resolve hostname"], Cause::Unresolvable),
    (&["stdio forwarding failed"], Cause::JumpForwarding),
    (&["Connection refused"], Cause::Refused),
    (&["No route to host"], Cause::NoRoute),
    (&["Network is unreachable"], Cause::NoRoute),
    (&["Host is down"], Cause::NoRoute),
    (&["timed out"], Cause::TimedOut),
    (&["kex_exchange_identification"], Cause::Dropped),
    (&["ssh_exchange_identification"], Cause::Dropped),
    (&["Exceeded MaxStartups"], Cause::Dropped),
    (&["Connection closed by"], Cause::ClosedEarly),
    (&["Connection reset by"], Cause::ClosedEarly),
    (&["closed by remote host"], Cause::ClosedEarly),
    (&["Broken pipe"], Cause::ClosedEarly),
];

/// Reads what ssh printed.
pub(super) fn classify(stderr: &str) -> Diagnosis {
    let Some(before) = before_the_proxy_failed(stderr) else {
        return Diagnosis { cause: find(stderr), on_the_way: false };
    };
    match find(&before) {
        Cause::Unknown => Diagnosis { cause: Cause::Proxy, on_the_way: false },
        cause => Diagnosis { cause, on_the_way: cause != Cause::JumpForwarding },
    }
}

/// What failed, and whether it was a jump host on the way that it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub cause: Cause,
    pub on_the_way: bool,
}

fn find(stderr: &str) -> Cause {
    TABLE.iter().find(|(texts, _)| texts.iter().all(|text| stderr.contains(text))).map_or(Cause::Unknown, |row| row.1)
}

/// When a proxy ends, ssh's last words are about a peer without an address, as if that had closed the connection; what
/// the proxy itself said stands before them.
fn before_the_proxy_failed(stderr: &str) -> Option<String> {
    let mut lines: Vec<&str> = stderr.trim_end().lines().collect();
    lines.pop_if(|line| line.ends_with("UNKNOWN port 65535"))?;
    lines.pop_if(|line| line.contains("_exchange_identification"));
    Some(lines.join("\n"))
}

impl Cause {
    /// sshd drops connections at random when too many knock at once (MaxStartups): the same call may work a moment later.
    /// Not so where sshd punishes a source for failures: knocking again would lengthen that.
    pub(super) fn passes(self) -> bool {
        matches!(self, Self::Dropped | Self::ClosedEarly)
    }
}

/// Where ssh was going, as the user would type it, and what it asked on the way.
pub(super) struct Journey<'a> {
    /// `ssh -p 2222 ana@client1`
    pub command: &'a str,
    /// `client1`, `ana@client1`, `10.0.0.1 port 2222`
    pub target: &'a str,
    /// The fingerprint that was shown and not accepted.
    pub refused_key: Option<&'a str>,
}

/// The target of whose name is the node's, which stands before the message.
pub(super) const ITSELF: &str = "it";

/// The error for a user: what failed, ssh's own words, and the next command.
pub(super) fn explain(diagnosis: Diagnosis, stderr: &str, journey: &Journey<'_>) -> Error {
    let Journey { command, target, refused_key } = journey;
    let Diagnosis { cause, on_the_way } = diagnosis;
    let target = if on_the_way { format!("the jump host before {target}") } else { (*target).to_owned() };
    let key_of = if target == ITSELF { "its host key".to_owned() } else { format!("the host key of {target}") };
    let (message, hint) = match cause {
        Cause::HostKeyChanged => (
            format!("{key_of} is not the one that is pinned in known_hosts"),
            "Either the machine was reinstalled, or another one answers at its address. If you know that it was reinstalled, \
             run the ssh-keygen line below, then this command again."
                .to_owned(),
        ),
        Cause::HostKeyUnknown => (
            match refused_key {
                Some(key) => format!("{key_of} ({key}) is not known yet and was not accepted"),
                None => format!("{key_of} is not known yet"),
            },
            format!("Run `{command}` once and compare the fingerprint, or add `--accept-new` to this command to pin it unseen."),
        ),
        Cause::TooManyFailures => (
            format!("{target} ended the log-in after too many keys that it does not accept"),
            "Name the right key with `IdentityFile` and `IdentitiesOnly yes` for this host in ~/.ssh/config.".to_owned(),
        ),
        Cause::Denied => (
            format!("{target} accepts no key that ssh offers"),
            if takes_password(stderr) {
                format!(
                    "Add `--ask-pass` (`-k`) to log in with the password, or run `{}` to install your key there; `{command} -v` \
                     shows which keys are offered.",
                    command.replacen("ssh", "ssh-copy-id", 1)
                )
            } else {
                format!(
                    "It takes no password either: put your key into ~/.ssh/authorized_keys there from its own keyboard. \
                     `{command} -v` shows which keys are offered."
                )
            },
        ),
        Cause::NoLogin => (
            format!("{target} lets this user not log in"),
            "The machine may still be starting (wait and try again), or the account has no login shell (`chsh`).".to_owned(),
        ),
        Cause::AccountExpired => (
            format!("the account on {target} has expired"),
            "On that machine, as root: `chage -E -1 USER`.".to_owned(),
        ),
        Cause::PasswordExpired => (
            format!("the password on {target} has expired"),
            format!("Run `{command}` once and set a new one."),
        ),
        Cause::Penalised => (
            format!("{target} refuses this machine for a while after failed connections"),
            "Wait a minute without trying, then run this command again.".to_owned(),
        ),
        Cause::BadConfiguration => (
            "the ssh configuration has a mistake".to_owned(),
            format!("Correct the file that ssh names; `{command}` fails the same way."),
        ),
        Cause::Unresolvable => (
            format!("no address is known for {target}"),
            "Give its address in the place of its name, or write the name into /etc/hosts or ~/.ssh/config.".to_owned(),
        ),
        Cause::JumpForwarding => (
            format!("the jump host cannot reach {target}"),
            format!("Look from the jump host whether sshd runs there; `{command} -v` shows the way that ssh takes."),
        ),
        Cause::Proxy => (
            format!("the ProxyJump or ProxyCommand on the way to {target} failed"),
            format!("`{command} -v` shows the way that ssh takes."),
        ),
        Cause::Dropped => (
            format!("sshd on {target} drops connections before the log-in"),
            "Too many knock at once (MaxStartups), or it blocks this address (fail2ban, tcp wrappers): wait a minute, then run \
             this command again."
                .to_owned(),
        ),
        Cause::Refused => (
            format!("nothing listens for ssh on {target}"),
            "On that machine, as root: `apt install openssh-server` or `systemctl start ssh`; another port is given as \
             `host:port`."
                .to_owned(),
        ),
        Cause::TimedOut => (
            format!("{target} does not answer"),
            "Check that it is on and that no firewall drops port 22.".to_owned(),
        ),
        Cause::NoRoute => (
            format!("there is no way to {target} on the network"),
            "Check the address, and that the machine is on and in the same network.".to_owned(),
        ),
        Cause::ClosedEarly => (
            format!("{target} closed the connection"),
            format!("`{command} -v` shows where it stops; the reason stands in that machine's journal (`journalctl -u ssh`)."),
        ),
        Cause::Unknown => (format!("ssh to {target} failed"), format!("`{command} -v` shows where it stops.")),
    };
    Error::failed(message).because(evidence(cause, stderr)).hinted(hint)
}

/// Whether sshd names a password among the ways in: `Permission denied (publickey,password).`
fn takes_password(stderr: &str) -> bool {
    let ways = stderr.lines().rev().find_map(|line| line.split_once("Permission denied (")?.1.split_once(')'));
    ways.is_none_or(|(ways, _)| ways.split(',').any(|way| way == "password" || way == "keyboard-interactive"))
}

/// ssh's own words for the cause.
fn evidence(cause: Cause, stderr: &str) -> String {
    if cause != Cause::HostKeyChanged {
        return last_words(stderr);
    }
    // Of its box of warnings, what tells the keys apart and what to type.
    let telling = ["SHA256:", "Offending", "ssh-keygen"];
    let lines = stderr.lines().map(str::trim).filter(|line| telling.iter().any(|word| line.starts_with(word)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The last lines that ssh printed; that it pinned a key is not one of them.
pub(super) fn last_words(stderr: &str) -> String {
    let lines = stderr.lines().map(str::trim);
    let lines: Vec<&str> =
        lines.filter(|line| !line.is_empty() && !line.starts_with("Warning: Permanently added")).collect();
    lines[lines.len().saturating_sub(3)..].join("\n")
}

#[cfg(test)]
#[path = "ssh_errors_tests.rs"]
mod tests;
