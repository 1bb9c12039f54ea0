//! A private sshd on a port of 127.0.0.1, with its own configuration, host key and users' files, for one test.
//!
//! As root it gets a mount namespace of its own, in which the user `sshd` and a home for root exist; nothing of the
//! machine changes. It goes when it is dropped.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mpiup::node::{Opener, Options};
use mpiup::spec::{Address, NodeName};

use crate::skip::skip;

pub struct Sshd {
    child: Child,
    directory: tempfile::TempDir,
    pub port: u16,
}

/// What a test wants of it.
#[derive(Default)]
pub struct Wish<'a> {
    /// More lines for sshd_config.
    pub config: &'a str,
    /// Content of root's .bashrc (only as root).
    pub bashrc: &'a str,
    /// Lines of sudoers (only as root, with sudo installed).
    pub sudoers: &'a str,
}

/// `$MPIUP_TEST_SSHD`, or where distributions put it.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("MPIUP_TEST_SSHD").map(PathBuf::from);
    named.into_iter().chain(["/usr/sbin/sshd".into()]).find(|path| path.exists())
}

pub fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// Writes to standard error past the test harness, which would swallow it.
pub fn say(text: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Nothing where there is no sshd: the test has then been skipped, and that was said.
pub fn start(wish: &Wish<'_>) -> Option<Sshd> {
    let Some(program) = program() else {
        skip("no sshd: install openssh-server, or name one in MPIUP_TEST_SSHD");
        return None;
    };
    Some(Sshd::start(&program, wish))
}

impl Sshd {
    fn start(program: &Path, wish: &Wish<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        key(&at.join("host"));
        key(&at.join("id"));
        fs::create_dir(at.join("home")).unwrap();
        fs::write(at.join("home/.bashrc"), wish.bashrc).unwrap();
        fs::write(at.join("sudoers"), wish.sudoers).unwrap();
        fs::copy(at.join("id.pub"), at.join("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let here = at.display();
        fs::write(
            at.join("sshd_config"),
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {here}/host\nAuthorizedKeysFile {here}/authorized_keys\n\
                 PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nLogLevel VERBOSE\n{}\n",
                wish.config
            ),
        )
        .unwrap();
        fs::write(
            at.join("ssh_config"),
            format!(
                "Host *\n  IdentityFile {here}/id\n  IdentitiesOnly yes\n  IdentityAgent none\n\
                 \x20 UserKnownHostsFile {here}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
            ),
        )
        .unwrap();
        let child = launch(program, at);
        let sshd = Self { child, directory, port };
        sshd.wait_for("Server listening on");
        sshd
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How many connections were authenticated so far.
    pub fn log_ins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    pub fn wait_for(&self, text: &str) {
        for _ in 0..500 {
            if self.log().contains(text) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("sshd never said {text:?}:\n{}", self.log());
    }

    pub fn address(&self) -> Address {
        Address::Ssh { user: None, host: "127.0.0.1".into(), port: Some(self.port) }
    }

    pub fn user(&self, user: &str) -> Address {
        Address::Ssh { user: Some(user.into()), host: "127.0.0.1".into(), port: Some(self.port) }
    }

    pub fn fingerprint(&self) -> String {
        let output = Command::new("ssh-keygen").arg("-lf").arg(self.path("host.pub")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    }

    pub fn known_hosts(&self) -> String {
        fs::read_to_string(self.path("known_hosts")).unwrap_or_default()
    }

    /// Options for this sshd, with mpiup itself as the askpass program.
    pub fn options(&self) -> Options {
        Options {
            ssh_config: Some(self.path("ssh_config")),
            askpass: Some(env!("CARGO_BIN_EXE_mpiup").into()),
            accept_new: true,
            ..Options::default()
        }
    }

    pub fn opener(&self) -> Opener {
        Opener::new(self.options()).unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

pub fn key(path: &Path) {
    let status = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(status.success());
}

/// sshd as a direct child, so that killing it by its id ends it.
fn launch(program: &Path, at: &Path) -> Child {
    let mut command = if is_root() { in_namespace(at) } else { Command::new(program) };
    if is_root() {
        command.arg(program);
    }
    command.args(["-D", "-f"]).arg(at.join("sshd_config")).arg("-E").arg(at.join("log"));
    command.stdin(Stdio::null()).process_group(0).spawn().unwrap()
}

fn in_namespace(at: &Path) -> Command {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let mut lines: Vec<&str> = passwd.lines().filter(|line| !line.starts_with("sshd:")).collect();
    let more = [
        "sshd:x:4022:65534::/run/sshd:/usr/sbin/nologin",
        // Not `x`: PAM would look for a line of the machine's shadow.
        "ana:*:4001:4001::/:/bin/sh",
        "shut:x:4002:4002::/:/usr/sbin/nologin",
    ];
    lines.extend(more);
    fs::write(at.join("passwd"), lines.join("\n") + "\n").unwrap();
    let script = r#"
        set -e
        mount --make-rprivate /
        mount --bind "$0/passwd" /etc/passwd
        mount -t tmpfs tmpfs /run
        mkdir -p /run/sshd
        mount --bind "$0/home" /root
        if [ -e /etc/sudoers ]; then
            chmod 440 "$0/sudoers"
            mount --bind "$0/sudoers" /etc/sudoers
        fi
        exec "$@"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(at);
    command
}
