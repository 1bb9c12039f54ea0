//! In a large lab, the machines know each other's hardware addresses from the start.
//!
//! The kernel keeps all namespaces' neighbours in one table of 1024 (`gc_thresh3`, arp(7)), and n machines that all talk to
//! each other need n²: from about thirty on, packets are dropped and MPI hangs. Permanent entries are not counted
//! (`neigh_alloc` in the kernel's net/core/neighbour.c). A small lab asks by ARP, so that a machine that goes down there is
//! missed as in a real network.

use std::net::Ipv4Addr;

use super::{netlink::Socket, network::Network};

/// So many machines fill not half of the table, if all talk to all.
const FEW: usize = 20;

/// The hardware address of the machine with this address: a locally administered one (IEEE 802c).
pub(super) fn hardware(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [2, 0, a, b, c, d]
}

/// Tells the interface (an index) about all machines of a large lab but the one at `own`.
pub(super) fn introduce(
    socket: &mut Socket,
    interface: u32,
    (network, count): (Network, usize),
    own: Ipv4Addr,
) -> nix::Result<()> {
    if count <= FEW {
        return Ok(());
    }
    let mut others = (0..count).map(|place| network.machine(place)).filter(|address| *address != own);
    others.try_for_each(|address| socket.add_neighbour(interface, address, hardware(address)))
}
