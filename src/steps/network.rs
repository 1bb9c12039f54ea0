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

/// A network on which every node has an address of its own, in the order of the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub cidr: String,
    pub addresses: Vec<IpAddr>,
}

/// Networks between which only a survey can decide: none when there is one at most, when the spec's addresses say which is
/// meant, or when an earlier `up` has decided.
pub fn undecided(nodes: &[(NodeSpec, Facts)]) -> Vec<Candidate> {
    let shared = shared_networks(&usable(nodes));
    if shared.len() < 2 || meant(nodes, &shared).is_some() || decided(nodes, &shared).is_some() {
        return vec![];
    }
    shared
}

/// The network, and the address of every node on it, in the order of `nodes`. `surveyed` is the one on which all nodes
/// were seen to reach each other, where that had to be found out.
///
/// # Errors
/// When some node has no address that another one could reach.
pub fn choose(nodes: &[(NodeSpec, Facts)], surveyed: Option<&str>) -> Result<(Network, Vec<IpAddr>)> {
    let usable = usable(nodes);
    let shared = shared_networks(&usable);
    let surveyed = shared.iter().find(|candidate| surveyed == Some(&candidate.cidr));
    let chosen = match (shared.as_slice(), meant(nodes, &shared), surveyed.or_else(|| decided(nodes, &shared))) {
        ([], ..) => return routed(nodes, &usable),
        ([only], ..) => (only, "the only network that all nodes share"),
        (_, Some(meant), _) => (meant, "the network of the addresses in the spec"),
        (_, None, Some(surveyed)) => (surveyed, "the network on which all nodes reach each other"),
        ([first, ..], None, None) => (first, "the first network that all nodes share"),
    };
    let (Candidate { cidr, addresses }, why) = chosen;
    Ok((Network { cidrs: vec![cidr.clone()], why: why.to_owned() }, addresses.clone()))
}

/// The address that the operator typed for a node.
fn typed(node: &NodeSpec) -> Option<IpAddr> {
    match &node.address {
        Address::Ssh { host, .. } => host.trim_matches(['[', ']']).parse().ok(),
        Address::Local => None,
    }
}

/// What the operator typed says which network is meant.
fn meant<'a>(nodes: &[(NodeSpec, Facts)], shared: &'a [Candidate]) -> Option<&'a Candidate> {
    let any = nodes.iter().any(|(node, _)| typed(node).is_some());
    shared.iter().filter(|_| any).find(|candidate| {
        let pairs = nodes.iter().zip(&candidate.addresses);
        pairs.into_iter().all(|((node, _), address)| typed(node).is_none_or(|typed| typed == *address))
    })
}

/// What an earlier `up` wrote into the parameters of some node.
fn decided<'a>(nodes: &[(NodeSpec, Facts)], shared: &'a [Candidate]) -> Option<&'a Candidate> {
    shared.iter().find(|candidate| {
        let line = format!("btl_tcp_if_include = {}", candidate.cidr);
        nodes
            .iter()
            .any(|(_, facts)| facts.text(super::layout::OPENMPI).is_some_and(|text| text.lines().any(|l| l == line)))
    })
}

fn usable(nodes: &[(NodeSpec, Facts)]) -> Vec<Vec<&Interface>> {
    nodes.iter().map(|(_, facts)| own_addresses(facts, nodes)).collect()
}

/// No subnet is common: every node is reached at the address of the spec, or its only one, through a router.
fn routed(nodes: &[(NodeSpec, Facts)], usable: &[Vec<&Interface>]) -> Result<(Network, Vec<IpAddr>)> {
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
fn shared_networks(usable: &[Vec<&Interface>]) -> Vec<Candidate> {
    let Some((first, others)) = usable.split_first() else { return Vec::new() };
    let mut found: Vec<Candidate> = Vec::new();
    let by_network: Vec<BTreeMap<String, IpAddr>> = others
        .iter()
        .map(|own| own.iter().rev().map(|interface| (interface.network(), interface.address)).collect())
        .collect();
    for interface in first {
        let cidr = interface.network();
        let rest: Option<Vec<IpAddr>> = by_network.iter().map(|own| own.get(&cidr).copied()).collect();
        if let Some(rest) = rest
            && found.iter().all(|known| known.cidr != cidr)
        {
            found.push(Candidate { cidr, addresses: [vec![interface.address], rest].concat() });
        }
    }
    found.sort_by_key(|candidate| candidate.addresses.iter().any(IpAddr::is_ipv6));
    found
}
