//! `mpiup lab connect`: ssh's `ProxyCommand` for the lab. It goes into the lab's network, connects, hands the connected
//! socket to ssh (`ProxyUseFdpass`), and ends: no process stands between ssh and the node.

use std::{
    fs::File,
    io::IoSlice,
    net::{Ipv4Addr, TcpStream},
    os::fd::{AsRawFd, RawFd},
    thread,
    time::Duration,
};

use nix::{
    sched::{CloneFlags, setns},
    sys::socket::{ControlMessage, MsgFlags, sendmsg},
};

use super::{Lab, no_such_lab, state::Process};
use crate::error::{Context, Error, Result};

const DEADLINE: Duration = Duration::from_secs(10);
/// For a look at something that usually answers within milliseconds.
const LOOK: Duration = Duration::from_secs(3);
const STDOUT: RawFd = 1;

/// Passes a connection to `address:port` of the lab over the standard output, which ssh has made a socket.
///
/// # Errors
/// When there is no such lab, or nothing answers there.
pub fn connect(name: &str, address: Ipv4Addr, port: u16) -> Result<()> {
    let lab = Lab::find(name)?.ok_or_else(|| no_such_lab(name))?;
    let machine = lab.machines().iter().find(|machine| machine.address == address);
    let called = machine.map_or_else(|| address.to_string(), |machine| machine.name.clone());
    let stream = lab.dial(address, port).map_err(|error| error.on(called))?;
    sendmsg::<()>(
        STDOUT,
        &[IoSlice::new(b"\0")],
        &[ControlMessage::ScmRights(&[stream.as_raw_fd()])],
        MsgFlags::empty(),
        None,
    )
    .map(drop)
    .map_err(|errno| {
        Error::failed("cannot hand the connection to ssh")
            .because(errno.desc())
            .hinted(format!("This command is for ssh alone. Type instead: {} lab ssh master", super::mpiup()))
    })
}

impl Lab {
    /// A connection to a machine from inside the lab's network. The calling thread stays in that network.
    fn dial(&self, address: Ipv4Addr, port: u16) -> Result<TcpStream> {
        enter_network(self.keeper, &format!("the lab {}", self.name), || no_such_lab(&self.name))?;
        TcpStream::connect_timeout(&(address, port).into(), DEADLINE)
            .context(|| format!("cannot connect to {address} port {port}"))
    }
}

/// Whether something listens there, in the network that this process is in.
pub(super) fn answers(inside: Process, address: Ipv4Addr, port: u16) -> bool {
    let look = move || {
        let gone = || Error::failed("the machine has ended");
        enter_network(inside, "the machine", gone).is_ok()
            && TcpStream::connect_timeout(&(address, port).into(), LOOK).is_ok()
    };
    // Only that thread goes there.
    thread::spawn(look).join().unwrap_or(false)
}

/// Takes the calling thread into the network of a process.
fn enter_network(of: Process, called: &str, gone: impl Fn() -> Error) -> Result<()> {
    let failed = || format!("cannot enter the network of {called}");
    let network = File::open(format!("/proc/{}/ns/net", of.pid)).context(failed)?;
    if !of.is_alive() {
        return Err(gone());
    }
    setns(&network, CloneFlags::CLONE_NEWNET).context(failed)
}
