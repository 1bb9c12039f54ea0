//! The distribution's packages: MPI with its headers, in one transaction.

use super::{Cluster, Member};
use crate::{
    changes::{Brings, Change, Primitive, Wave},
    facts::Facts,
    spec::{Flavour, Source, Spec},
};

/// What Debian and Ubuntu call what the spec asks for. mpi4py itself comes into the Python environment.
pub fn debian(spec: &Spec) -> Vec<&'static str> {
    match (spec.source, spec.flavour) {
        (Source::Distro, Flavour::Openmpi) => vec!["openmpi-bin", "libopenmpi-dev"],
        (Source::Distro, Flavour::Mpich) => vec!["mpich", "libmpich-dev"],
        _ => vec![],
    }
}

/// Those of them that a node lacks.
pub fn missing(spec: &Spec, facts: &Facts) -> Vec<&'static str> {
    debian(spec).into_iter().filter(|name| !facts.packages.contains_key(*name)).collect()
}

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let mut names: Vec<String> = missing(&cluster.spec, &member.facts).into_iter().map(str::to_owned).collect();
    let interrupted = member.facts.journal.iter().find(|entry| entry.key.starts_with("packages ") && !entry.done);
    if let Some(entry) = interrupted {
        names = entry.key.split(' ').skip(1).map(str::to_owned).collect();
    }
    if names.is_empty() {
        return vec![];
    }
    vec![Change {
        primitive: Primitive::Packages { brings: brings(&names, &member.facts), names },
        wave: Wave::Ground,
        guard: None,
        why: "`source = \"distro\"`: MPI and its headers come from the distribution".into(),
        before: None,
    }]
}

fn brings(names: &[String], facts: &Facts) -> Option<Brings> {
    let all = facts.apt.as_ref()?;
    let (newer, new): (Vec<_>, Vec<_>) = all.iter().partition(|install| install.from.is_some());
    let new = new.into_iter().map(|install| install.name.clone()).filter(|name| !names.contains(name));
    let newer = newer
        .into_iter()
        .filter_map(|install| Some(format!("{} {} → {}", install.name, install.from.as_ref()?, install.to)));
    Some(Brings { new: new.collect(), newer: newer.collect() })
}
