//! Which of the nodes that were seen can take part? What concerns one node is the loss of that node alone: the others
//! become a cluster without it.
//!
//! Where nodes have to agree, what most of them have is right and the others are left out. Without a majority nobody is to
//! blame: that is said by [`super::Cluster::agree`].

use super::{clock, common, mpi, network, nfs, preconditions, twins};
use crate::{
    error::{Error, Result},
    facts::Facts,
    spec::{NodeName, NodeSpec, Spec},
};

/// The nodes that can take part, and those that cannot, each in the spec's order.
#[derive(Debug)]
pub struct Sifted {
    pub usable: Vec<(NodeSpec, Facts)>,
    pub unusable: Vec<(NodeSpec, Facts, Error)>,
    /// What the operator should know of the own clock.
    pub own_clock: Option<String>,
}

pub fn sift(spec: &Spec, seen: Vec<(NodeSpec, Facts)>) -> Sifted {
    let reference = clock::reference(seen.iter().map(|(_, facts)| facts.clock_ahead));
    let mut sifted = Sifted { usable: seen, unusable: Vec::new(), own_clock: reference.and_then(clock::of_operator) };
    let twins = twins::find(&sifted.usable);
    sifted.each(|node, _| twins.get(node).map_or(Ok(()), |first| Err(twins::error(node, first))));
    sifted.each(|node, facts| {
        preconditions::node(spec, node, facts)?;
        common::target(node, facts)?;
        match clock::of_node(facts.clock_ahead, reference) {
            None => Ok(()),
            Some(why) => {
                Err(Error::failed(why).on(node).hinted(format!("Set it on {node}: `sudo timedatectl set-ntp true`.")))
            }
        }
    });
    let home = |facts: &Facts| facts.user.as_ref().map(|account| account.home.clone());
    sifted.odd_ones(home, |home, right, others| {
        Error::failed(format!("the home of {} is {home} there, but {right} on {others}", spec.user)).hinted(format!(
            "Programs must have the same path on every node. As root there: `usermod -m -d {right} {}`.",
            spec.user
        ))
    });
    sifted.odd_ones(
        |facts| mpi::release(spec, facts),
        |release, right, others| {
            Error::failed(format!(
                "its MPI has version {release}, but that of {others} version {right}: they cannot talk to each other"
            ))
            .hinted(preconditions::SAME_MPI)
        },
    );
    if let Ok(home) = common::common_home(spec, &sifted.usable) {
        sifted.each(|node, facts| preconditions::share(spec, &home, node, facts));
        let server = nfs::Server::new(spec, &home, &sifted.usable);
        sifted.each(|node, facts| nfs::check(spec, &home, &server, node, facts));
    }
    sifted.without_address();
    let place = |name: &NodeName| spec.nodes.iter().position(|node| node.name == *name);
    sifted.unusable.sort_by_key(|(node, ..)| place(&node.name));
    sifted
}

impl Sifted {
    /// Leaves out each node that `check` refuses.
    fn each(&mut self, check: impl Fn(&NodeName, &Facts) -> Result<()>) {
        for (node, facts) in std::mem::take(&mut self.usable) {
            match check(&node.name, &facts) {
                Ok(()) => self.usable.push((node, facts)),
                Err(error) => self.unusable.push((node, facts, error)),
            }
        }
    }

    /// Leaves out the nodes that have another value than most of those that have one; `blame` is given it, the right one,
    /// and who has that.
    fn odd_ones<T: PartialEq + Clone>(
        &mut self,
        value: impl Fn(&Facts) -> Option<T>,
        blame: impl Fn(&T, &T, &str) -> Error,
    ) {
        let values: Vec<T> = self.usable.iter().filter_map(|(_, facts)| value(facts)).collect();
        let count = |one: &T| values.iter().filter(|other| *other == one).count();
        let Some(right) = values.iter().find(|one| count(one) * 2 > values.len()).cloned() else { return };
        let is_right = |facts: &Facts| value(facts).is_none_or(|own| own == right);
        let others = self.usable.iter().filter(|(_, facts)| value(facts).as_ref() == Some(&right));
        let others = crate::spec::nodeset::fold_in_order(others.map(|(node, _)| node.name.as_str()));
        self.each(|node, facts| match value(facts) {
            Some(own) if !is_right(facts) => Err(blame(&own, &right, &others).on(node)),
            _ => Ok(()),
        });
    }

    fn without_address(&mut self) {
        while let Err(error) = network::choose(&self.usable, None) {
            let Some(at) = self.usable.iter().position(|(node, _)| error.node() == Some(node.name.as_str())) else {
                return;
            };
            let (node, facts) = self.usable.remove(at);
            self.unusable.push((node, facts, error));
        }
    }
}
