//! The distribution's packages: MPI with its headers, and NFS, in one transaction.

use super::{Cluster, Member};
use crate::{
    changes::{Brings, Change, Primitive, Wave},
    distributions::{self, Family, Mpi},
    facts::{Asked, Facts},
    spec::{NodeName, ShareKind, Source, Spec},
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
pub fn asked(spec: &Spec, node: &NodeName) -> Vec<Asked> {
    let of_family = |family: &'static Family| Asked { family, packages: wanted(spec, node, family) };
    distributions::ALL.into_iter().map(of_family).filter(|asked| !asked.packages.is_empty()).collect()
}

/// What this node needs of what the family has.
fn wanted(spec: &Spec, node: &NodeName, family: &'static Family) -> Vec<&'static str> {
    let mpi = family.mpi(spec.flavour).filter(|_| spec.source == Source::Distro);
    let nfs = family.nfs.as_ref().filter(|_| spec.share.kind == ShareKind::Nfs);
    let nfs = nfs.map_or(&[][..], |nfs| if spec.is_head(node) { nfs.server } else { nfs.client });
    mpi.map_or(&[][..], |mpi| mpi.packages).iter().chain(nfs).copied().collect()
}

/// Those packages that a node lacks.
pub fn missing(spec: &Spec, node: &NodeName, facts: &Facts) -> Vec<&'static str> {
    let all = family(facts).map(|family| wanted(spec, node, family)).unwrap_or_default();
    all.into_iter().filter(|name| !facts.packages.contains_key(*name)).collect()
}

/// What to type on the node for packages, which are given by the names that Debian has for them.
pub fn install(facts: &Facts, packages: &[&str]) -> String {
    let all = if packages.len() == 1 { "it" } else { "them" };
    match family(facts) {
        Some(family) => {
            let names: Vec<&str> = packages.iter().map(|name| family.package(name)).collect();
            format!("Install {all} there: `{} {}`.", family.install, names.join(" "))
        }
        None => format!("Install {all} there from the packages of {}.", facts.os.short()),
    }
}

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let (spec, facts) = (&cluster.spec, &member.facts);
    let Some(family) = family(facts) else { return vec![] };
    let of_entry = |key: &str| key.split(' ').skip(1).map(str::to_owned).collect();
    let interrupted = facts.journal.iter().find(|entry| entry.key.starts_with("packages ") && !entry.done);
    let interrupted: Vec<String> = interrupted.map(|entry| of_entry(&entry.key)).unwrap_or_default();
    let missing = missing(spec, &member.spec.name, facts).into_iter().map(str::to_owned);
    let missing: Vec<String> = missing.filter(|name| !interrupted.contains(name)).collect();
    [interrupted, missing]
        .into_iter()
        .filter(|names| !names.is_empty())
        .map(|names| change(names, family, facts))
        .collect()
}

fn change(names: Vec<String>, family: &'static Family, facts: &Facts) -> Change {
    let nfs = family.nfs.as_ref().map_or(vec![], |nfs| [nfs.server, nfs.client].concat());
    let (has_nfs, has_mpi) =
        (names.iter().any(|name| nfs.contains(&name.as_str())), names.iter().any(|name| !nfs.contains(&name.as_str())));
    let of_mpi = "`source = \"distro\"`: MPI and its headers come from the distribution";
    let of_nfs = "`kind = \"nfs\"`: the share comes over the kernel's NFS";
    let mut why = [of_mpi, of_nfs]
        .into_iter()
        .zip([has_mpi, has_nfs])
        .filter(|(_, has)| *has)
        .map(|(why, _)| why)
        .collect::<Vec<_>>()
        .join("; ");
    if !family.is_tested {
        why.push_str(&format!("; this has been tried on real machines with apt only, not yet with {}", family.name));
    }
    Change {
        primitive: Primitive::Packages { manager: family.name, brings: brings(&names, facts), names },
        wave: Wave::Ground,
        guard: None,
        why,
        before: None,
    }
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
