//! What `init` decides from what it saw, and the reason for each choice. Pure.

use std::{collections::BTreeSet, path::PathBuf};

use super::{found::Found, recognise};
use crate::{
    error::{Error, Result},
    facts::Facts,
    spec::{
        Flavour, NodeName, NodeSpec, Share, ShareKind, Source, Spec,
        write::{Draft, Reasons},
    },
    ui::humane,
};

/// What the user decided on the command line.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    pub name: Option<String>,
    pub user: Option<String>,
    pub source: Option<Source>,
    pub flavour: Option<Flavour>,
    pub ssh_config: Option<PathBuf>,
}

/// # Errors
/// When there is no way that all machines could go.
pub fn choose(found: &[Found], wishes: &Wishes) -> Result<Draft> {
    let mut why = Reasons::new();
    let seen: Vec<&Facts> = found.iter().filter_map(|machine| machine.facts.as_ref()).collect();
    let names = names(found, &[]);
    let shared = recognise::share(found, &names);
    let user = user(found, wishes, &mut why);
    let flavour = flavour(&seen, wishes, &mut why);
    let source = source(&seen, flavour, wishes, &mut why);
    let nodes: Vec<NodeSpec> = found
        .iter()
        .zip(&names)
        .map(|(machine, name)| NodeSpec {
            name: name.clone(),
            address: machine.address.clone(),
            slots: machine.slots.or(machine.facts.as_ref().map(|facts| facts.cores)),
        })
        .collect();
    for (machine, name) in found.iter().zip(&names) {
        why.insert(format!("nodes.{name}"), describe(machine));
    }
    let head = names.first().cloned().ok_or_else(|| Error::usage("no machine was named"))?;
    why.insert("cluster.name".into(), "names the journal and the marks in files; choose what you like".into());
    why.insert("cluster.head".into(), "the first machine that was named: it launches the jobs".into());
    let kind = if shared.is_some() { ShareKind::Existing } else { ShareKind::Sync };
    let reason = shared.unwrap_or_else(|| "mpiup mirrors the folder; needs neither root nor a server".into());
    why.insert("share.kind".into(), reason);
    why.insert("share.path".into(), format!("below the home of {user}, the same on every node"));
    let requirements = requirements(&seen, source, &mut why);
    if wishes.ssh_config.is_some() {
        why.insert("ssh.config".into(), "how ssh reaches the lab's machines".into());
    }
    let spec = Spec {
        name: wishes
            .name
            .clone()
            .unwrap_or_else(|| if wishes.ssh_config.is_some() { "lab".into() } else { "aula".into() }),
        user,
        head,
        set_host_names: false,
        ssh_config: wishes.ssh_config.clone(),
        nodes,
        share: Share { kind, path: "MPI".into() },
        flavour,
        source,
        requirements,
    };
    Ok(Draft { spec, why })
}

/// The given name, else how the first machine calls it in its `/etc/hosts`, else its own where it is good and nobody else's, else master, client1, client2 …
/// None is that of one of `known`.
pub fn names(found: &[Found], known: &[NodeSpec]) -> Vec<NodeName> {
    let own = |machine: &Found| {
        let host = machine.facts.as_ref()?.host_name.split('.').next()?.to_owned();
        NodeName::new(&host).ok().filter(|_| host != "localhost")
    };
    let first = found.first().and_then(|machine| machine.facts.as_ref());
    let by_hand = |machine: &Found| recognise::name_in_hosts(first, machine);
    let wanted: Vec<Option<NodeName>> = found
        .iter()
        .map(|machine| machine.name.clone().or_else(|| by_hand(machine)).or_else(|| own(machine)))
        .collect();
    let mut taken: BTreeSet<String> = known.iter().map(|node| node.name.to_string()).collect();
    let mut names = Vec::new();
    for (number, name) in wanted.iter().enumerate() {
        let alone = |name: &&NodeName| wanted.iter().filter(|other| other.as_ref() == Some(*name)).count() == 1;
        let number = known.len() + number;
        let fallback = if number == 0 { "master".to_owned() } else { format!("client{number}") };
        let mut text = name.as_ref().filter(alone).map_or(fallback, ToString::to_string);
        while !taken.insert(text.clone()) {
            text.push('x');
        }
        names.extend(NodeName::new(&text).ok());
    }
    names
}

fn user(found: &[Found], wishes: &Wishes, why: &mut Reasons) -> String {
    let seen: Vec<&Facts> = found.iter().filter_map(|machine| machine.facts.as_ref()).collect();
    let without_root: Vec<&&Facts> = seen.iter().filter(|facts| !facts.is_root).collect();
    let (user, reason) = match (&wishes.user, without_root.first()) {
        (Some(user), _) => (user.clone(), "as you said".to_owned()),
        (None, Some(facts)) => {
            let said = found.iter().find_map(|machine| machine.why_not_root.as_deref()).unwrap_or_default();
            let said = said.lines().next().map(|line| format!(" ({})", line.trim())).unwrap_or_default();
            (facts.login.name.clone(), format!("the user that logs in: without root{said} mpiup makes no account"))
        }
        (None, None) => {
            let existing = seen.iter().filter(|facts| facts.user.is_some()).count();
            let reason = match existing {
                0 => "programs run as this account; it is made on every node".to_owned(),
                count if count == seen.len() => "programs run as this account, which every node has".to_owned(),
                count => format!(
                    "programs run as this account, which {count} of {} nodes {}; it is made on the others",
                    seen.len(),
                    if count == 1 { "has" } else { "have" }
                ),
            };
            ("mpi".to_owned(), reason)
        }
    };
    why.insert("cluster.user".into(), reason);
    user
}

fn flavour(seen: &[&Facts], wishes: &Wishes, why: &mut Reasons) -> Flavour {
    let everywhere =
        |flavour| !seen.is_empty() && seen.iter().all(|facts| facts.mpi.iter().any(|mpi| mpi.flavour == flavour));
    let (flavour, reason) = match wishes.flavour {
        Some(flavour) => (flavour, "as you said"),
        None if everywhere(Flavour::Mpich) && !everywhere(Flavour::Openmpi) => {
            (Flavour::Mpich, "every machine has it already")
        }
        None => (Flavour::Openmpi, "the one that most guides and programs expect"),
    };
    why.insert("mpi.flavour".into(), reason.into());
    flavour
}

fn source(seen: &[&Facts], flavour: Flavour, wishes: &Wishes, why: &mut Reasons) -> Source {
    let versions: BTreeSet<Option<&str>> = seen
        .iter()
        .map(|facts| facts.mpi.iter().find(|mpi| mpi.flavour == flavour).map(|mpi| mpi.version.as_str()))
        .collect();
    let installed = match versions.iter().next() {
        Some(Some(version)) if versions.len() == 1 => Some(*version),
        _ => None,
    };
    // The wheels of MPI are made for glibc 2.28 and later, mpi4py's and NumPy's for Python 3.9 and later.
    let fits = |facts: &&Facts| {
        facts
            .python
            .as_ref()
            .is_some_and(|python| python.version >= (3, 9) && python.glibc.is_some_and(|glibc| glibc >= (2, 28)))
            && matches!(facts.arch(), "x86_64" | "aarch64")
    };
    let (source, reason) = match (wishes.source, installed) {
        (Some(source), _) => (source, "as you said".to_owned()),
        (None, Some(version)) => {
            (Source::Existing, format!("every machine has {} {version} already", flavour_name(flavour)))
        }
        (None, None) if seen.iter().all(fits) => (
            Source::Wheels,
            "the same MPI on every node whatever its system, with neither packages nor root".to_owned(),
        ),
        (None, None) => (Source::Distro, "some machine is too old or too different for ready-made wheels".to_owned()),
    };
    why.insert("mpi.source".into(), reason);
    source
}

/// Where programs have their mpi4py already, for the MPI that is there, they keep the whole Python that they know.
fn requirements(seen: &[&Facts], source: Source, why: &mut Reasons) -> Vec<String> {
    let (requirements, reason) = match recognise::mpi4py(seen).filter(|_| source == Source::Existing) {
        Some(version) => {
            (vec![], format!("nothing: the system's Python has mpi4py {version} on every machine, and stays in use"))
        }
        None => (
            vec!["mpi4py".to_owned(), "numpy".to_owned()],
            "what programs import; edit it and run `mpiup up` again".to_owned(),
        ),
    };
    why.insert("python.requirements".into(), reason);
    requirements
}

fn describe(machine: &Found) -> String {
    match &machine.facts {
        None => "could not be looked at when this was written".into(),
        Some(facts) => {
            let cores = if facts.cores == 1 { "1 core".into() } else { format!("{} cores", facts.cores) };
            format!("{cores}, {}, {}", humane::memory(facts.memory_mib * 1024 * 1024), facts.os.short())
        }
    }
}

pub fn flavour_name(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Openmpi => "Open MPI",
        Flavour::Mpich => "MPICH",
    }
}
