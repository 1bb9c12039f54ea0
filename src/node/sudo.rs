//! How a session becomes root, and how sudo gets its password: on its standard input, and only after it asked.
//!
//! sudo asks with a random word, and what it starts says another one. A sudo that does not ask (NOPASSWD, or its memory
//! of the last time) is so never given a password, which the shell behind it would read.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::framing::random_word;
use super::running::Running;
use crate::error::Error;
use crate::secret::Secret;

/// For whoever has no root where it was wanted: mpiup was not told that sudo has to be given a password.
pub const SUDO_PASSWORD: &str = "If sudo wants a password there, add `--ask-become-pass` (`-K`).";

/// With whose rights commands run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rights {
    /// Of the user who logged in.
    Own,
    /// Root's.
    Sudo(Sudo),
}

/// What sudo wants on a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sudo {
    pub password: Option<Secret>,
    /// `Defaults requiretty`
    pub terminal: bool,
}

/// Why sudo started nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    WrongPassword,
    /// In its own words.
    Said(String),
    /// Neither question nor answer came for so long.
    Silent(Duration),
}

/// The way of one session to its rights.
pub(super) struct Passage<'a> {
    rights: &'a Rights,
    prompt: String,
    through: String,
}

/// sudo waits two seconds after a wrong password, and a directory service may take longer than that for a right one.
const PATIENCE: Duration = Duration::from_secs(30);

impl<'a> Passage<'a> {
    pub(super) fn new(rights: &'a Rights) -> Self {
        Self { rights, prompt: random_word(), through: random_word() }
    }

    /// What stands before `sh -c SCRIPT`.
    pub(super) fn command(&self) -> Vec<&str> {
        match self.rights {
            Rights::Own => vec![],
            Rights::Sudo(Sudo { password: None, .. }) => vec!["sudo", "-n", "--"],
            // PAM asks with sudo's own prompt only where it would have asked for the `Password:`, in English.
            Rights::Sudo(Sudo { password: Some(_), .. }) => {
                vec!["env", "LC_ALL=C", "sudo", "-S", "-p", &self.prompt, "--"]
            }
        }
    }

    pub(super) fn script(&self, script: &str) -> String {
        if self.is_watched() { format!("echo {} >&2; {script}", self.through) } else { script.to_owned() }
    }

    /// Whether sudo says something that is to be waited for.
    fn is_watched(&self) -> bool {
        matches!(self.rights, Rights::Sudo(sudo) if sudo.password.is_some() || sudo.terminal)
    }

    /// Whether sudo runs on a terminal only.
    pub(super) fn wants_terminal(&self) -> bool {
        matches!(self.rights, Rights::Sudo(sudo) if sudo.terminal)
    }

    /// Goes with a session that was just started to where its script begins. On a terminal sudo's words come with
    /// standard output.
    pub(super) async fn enter(&self, mut running: Running, tty: bool) -> Result<Running, Refusal> {
        let Rights::Sudo(Sudo { password, .. }) = self.rights else { return Ok(running) };
        if !self.is_watched() {
            return Ok(running);
        }
        let Running { stdin, stdout, stderr, .. } = &mut running;
        let words: &mut (dyn AsyncRead + Unpin) = if tty { stdout } else { stderr };
        let entered = tokio::time::timeout(PATIENCE, self.answer(password.as_ref(), words, stdin)).await;
        entered.map_err(|_| Refusal::Silent(PATIENCE))??;
        Ok(running)
    }

    async fn answer(
        &self,
        password: Option<&Secret>,
        words: &mut (dyn AsyncRead + Unpin),
        stdin: &mut Option<tokio::net::unix::pipe::Sender>,
    ) -> Result<(), Refusal> {
        let mut said = Vec::new();
        let mut answered = false;
        // Byte by byte: what follows the mark is the script's own.
        while let Ok(byte) = words.read_u8().await {
            said.push(byte);
            if byte == b'\n' && said.trim_ascii_end().ends_with(self.through.as_bytes()) {
                return Ok(());
            }
            if !said.ends_with(self.prompt.as_bytes()) {
                continue;
            }
            if answered {
                // The end of its input ends sudo, and one failure is counted and not three.
                *stdin = None;
                return Err(Refusal::WrongPassword);
            }
            said.clear();
            answered = true;
            if let (Some(stdin), Some(password)) = (&mut *stdin, password) {
                // A sudo that is gone says why.
                let _ = stdin.write_all(&password.line()).await;
            }
        }
        Err(Refusal::Said(String::from_utf8_lossy(&said).trim().to_owned()))
    }
}

/// Why there is no shell.
#[derive(Debug)]
pub(super) enum NoShell {
    Failed(Error),
    /// sudo started none.
    Refused(Refusal),
}

impl From<Error> for NoShell {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for NoShell {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refusal {
    /// Whether sudo would have to be started on a terminal.
    pub(super) fn wants_terminal(&self) -> bool {
        matches!(self, Self::Said(text) if wants_terminal(text))
    }

    /// For a node where sudo is needed and was asked for.
    pub(super) fn error(&self, user: &str) -> Error {
        let without = format!(
            "Let {user} use sudo there (`usermod -aG sudo {user}`, as root). Or do without root: leave \
             `--ask-become-pass` out, with `user = \"{user}\"` in mpiup.toml, as `mpiup init` then writes it."
        );
        match self {
            Self::WrongPassword => Error::failed(format!("sudo does not accept the password of {user}"))
                .hinted("Check it with `sudo -v` on that machine, then run this command again."),
            Self::Silent(patience) => Error::failed(format!("sudo said nothing for {} s", patience.as_secs()))
                .hinted("Type `sudo -v` on that machine: it may ask for more than a password."),
            // env(1) says it with the name in one kind of quotes or another.
            Self::Said(text) if text.starts_with("env: ") && text.contains("No such file") => {
                Error::failed("sudo is not installed").hinted("Install it there as root, or log in as root: `root@…`.")
            }
            Self::Said(text) if wants_terminal(text) => Error::failed("sudo wants a terminal (`requiretty`)")
                .because(text)
                .hinted(format!("On that machine, with `visudo`: `Defaults:{user} !requiretty`. {without}")),
            Self::Said(text) => Error::failed(format!("{user} may not use sudo")).because(text).hinted(without),
        }
    }
}

/// What sudo says where `Defaults requiretty` holds.
pub(super) fn wants_terminal(said: &str) -> bool {
    said.contains("must have a tty")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::spawn::{self, OnDrop};

    /// A sudo of a few lines: asks `asks` times, and takes the password `right`.
    async fn enter(asks: &str, typed: &str) -> (Result<Running, Refusal>, String) {
        let rights = Rights::Sudo(Sudo { password: Some(Secret::new(typed.into())), terminal: false });
        let passage = Passage::new(&rights);
        let sudo = format!(
            "echo lecture >&2; n={asks}; while [ $n -gt 0 ]; do n=$((n-1)); printf %s \"$1\" >&2; IFS= read -r p || exit 1; \
             [ \"$p\" = 'a $b \"ñ\"' ] && break; [ $n -gt 0 ] || {{ echo '3 incorrect attempts' >&2; exit 1; }}; done; \
             exec sh -c \"$2\""
        );
        let script = passage.script("cat; printf err >&2");
        let running = spawn::local(&["sh", "-c", &sudo, "sudo", &passage.prompt, &script], OnDrop::HangUp).unwrap();
        (passage.enter(running, false).await, script)
    }

    #[tokio::test]
    async fn the_password_is_given_when_it_is_asked_for_and_never_else() {
        for asks in ["0", "1"] {
            let mut running = enter(asks, "a $b \"ñ\"").await.0.unwrap();
            running.stdin.as_mut().unwrap().write_all(b"to the script").await.unwrap();
            let output = running.output().await.unwrap();
            assert_eq!(
                (output.stdout.as_slice(), output.stderr.as_slice()),
                (b"to the script".as_slice(), b"err".as_slice())
            );
        }
    }

    #[tokio::test]
    async fn a_wrong_one_is_not_given_twice() {
        assert_eq!(enter("3", "wrong").await.0.unwrap_err(), Refusal::WrongPassword);
        assert_eq!(enter("1", "wrong").await.0.unwrap_err(), Refusal::Said("3 incorrect attempts".into()));
    }

    #[test]
    fn what_it_says_is_told_apart() {
        let said = |text: &str| Refusal::Said(text.into());
        let error = said("sudo: sorry, you must have a tty to run sudo").error("ana");
        assert!(error.hints()[0].contains("Defaults:ana !requiretty"), "{error}");
        let error = said("ana is not in the sudoers file.").error("ana");
        assert_eq!((error.message(), error.reasons().len()), ("ana may not use sudo", 1));
        assert!(error.hints()[0].contains("without root"), "{error}");
        let error = said("env: ‘sudo’: No such file or directory").error("ana");
        assert_eq!(error.message(), "sudo is not installed");
    }
}
