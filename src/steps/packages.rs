//! The distribution's packages: MPI with its headers, in one transaction.

use super::{Cluster, Member};
use crate::{
    changes::{Brings, Change, Primitive, Wave},
    distributions::{self, Family, Mpi},
    facts::{Asked, Facts},
    spec::{Source, Spec},
};

/// The family of the node's system and its packages of the MPI that the spec asks for; mpi4py itself comes into the
/// Python environment. `None` where packages are not asked for, or cannot be installed.
pub fn of(spec: &Spec, facts: &Facts) -> Option<(&'static Family, &'static Mpi)> {
    let family = family(facts)?;
    let mpi = family.mpi(spec.flavour).filter(|_| spec.source == Source::Distro)?;
    Some((family, mpi))
}

/// The family of the node's system, where its package manager is there.
pub fn family(facts: &Facts) -> Option<&'static Family> {
    facts.os.family().filter(|family| facts.tools.contains(family.program))
}

/// What to ask a node about, whatever its system turns out to be.
pub fn asked(spec: &Spec) -> Vec<Asked> {
    if spec.source != Source::Distro {
        return vec![];
    }
    let of_family = |family: &'static Family| Some(Asked { family, packages: family.mpi(spec.flavour)?.packages });
    distributions::ALL.into_iter().filter_map(of_family).collect()
}

/// Those packages that a node lacks.
pub fn missing(spec: &Spec, facts: &Facts) -> Vec<&'static str> {
    let all = of(spec, facts).map_or(&[][..], |(_, mpi)| mpi.packages);
    all.iter().copied().filter(|name| !facts.packages.contains_key(*name)).collect()
}

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let mut names: Vec<String> = missing(&cluster.spec, &member.facts).into_iter().map(str::to_owned).collect();
    let interrupted = member.facts.journal.iter().find(|entry| entry.key.starts_with("packages ") && !entry.done);
    if let Some(entry) = interrupted {
        names = entry.key.split(' ').skip(1).map(str::to_owned).collect();
    }
    let Some(family) = family(&member.facts).filter(|_| !names.is_empty()) else { return vec![] };
    let mut why = "`source = \"distro\"`: MPI and its headers come from the distribution".to_owned();
    if !family.is_tested {
        why.push_str(&format!("; this has been tried on real machines with apt only, not yet with {}", family.name));
    }
    vec![Change {
        primitive: Primitive::Packages { manager: family.name, brings: brings(&names, &member.facts), names },
        wave: Wave::Ground,
        guard: None,
        why,
        before: None,
    }]
}

fn brings(names: &[String], facts: &Facts) -> Option<Brings> {
    let all = facts.coming.as_ref()?;
    let (newer, new): (Vec<_>, Vec<_>) = all.iter().partition(|install| install.from.is_some());
    let new = new.into_iter().map(|install| install.name.clone()).filter(|name| !names.contains(name));
    let newer = newer
        .into_iter()
        .filter_map(|install| Some(format!("{} {} → {}", install.name, install.from.as_ref()?, install.to)));
    Some(Brings { new: new.collect(), newer: newer.collect() })
}
