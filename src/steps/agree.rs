//! What all nodes must agree on before any step can look at one of them: account, home, network, MPI.

use std::collections::BTreeSet;

use crate::{
    error::Result,
    facts::Facts,
    spec::{NodeSpec, Spec},
};

use super::{
    cluster::{Absent, Cluster, Member, state_of},
    common,
    layout::{Layout, wheels},
    network, preconditions,
    sift::sift,
    ssh_config,
};

impl Cluster {
    /// Decides for the nodes that can take part, which [`super::sift`] has found out; `surveyed` is the network on which they
    /// were seen to reach each other, where that had to be found out.
    ///
    /// # Errors
    /// When the nodes cannot agree, or one of them cannot take part after all.
    pub fn agree(spec: &Spec, seen: Vec<(NodeSpec, Facts)>, surveyed: Option<&str>) -> Result<Cluster> {
        let sifted = sift(spec, seen);
        if let Some((_, _, error)) = sifted.unusable.into_iter().next() {
            return Err(error);
        }
        let seen = sifted.usable;
        preconditions::same_mpi(spec, &seen)?;
        let home = common::common_home(spec, &seen)?;
        let user_id = common::free_id(&seen);
        let (network, addresses) = network::choose(&seen, surveyed)?;
        let boots: BTreeSet<&str> = seen.iter().map(|(_, facts)| facts.boot_id.as_str()).collect();
        let shares_cores = boots.len() < seen.len();
        let has_fabric = seen.iter().all(|(_, facts)| !facts.infiniband.is_empty());
        let members = seen
            .into_iter()
            .zip(addresses)
            .map(|((node, facts), address)| {
                let target = common::target(&node.name, &facts)?;
                Ok(Member {
                    address,
                    slots: node.slots.unwrap_or(facts.cores).max(1),
                    state: state_of(spec, &facts),
                    env_key: crate::python::key(&target, &spec.requirements, &wheels(spec)),
                    target,
                    spec: node,
                    facts,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let layout = Layout::new(spec, &home);
        let absent = absent(spec, &members, &layout);
        let (spec, staying) = (spec.clone(), Vec::new());
        Ok(Cluster { spec, members, absent, layout, user_id, network, shares_cores, has_fabric, staying })
    }
}

fn absent(spec: &Spec, members: &[Member], layout: &Layout) -> Vec<Absent> {
    let gone = spec.nodes.iter().filter(|node| members.iter().all(|member| member.spec.name != node.name));
    gone.filter_map(|node| {
        let address = members.iter().find_map(|member| {
            let config = member.facts.text("~/.ssh/config")?;
            ssh_config::address_of(config, &layout.mark, &node.name)
        })?;
        Some(Absent { name: node.name.clone(), address })
    })
    .collect()
}
