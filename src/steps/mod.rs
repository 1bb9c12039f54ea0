//! Steps: spec and facts in, changes out. A step never runs anything and holds no handle to a node.
//!
//! [`plan`] is the table of contents. [`Cluster::agree`] decides first what all nodes must agree on (account, network, MPI);
//! each step then looks at one node and returns what is still to be done there: nothing, when it is as it should be.

mod account;
mod adopted;
mod agree;
mod authorized_keys;
pub mod clock;
pub mod cluster;
mod common;
mod environment;
mod firewall;
mod folder;
mod host_name;
mod hostfile;
mod hosts_file;
mod key;
mod known_hosts;
mod launcher_ssh;
mod layout;
pub mod mpi;
pub mod network;
mod nfs;
mod packages;
mod parameters;
mod places;
mod preconditions;
mod question;
mod shell;
mod sift;
mod ssh_config;
mod sshd;
mod their_account;
mod tools;
mod twins;
mod verifier;
mod write;

use crate::{
    changes::{Change, Wave},
    spec::NodeName,
};

pub use adopted::{Adopted, adopted};
pub use cluster::{Cluster, Member};
pub use hostfile::is_of_members as hostfile_is_of_members;
pub use hosts_file::meaning_of as meaning_in_hosts;
pub use layout::{Layout, state, wheels};
pub use question::question;
pub use sift::{Sifted, sift};
pub use ssh_config::address_of as address_in_ssh_config;
pub use twins::are_one;

/// Spec and facts to changes, for one node.
type Step = fn(&Cluster, &Member) -> Vec<Change>;

/// In the order in which a node is changed; `down` goes the other way.
const STEPS: &[Step] = &[
    // Wave 1: what needs no other node.
    account::step,
    host_name::step,
    hosts_file::step,
    packages::step,
    firewall::step,
    sshd::step,
    folder::step,
    key::step,
    environment::step,
    shell::step,
    // The export stands before the others mount it.
    nfs::export,
    // Wave 2: what needs the other nodes' keys, and what only makes sense with them.
    authorized_keys::step,
    known_hosts::step,
    ssh_config::step,
    launcher_ssh::step,
    parameters::step,
    hostfile::step,
    verifier::step,
    nfs::mount,
];

/// What one node still needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlan {
    pub node: NodeName,
    pub changes: Vec<Change>,
}

impl NodePlan {
    /// What a script of this wave notes beside the journal: the first one does.
    pub fn note(&self, wave: Wave, cluster: &Cluster, member: &Member) -> String {
        let first = self.changes.iter().map(|change| change.wave).min();
        if first == Some(wave) { cluster.note(member) } else { String::new() }
    }
}

/// What the cluster still needs, node by node, in the spec's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub nodes: Vec<NodePlan>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Changes on all nodes together.
    pub fn count(&self) -> usize {
        self.nodes.iter().map(|node| node.changes.len()).sum()
    }

    /// Whether any node has something to do in this wave.
    pub fn has(&self, wave: Wave) -> bool {
        self.nodes.iter().any(|node| node.changes.iter().any(|change| change.wave == wave))
    }
}

/// What is still to be done so that every node is as the spec says.
pub fn plan(cluster: &Cluster) -> Plan {
    let changes = |member: &Member| STEPS.iter().flat_map(|step| step(cluster, member)).collect();
    let nodes = cluster.members.iter().map(|m| NodePlan { node: m.spec.name.clone(), changes: changes(m) });
    Plan { nodes: nodes.collect() }
}
