//! Whether this computer can have a lab: by trying, since no file says it reliably.

use std::{net::Ipv4Addr, path::Path, thread};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
};

use super::{
    need_root, neighbours,
    netlink::Socket,
    rootfs::{self, Tree},
    vm,
};
use crate::error::{Error, Result};

/// The same for machines that boot, as far as it can be seen without starting one.
///
/// # Errors
/// What is missing or refused, and what can be done about it.
pub fn support_vms() -> Result<()> {
    need_root()?;
    vm::missing()?;
    let tried = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).map_err(refused)?;
        try_network().map_err(no_network)
    });
    tried.join().unwrap_or_else(|_| Err(Error::failed("cannot try whether this computer can have a lab")))
}

/// Makes everything that a machine needs from the kernel, once and in a thread with namespaces of its own, and lets go
/// of it. Takes some milliseconds and leaves nothing.
///
/// # Errors
/// What the kernel refused, and why that may be.
pub fn support() -> Result<()> {
    need_root()?;
    // Network, mounts and host name belong to a thread; the rest of the program keeps its own.
    let tried = thread::spawn(try_all).join();
    tried.unwrap_or_else(|_| Err(Error::failed("cannot try whether this computer can have a lab")))
}

fn try_all() -> Result<()> {
    let wanted =
        CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWNS;
    unshare(wanted).map_err(refused)?;
    rootfs::make_private()?;
    // Over /tmp, in this thread's sight only.
    let tree = Tree { scratch: "/tmp".into(), base: None, points: rootfs::system_mounts()?, redirect: "on" };
    let root = tree.mount(&[])?;
    if !Path::new(&root.join("usr")).is_dir() {
        return Err(Error::failed("an overlay over / does not show this computer's files"));
    }
    try_network().map_err(no_network)
}

fn no_network(errno: Errno) -> Error {
    match errno {
        Errno::EOPNOTSUPP => Error::failed("the kernel has no network bridge or no veth")
            .hinted("Try: sudo modprobe bridge && sudo modprobe veth"),
        _ => Error::failed("cannot make a network for the lab's machines").because(errno.desc()),
    }
}

fn try_network() -> nix::Result<()> {
    let mut network = Socket::open()?;
    network.add_bridge("lab0")?;
    let bridge = nix::net::if_::if_nametoindex("lab0")?;
    network.add_cable(
        "node0",
        bridge,
        ("eth0", neighbours::hardware(Ipv4Addr::LOCALHOST)),
        nix::unistd::gettid().as_raw(),
    )
}

/// The error of a kernel that gives no namespaces.
pub(super) fn refused(errno: Errno) -> Error {
    let error =
        Error::failed("the kernel refuses namespaces, of which the lab's machines are made").because(errno.desc());
    match errno {
        Errno::EPERM => error.hinted("A container often forbids this: run the lab on the computer itself."),
        Errno::ENOSPC => error.hinted("Too many exist already: see `sysctl user` for the limits."),
        Errno::EINVAL => error.hinted("This kernel was built without them."),
        _ => error,
    }
}
