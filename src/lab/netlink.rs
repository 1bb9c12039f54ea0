//! The five things that a lab asks of the kernel's network: a bridge, a cable from it to a node, an interface up, an
//! address, a neighbour. Messages of rtnetlink(7) by hand, so that a computer without iproute2 can have a lab.
//!
//! All of it happens in the network namespace of the thread that made the [`Socket`].

use std::{
    net::Ipv4Addr,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    libc,
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket},
};

// linux/if_link.h, linux/veth.h, linux/neighbour.h
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;

/// A connection to the kernel's network of one namespace.
pub(super) struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    pub(super) fn open() -> nix::Result<Self> {
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
        Ok(Self { fd, sequence: 0 })
    }

    pub(super) fn add_bridge(&mut self, name: &str) -> nix::Result<()> {
        let body = link(0, 0).text(libc::IFLA_IFNAME, name).nest(libc::IFLA_LINKINFO, kind("bridge"));
        self.ask(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL, body)
    }

    /// A pair of interfaces: `name`, up and plugged into `bridge` (an index), and `peer` in the network namespace of
    /// the process `pid`, with a hardware address.
    pub(super) fn add_cable(
        &mut self,
        name: &str,
        bridge: u32,
        (peer, hardware): (&str, [u8; 6]),
        pid: i32,
    ) -> nix::Result<()> {
        let other_end = link(0, 0)
            .text(libc::IFLA_IFNAME, peer)
            .attribute(libc::IFLA_ADDRESS, &hardware)
            .number(libc::IFLA_NET_NS_PID, pid.cast_unsigned());
        let info = kind("veth").nest(IFLA_INFO_DATA, Body::default().nest(VETH_INFO_PEER, other_end));
        let body = link(0, libc::IFF_UP.cast_unsigned())
            .text(libc::IFLA_IFNAME, name)
            .number(libc::IFLA_MASTER, bridge)
            .nest(libc::IFLA_LINKINFO, info);
        self.ask(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL, body)
    }

    pub(super) fn set_up(&mut self, index: u32) -> nix::Result<()> {
        self.ask(libc::RTM_NEWLINK, 0, link(index, libc::IFF_UP.cast_unsigned()))
    }

    /// Plugs an interface into a bridge (both by index) and sets it up.
    pub(super) fn set_master(&mut self, index: u32, bridge: u32) -> nix::Result<()> {
        let body = link(index, libc::IFF_UP.cast_unsigned()).number(libc::IFLA_MASTER, bridge);
        self.ask(libc::RTM_NEWLINK, 0, body)
    }

    pub(super) fn add_address(&mut self, index: u32, address: Ipv4Addr, prefix: u8) -> nix::Result<()> {
        let broadcast = address.to_bits() | u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        let mut body = Body::default();
        // struct ifaddrmsg: family, prefix, flags, scope, index
        body.0.extend([family(libc::AF_INET), prefix, 0, 0]);
        body.0.extend(index.to_ne_bytes());
        let body = body
            .attribute(libc::IFA_LOCAL, &address.octets())
            .attribute(libc::IFA_ADDRESS, &address.octets())
            .attribute(libc::IFA_BROADCAST, &broadcast.to_be_bytes());
        self.ask(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL, body)
    }

    /// Who has an address on the network of an interface (an index): for good, and not counted among the neighbours that
    /// the kernel asked for.
    pub(super) fn add_neighbour(&mut self, index: u32, address: Ipv4Addr, hardware: [u8; 6]) -> nix::Result<()> {
        let mut body = Body::default();
        // struct ndmsg: family, padding, index, state, flags, type
        body.0.extend([family(libc::AF_INET), 0, 0, 0]);
        body.0.extend(index.to_ne_bytes());
        body.0.extend(libc::NUD_PERMANENT.to_ne_bytes());
        body.0.extend([0, 0]);
        let body = body.attribute(NDA_DST, &address.octets()).attribute(NDA_LLADDR, &hardware);
        self.ask(libc::RTM_NEWNEIGH, libc::NLM_F_CREATE | libc::NLM_F_REPLACE, body)
    }

    /// Sends one request and waits for the kernel's yes or no.
    fn ask(&mut self, kind: u16, flags: i32, body: Body) -> nix::Result<()> {
        self.sequence += 1;
        let flags = flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK;
        let length = u32::try_from(HEADER + body.0.len()).map_err(|_| Errno::EMSGSIZE)?;
        let mut message = Vec::with_capacity(HEADER + body.0.len());
        // struct nlmsghdr: length, type, flags, sequence, port
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(u16::try_from(flags).map_err(|_| Errno::EINVAL)?.to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend(0_u32.to_ne_bytes());
        message.extend(body.0);
        send(self.fd.as_raw_fd(), &message, MsgFlags::empty())?;
        let mut answer = [0_u8; 8192];
        let length = recv(self.fd.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        acknowledged(&answer[..length])
    }
}

const HEADER: usize = 16;

/// An answer of type `NLMSG_ERROR` carries 0 or the negative number of an error.
fn acknowledged(answer: &[u8]) -> nix::Result<()> {
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    let code = answer.get(HEADER..HEADER + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match (kind.map(i32::from), code) {
        (Some(libc::NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(libc::NLMSG_ERROR), Some(code)) => Err(Errno::from_raw(-code)),
        _ => Err(Errno::EPROTO),
    }
}

/// A message's fixed part and the attributes behind it, each at a multiple of four bytes.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
    fn text(self, kind: u16, value: &str) -> Self {
        self.attribute(kind, &[value.as_bytes(), b"\0"].concat())
    }
    fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_ne_bytes())
    }
    fn nest(self, kind: u16, inner: Self) -> Self {
        self.attribute(kind, &inner.0)
    }
}

/// struct ifinfomsg: family, padding, type, index, flags, mask of flags to change.
fn link(index: u32, flags: u32) -> Body {
    let mut body = Body(vec![family(libc::AF_UNSPEC), 0, 0, 0]);
    body.0.extend(index.to_ne_bytes());
    body.0.extend(flags.to_ne_bytes());
    body.0.extend(flags.to_ne_bytes());
    body
}

fn kind(name: &str) -> Body {
    Body::default().text(IFLA_INFO_KIND, name)
}

fn family(number: i32) -> u8 {
    u8::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_to_four_bytes_and_nest() {
        let body = Body::default().nest(18, kind("veth"));
        let expected: Vec<u8> = [&[16_u8, 0, 18, 0, 9, 0, 1, 0][..], b"veth\0\0\0\0"].concat();
        assert_eq!(body.0, expected);
    }

    #[test]
    fn an_answer_of_the_kernel_is_an_error_number_or_yes() {
        let mut answer = vec![0; 20];
        answer[4] = 2;
        assert_eq!(acknowledged(&answer), Ok(()));
        answer[16..20].copy_from_slice(&(-17_i32).to_ne_bytes());
        assert_eq!(acknowledged(&answer), Err(Errno::EEXIST));
        assert_eq!(acknowledged(b"short"), Err(Errno::EPROTO));
    }
}
