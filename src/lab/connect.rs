//! `mpiup lab connect`: ssh's `ProxyCommand` for the lab. It goes into the lab's network, connects, hands the connected
//! socket to ssh (`ProxyUseFdpass`), and ends: no process stands between ssh and the node.

use std::{
    fs::File,
    io::IoSlice,
    net::{Ipv4Addr, TcpStream},
    os::fd::{AsRawFd, RawFd},
    time::Duration,
};

use nix::{
    sched::{CloneFlags, setns},
    sys::socket::{ControlMessage, MsgFlags, sendmsg},
};

use super::{Lab, no_such_lab};
use crate::error::{Context, Error, Result};

const DEADLINE: Duration = Duration::from_secs(10);
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
        let failed = || format!("cannot enter the network of the lab {}", self.name);
        let network = File::open(format!("/proc/{}/ns/net", self.keeper.pid)).context(failed)?;
        if !self.keeper.is_alive() {
            return Err(no_such_lab(&self.name));
        }
        setns(&network, CloneFlags::CLONE_NEWNET).context(failed)?;
        TcpStream::connect_timeout(&(address, port).into(), DEADLINE)
            .context(|| format!("cannot connect to {address} port {port}"))
    }
}
