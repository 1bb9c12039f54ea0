//! What nodes must have in common, and what one of them needs for its environment.

use super::packages;
use crate::{
    error::{Error, Result},
    facts::Facts,
    python::{Libc, Target},
    spec::{NodeName, NodeSpec, Spec},
};

/// The home of the cluster's user, the same on every node.
///
/// # Errors
/// When two nodes have different ones.
pub fn common_home(spec: &Spec, seen: &[(NodeSpec, Facts)]) -> Result<String> {
    let home_of = |facts: &Facts| facts.user.as_ref().map(|account| account.home.clone());
    let mut homes = seen.iter().filter_map(|(node, facts)| Some((&node.name, home_of(facts)?)));
    let Some((first, home)) = homes.next() else { return Ok(format!("/home/{}", spec.user)) };
    match homes.find(|(_, other)| *other != home) {
        None => Ok(home),
        Some((node, other)) => Err(Error::failed(format!(
            "the home of {} is {other}, but {home} on {first}: programs must have the same path on every node",
            spec.user
        ))
        .on(node)
        .hinted(format!("Choose another account for the cluster: `user` in [cluster]; one that no node has is made with the same home everywhere. Or move this one: `usermod -m -d {home} {}`.", spec.user))),
    }
}

/// The account's number where it exists already, if it is free on all nodes that lack it; else the first free from 1000.
pub fn free_id(seen: &[(NodeSpec, Facts)]) -> u32 {
    let lacking: Vec<&Facts> = seen.iter().map(|(_, facts)| facts).filter(|facts| facts.user.is_none()).collect();
    let free = |id: &u32| lacking.iter().all(|facts| !facts.ids_in_use.contains(id));
    let existing = seen.iter().filter_map(|(_, facts)| facts.user.as_ref()).map(|account| account.uid).find(free);
    existing.unwrap_or_else(|| (1000..60000).find(free).unwrap_or(60001))
}

/// What the environment's wheels must fit on a node.
///
/// # Errors
/// When it has no Python, or no glibc.
pub fn target(node: &NodeName, facts: &Facts) -> Result<Target> {
    let python = facts
        .python
        .as_ref()
        .ok_or_else(|| Error::failed("python3 is missing").on(node).hinted(packages::install(facts, &["python3"])))?;
    let (major, minor) = python.glibc.ok_or_else(|| {
        Error::failed("the C library is not glibc, and the wheels that mpiup brings (mpi4py among them) are made for glibc")
            .on(node)
            .hinted(format!("{} has another one. Take this node out of [nodes], or give it a system with glibc, such as Debian, Ubuntu, Fedora or Rocky Linux.", facts.os.short()))
    })?;
    Ok(Target { python: python.version, arch: facts.arch().to_owned(), libc: Libc::Glibc(major, minor) })
}
