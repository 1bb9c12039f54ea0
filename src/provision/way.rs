//! The way of a node's packages through this machine (`up --via-operator`): a port on the node's loopback leads, over the ssh
//! connection that is there, to a [`Mirror`] here. The node's own package manager fetches and checks, as if it had the network.

use std::time::Duration;

use super::Mirror;
use crate::{
    error::{Error, Result},
    node::{Node, UNTOLD},
    quote,
    steps::Member,
};

/// apt reads its sources at once, and asks nobody.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where apt would look for its lists, whether it has any or none: `'http://deb.debian.org/debian/dists/…' NAME 0` a line.
const SOURCES: &str = "LC_ALL=C apt-get update --print-uris 2>/dev/null";

/// What a script is told so that packages come this way; nothing for this machine itself.
///
/// # Errors
/// When the node's package manager is not apt, it knows no mirror, or its sshd forwards no ports.
pub async fn open(mirror: &Mirror, node: &Node, member: &Member) -> Result<String> {
    if node.is_local() {
        return Ok(String::new());
    }
    if !member.facts.tools.contains("apt-get") {
        return Err(Error::failed("`--via-operator` brings packages of apt only, and this system has another manager")
            .hinted("Use `source = \"wheels\"` in [mpi]: they come from this machine in any case."));
    }
    let sources = node.probe().read(SOURCES, DEADLINE).await?.text();
    let addresses = sources.lines().filter_map(|line| line.strip_prefix('\'')?.split('\'').next());
    if mirror.allow(addresses) == 0 {
        return Err(Error::failed(
            "its apt has no source with an address of HTTP, so that nothing can be fetched for it",
        )
        .hinted("`apt-get update --print-uris` there shows what apt has."));
    }
    let port = node.lead_back(mirror.port).await?;
    Ok(format!("{UNTOLD}{}\n", quote::sh(&mirror.address(port))))
}
