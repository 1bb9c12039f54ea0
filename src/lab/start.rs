//! How a lab comes up, in the keeper: base layer, network, relay, then all nodes at once.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    net::if_::if_nametoindex,
    sched::{CloneFlags, unshare},
};

use super::{
    base, child,
    init::{self, Node},
    neighbours,
    netlink::Socket,
    network::{self, Network},
    node_files::Identity,
    relay,
    rootfs::{self, Tree, make_dir},
    running::{Running, Wanted},
    ssh_files,
    state::{self, MachineState, Process},
    watch::Watch,
    wire::{self, Message},
};
use crate::error::{Context, Error, Result};

const BRIDGE: &str = "lab0";
/// Longer than a node's own deadline, whose message says more.
const DEADLINE: Duration = Duration::from_secs(90);

/// Brings up the machines. What is started is in `lab` at once, so that an error leaves nothing.
pub(super) fn all(
    watch: &Watch,
    lab: &mut Running,
    wanted: &Wanted<'_>,
    program: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<()> {
    let Wanted { count, packages, .. } = *wanted;
    let directory = state::directory(&lab.state.name);
    let (scratch, base) = (directory.join("node"), directory.join("base"));
    make_dir(&scratch, 0o700)?;
    make_dir(&base, 0o700)?;
    let points = rootfs::system_mounts()?;
    let archive = base::ensure(watch, packages, &scratch, &points, report)?;
    report(&format!("Starting {count} machines"));
    let key = ssh_files::make_key(&lab.state.name)?;
    let (network, mut cables) = Cables::of_lab(lab)?;
    if let Some(archive) = &archive {
        base::unpack(archive, &base)?;
    }
    let tree = Tree { scratch, base: archive.map(|_| base), points, redirect: "on" };
    cables.introduce(network, count)?;
    let booting = start_nodes(lab, count, network, cables, &tree, &key)?;
    wait_for_nodes(watch, lab, booting)?;
    ssh_files::write(&lab.state.name, program, &lab.state.machines)?;
    lab.state.ready = true;
    lab.state.write()
}

/// The bridge of the lab, in whose namespace the keeper is by now.
pub(super) struct Cables {
    socket: Socket,
    bridge: u32,
}

impl Cables {
    /// Takes the keeper into a network of the lab's own, with a relay to the world's packages.
    pub(super) fn of_lab(lab: &mut Running) -> Result<(Network, Self)> {
        let network = Network::choose(&std::fs::read_to_string("/proc/net/route").unwrap_or_default());
        let outside = File::open("/proc/self/ns/net").context(|| "cannot open this computer's network namespace")?;
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).map_err(super::support::refused)?;
        rootfs::make_slave()?;
        let cables = Self::new(network)?;
        start_relay(lab, network, &outside)?;
        Ok((network, cables))
    }

    fn new(network: Network) -> Result<Self> {
        let make = || -> nix::Result<Self> {
            let mut socket = Socket::open()?;
            socket.set_up(if_nametoindex("lo")?)?;
            socket.add_bridge(BRIDGE)?;
            let bridge = if_nametoindex(BRIDGE)?;
            socket.add_address(bridge, network.relay(), network::PREFIX)?;
            socket.set_up(bridge)?;
            Ok(Self { socket, bridge })
        };
        make().map_err(|errno| match errno {
            nix::errno::Errno::EOPNOTSUPP => Error::failed("the kernel has no network bridge")
                .hinted("Try: sudo modprobe bridge && sudo modprobe veth"),
            _ => Error::failed("cannot make the lab's network bridge").because(errno.desc()),
        })
    }

    /// Plugs in an interface of this network that another program has made.
    pub(super) fn plug_in_tap(&mut self, name: &str) -> Result<()> {
        if_nametoindex(name)
            .and_then(|index| self.socket.set_master(index, self.bridge))
            .map_err(|errno| Error::failed("cannot connect the machine to the lab's bridge").because(errno.desc()))
    }

    /// The keeper's side of what `neighbours` does in the machines.
    fn introduce(&mut self, network: Network, count: usize) -> Result<()> {
        neighbours::introduce(&mut self.socket, self.bridge, (network, count), network.relay())
            .map_err(|errno| Error::failed("cannot tell the lab's bridge about the machines").because(errno.desc()))
    }

    fn plug_in(&mut self, place: usize, address: Ipv4Addr, pid: i32) -> Result<()> {
        let interface = (init::INTERFACE, neighbours::hardware(address));
        self.socket
            .add_cable(&format!("node{place}"), self.bridge, interface, pid)
            .map_err(|errno| Error::failed("cannot connect the machine to the lab's bridge").because(errno.desc()))
    }
}

fn start_relay(lab: &mut Running, network: Network, outside: &File) -> Result<()> {
    let listener = TcpListener::bind((network.relay(), network::RELAY_PORT)).context(|| "cannot start the relay")?;
    let keep: [BorrowedFd<'_>; 2] = [listener.as_fd(), outside.as_fd()];
    let body: child::Body<'_> = Box::new(|| relay::serve(&listener, outside.as_fd()));
    let relay = child::spawn(c"mpiup-relay", CloneFlags::empty(), &keep, body)?;
    lab.state.relay = Process::of(relay.pid());
    lab.relay = Some(relay);
    Ok(())
}

/// A machine whose init has been started and has not answered yet.
struct Booting {
    name: String,
    address: Ipv4Addr,
    socket: UnixStream,
}

fn start_nodes(
    lab: &mut Running,
    count: usize,
    network: Network,
    mut cables: Cables,
    tree: &Tree,
    key: &str,
) -> Result<Vec<Booting>> {
    let hidden = rootfs::hidden()?;
    let relay = format!("{}:{}", network.relay(), network::RELAY_PORT);
    let mut booting = Vec::with_capacity(count);
    for place in 0..count {
        let (name, address) = (network::machine_name(place), network.machine(place));
        let (mut ours, theirs) = UnixStream::pair().context(|| "cannot make a socket")?;
        let identity = Identity { name: &name, operator_key: key, relay: &relay };
        let node = Node { identity, address, lab: (network, count), tree, hidden: &hidden };
        let body: child::Body<'_> = Box::new(|| init::run(&node, &theirs));
        let child = child::spawn(c"init", init::namespaces(), &[theirs.as_fd()], body).map_err(|e| e.on(&name))?;
        let pid = child.pid();
        lab.inits.push(child);
        cables.plug_in(place, address, pid).map_err(|error| error.on(&name))?;
        // An init that is gone already says why on its socket.
        let _ = ours.write_all(b"\n");
        booting.push(Booting { name, address, socket: ours });
    }
    Ok(booting)
}

/// Takes the nodes' messages in the order in which they come.
fn wait_for_nodes(watch: &Watch, lab: &mut Running, booting: Vec<Booting>) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    let mut machines: Vec<Option<MachineState>> = booting.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..booting.len()).collect();
    while let Some(first) = left.first() {
        let sockets: Vec<BorrowedFd<'_>> = left.iter().map(|place| booting[*place].socket.as_fd()).collect();
        let ready = watch.wait(&sockets, deadline.saturating_duration_since(Instant::now()))?;
        if !ready.contains(&true) {
            let late = Error::failed(format!("the machine was not up after {} s", DEADLINE.as_secs()));
            return Err(late.on(&booting[*first].name));
        }
        for (place, _) in left.iter().zip(&ready).filter(|(_, ready)| **ready) {
            let node = &booting[*place];
            let host_key = hear(&node.socket).map_err(|error| error.on(&node.name))?;
            let init = Process::of(lab.inits[*place].pid())
                .ok_or_else(|| Error::failed("the machine ended as soon as it was up").on(&node.name))?;
            machines[*place] =
                Some(MachineState { name: node.name.clone(), address: node.address, host_key, init, vm: None });
        }
        left.retain(|place| machines[*place].is_none());
    }
    lab.state.machines = machines.into_iter().flatten().collect();
    Ok(())
}

/// A node's only message: its host key, or why it is not up.
fn hear(socket: &UnixStream) -> Result<String> {
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).context(|| "cannot hear the machine's init")?;
    match wire::parse(&line) {
        Some(Message::Up { host_key }) => Ok(host_key),
        Some(message) => Err(message.into_error().unwrap_or_else(|| Error::failed("the machine's init is confused"))),
        None => Err(Error::failed("the machine's init ended without a word")),
    }
}
