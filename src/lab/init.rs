//! Process 1 of a node: makes the node's files and network, starts the real sshd, says so to the keeper, and from then
//! on only takes in processes that lost their parent. When it dies, the kernel ends the node and frees its memory.

use std::{
    fs,
    io::Read,
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    net::if_::if_nametoindex,
    sys::{
        signal::{SigSet, Signal},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
};

use super::{
    child,
    host::{self, command},
    kernel_mounts, neighbours,
    netlink::Socket,
    network::{Network, PREFIX},
    node_files::{self, Identity},
    rootfs::{self, Tree},
    wire::{self, Message},
};
use crate::error::{Context, Error, Result};

/// The interface of a node, with the name that most machines give to their first one.
pub(super) const INTERFACE: &str = "eth0";
/// sshd answers in half a second on a quiet computer; two hundred nodes that start together need far longer.
const SSHD_DEADLINE: Duration = Duration::from_secs(60);
const SSHD_LOG: &str = "/run/sshd.log";

/// What a node is to become.
pub(super) struct Node<'a> {
    pub identity: Identity<'a>,
    pub address: Ipv4Addr,
    /// The lab's network, and how many machines it has.
    pub lab: (Network, usize),
    pub tree: &'a Tree,
    pub hidden: &'a [std::path::PathBuf],
}

/// Never returns while the node lives. A byte from `keeper` says that the cable is plugged in.
pub(super) fn run(node: &Node<'_>, mut keeper: &UnixStream) -> isize {
    match boot(node, keeper) {
        Ok(host_key) => {
            if wire::send(&mut keeper, &Message::Up { host_key }).is_err() {
                return 1;
            }
            let _ = keeper.shutdown(std::net::Shutdown::Both);
            reap_forever()
        }
        Err(error) => {
            // When the keeper is gone, so is the reason to say anything.
            let _ = wire::send(&mut keeper, &Message::failed(&error));
            1
        }
    }
}

fn boot(node: &Node<'_>, mut keeper: &UnixStream) -> Result<String> {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    rootfs::make_private()?;
    let root = node.tree.mount(node.hidden)?;
    rootfs::enter(&root)?;
    kernel_mounts::mount_all(Path::new("/"))?;
    let host_key = node_files::write(&node.identity)?;
    keeper.read_exact(&mut [0]).context(|| "the keeper of the lab is gone")?;
    bring_network_up(node).context(|| format!("cannot set up {INTERFACE} with {}", node.address))?;
    // What would change the computer's kernel rather than the node; numbers of linux/capability.h:
    // raw input and output, kernel modules, the clock, making devices.
    child::drop_capabilities(&[17, 16, 25, 27]);
    start_sshd()?;
    Ok(host_key)
}

fn bring_network_up(node: &Node<'_>) -> nix::Result<()> {
    let mut network = Socket::open()?;
    network.set_up(if_nametoindex("lo")?)?;
    let index = if_nametoindex(INTERFACE)?;
    network.add_address(index, node.address, PREFIX)?;
    network.set_up(index)?;
    neighbours::introduce(&mut network, index, node.lab, node.address)
}

fn start_sshd() -> Result<()> {
    let mut sshd = command("/usr/sbin/sshd")
        .args(["-D", "-E", SSHD_LOG])
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context(|| "cannot start /usr/sbin/sshd")?;
    wait_for_sshd(&mut sshd)
}

/// Looks at the table of sockets: a connection that ends at once is what OpenSSH 9.8 and later punish its sender for.
fn wait_for_sshd(sshd: &mut Child) -> Result<()> {
    let deadline = Instant::now() + SSHD_DEADLINE;
    while !listens("/proc/net") {
        if let Ok(Some(status)) = sshd.try_wait() {
            return Err(sshd_error(&format!("sshd ended with {status} instead of listening")));
        }
        if Instant::now() > deadline {
            return Err(sshd_error(&format!("sshd did not listen within {} s", SSHD_DEADLINE.as_secs())));
        }
        sleep(Duration::from_millis(4));
    }
    Ok(())
}

fn sshd_error(message: &str) -> Error {
    Error::failed(message).because(host::last_lines(&fs::read_to_string(SSHD_LOG).unwrap_or_default(), 5))
}

/// Whether something listens on TCP port 22 in the network whose tables are in `directory`.
pub(super) fn listens(directory: &str) -> bool {
    ["tcp", "tcp6"]
        .iter()
        .any(|table| fs::read_to_string(format!("{directory}/{table}")).is_ok_and(|text| has_listener(&text, 22)))
}

/// A line of `/proc/net/tcp` has the local address and port in hexadecimal, then the other end's, then the state, of
/// which 0A is LISTEN (proc(5)).
fn has_listener(table: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&end)) && words.nth(1) == Some("0A")
    })
}

fn reap_forever() -> ! {
    let child_ended = SigSet::from_iter([Signal::SIGCHLD]);
    // Blocked only now, so that sshd and all that it starts do not inherit it. The first round needs no signal.
    let _ = child_ended.thread_block();
    loop {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
        }
        if child_ended.wait().is_err() {
            sleep(Duration::from_secs(1));
        }
    }
}

/// Namespaces that a node has of its own.
pub(super) fn namespaces() -> nix::sched::CloneFlags {
    use nix::sched::CloneFlags;
    let mut flags = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNS;
    if Path::new("/proc/self/ns/cgroup").exists() {
        flags |= CloneFlags::CLONE_NEWCGROUP;
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 26153 1 0000000000000000 100 0 0 10 0
   1: 0100004D:0035 0200004D:A3F0 01 00000000:00000000 02:0000F1B0 00000000     0        0 27741 2 0000000000000000 20 4 30 10 -1
";

    #[test]
    fn finds_who_listens_and_not_who_is_connected() {
        assert!(has_listener(TABLE, 22));
        assert!(!has_listener(TABLE, 53));
        assert!(!has_listener(TABLE, 80));
    }
}
