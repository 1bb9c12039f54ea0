//! Which network do all nodes really share? docker0 and friends have the same address everywhere, and make Open MPI hang.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::Serialize;

use crate::{
    error::{Error, Result},
    facts::{Facts, addresses::Address as Interface},
    spec::{Address, NodeSpec},
};

/// The networks that MPI may use, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Network {
    /// In CIDR form. One where all nodes share a subnet; several where they are routed.
    pub cidrs: Vec<String>,
    /// For a person.
    pub why: String,
}

/// The network, and the address of every node on it, in the order of `nodes`.
///
/// # Errors
/// When some node has no address that another one could reach.
pub fn choose(nodes: &[(NodeSpec, Facts)]) -> Result<(Network, Vec<IpAddr>)> {
    let usable: Vec<Vec<&Interface>> = nodes.iter().map(|(_, facts)| own_addresses(facts, nodes)).collect();
    let shared = shared_networks(&usable);
    // What the operator typed says which network is meant.
    let typed = |node: &NodeSpec| match &node.address {
        Address::Ssh { host, .. } => host.trim_matches(['[', ']']).parse::<IpAddr>().ok(),
        Address::Local => None,
    };
    let meant = shared.iter().find(|(_, addresses)| {
        nodes.iter().zip(addresses.iter()).all(|((node, _), address)| typed(node).is_none_or(|typed| typed == *address))
            && nodes.iter().any(|(node, _)| typed(node).is_some())
    });
    if let Some((cidr, addresses)) = meant.or_else(|| shared.first()) {
        let why = match (meant.is_some(), shared.len()) {
            (_, 1) => "the only network that all nodes share".to_owned(),
            (true, _) => "the network of the addresses in the spec".to_owned(),
            (false, _) => "the first network that all nodes share".to_owned(),
        };
        return Ok((Network { cidrs: vec![cidr.clone()], why }, addresses.clone()));
    }
    routed(nodes, &usable, typed)
}

/// No subnet is common: every node is reached at the address of the spec, or its only one, through a router.
fn routed(
    nodes: &[(NodeSpec, Facts)],
    usable: &[Vec<&Interface>],
    typed: impl Fn(&NodeSpec) -> Option<IpAddr>,
) -> Result<(Network, Vec<IpAddr>)> {
    let mut cidrs = BTreeSet::new();
    let mut addresses = Vec::new();
    for ((node, _), own) in nodes.iter().zip(usable) {
        let typed = typed(node);
        let chosen = own
            .iter()
            .find(|interface| typed.is_some_and(|typed| typed == interface.address))
            .or_else(|| own.iter().find(|interface| interface.address.is_ipv4()))
            .ok_or_else(|| {
                Error::failed("the node has no network address that the other nodes could reach")
                    .on(&node.name)
                    .hinted(format!("Look at its addresses: `mpiup exec --nodes {} 'ip addr'`.", node.name))
            })?;
        cidrs.insert(chosen.network());
        addresses.push(chosen.address);
    }
    let why = "the nodes stand in several networks, with routers between".to_owned();
    Ok((Network { cidrs: cidrs.into_iter().collect(), why }, addresses))
}

/// Addresses of a node that mean this node alone: not local, and not on another node too.
fn own_addresses<'a>(facts: &'a Facts, nodes: &[(NodeSpec, Facts)]) -> Vec<&'a Interface> {
    let holders = |address: IpAddr| {
        nodes.iter().filter(|(_, other)| other.addresses.iter().any(|interface| interface.address == address)).count()
    };
    facts
        .addresses
        .iter()
        .filter(|interface| !interface.is_local() && holders(interface.address) == 1)
        .filter(|interface| nodes.len() > 1 || !interface.is_bridge())
        .collect()
}

/// Networks on which every node has an address of its own, IPv4 first, then in the order of the first node's interfaces.
fn shared_networks(usable: &[Vec<&Interface>]) -> Vec<(String, Vec<IpAddr>)> {
    let Some((first, others)) = usable.split_first() else { return Vec::new() };
    let mut found: Vec<(String, Vec<IpAddr>)> = Vec::new();
    let by_network: Vec<BTreeMap<String, IpAddr>> = others
        .iter()
        .map(|own| own.iter().rev().map(|interface| (interface.network(), interface.address)).collect())
        .collect();
    for interface in first {
        let cidr = interface.network();
        let rest: Option<Vec<IpAddr>> = by_network.iter().map(|own| own.get(&cidr).copied()).collect();
        if let Some(rest) = rest
            && found.iter().all(|(known, _)| *known != cidr)
        {
            found.push((cidr, [vec![interface.address], rest].concat()));
        }
    }
    found.sort_by_key(|(_, addresses)| addresses.iter().any(IpAddr::is_ipv6));
    found
}
