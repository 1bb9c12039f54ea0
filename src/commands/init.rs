//! `mpiup init`

use std::path::{Path, PathBuf};

use super::{global::Global, plan_text, session::opener};
use crate::{
    error::{Context as _, Error, Result},
    facts::Facts,
    lab::{self, Lab},
    node::{Node, SUDO_PASSWORD},
    provision::{Fleet, gather},
    spec::{self, Address, Flavour, NodeName, NodeSpec, Source, Spec, hostfile, nodeset},
    steps::Cluster,
    ui::{Outcome, Table, Ui, humane},
};

mod add;
mod choose;
mod found;
mod recognise;

pub use choose::Wishes;
pub use found::Found;

/// Look at the machines and write mpiup.toml, with the reason for each choice
///
/// The first machine becomes the head node, which launches the jobs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mpiup init 'ana@192.168.1.[10-12]'\n  mpiup init root@pc1 ana@pc2 pc3\n  mpiup init 'ana@pc[01-12].lab'\n  mpiup init --hostfile hosts\n  mpiup init --add pc4 pc5\n  mpiup init --lab"
)]
pub struct Args {
    /// Anything ssh takes: address, user@host:port, an alias of ~/.ssh/config; sets such as pc[01-12]; `local`. USER@ stands before each machine or set; without it, ssh chooses the user.
    #[arg(value_name = "MACHINE")]
    machines: Vec<String>,
    /// Take the machines and slots of an Open MPI or MPICH hostfile.
    #[arg(long, value_name = "FILE", conflicts_with = "machines")]
    hostfile: Option<PathBuf>,
    /// Take the machines of a running lab (`mpiup lab up 3`).
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = crate::lab::DEFAULT_NAME, conflicts_with_all = ["machines", "hostfile"])]
    lab: Option<String>,
    /// The cluster's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The account programs run as.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Where MPI comes from.
    #[arg(long, value_name = "SOURCE", value_parser = ["distro", "wheels", "existing"])]
    source: Option<String>,
    /// Which MPI.
    #[arg(long, value_name = "FLAVOUR", value_parser = ["openmpi", "mpich"])]
    mpi: Option<String>,
    /// Add the machines to the file that is there.
    #[arg(long, conflicts_with_all = ["force", "name", "user", "source", "mpi"])]
    add: bool,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
}

/// A machine as it was named.
struct Named {
    label: String,
    address: Address,
    slots: Option<u32>,
    /// Its name in the spec, where it is given already.
    name: Option<NodeName>,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let path = global.spec.clone().unwrap_or_else(|| PathBuf::from("mpiup.toml"));
    if path.exists() && !args.force && !args.add {
        return Err(Error::usage(format!("{} is there already, and is kept", path.display())).hinted(
            "`mpiup plan` shows what it means; `mpiup init --add …` adds machines to it, and `mpiup init --force …` writes a new one over it.",
        ));
    }
    if args.add && !path.exists() {
        return Err(Error::usage(format!("there is no {} to add to", path.display()))
            .hinted("`mpiup init MACHINE …`, without `--add`, looks at the machines and writes one."));
    }
    let lab = match &args.lab {
        Some(name) => Some(Lab::find(name)?.ok_or_else(|| lab::no_such_lab(name))?),
        None => None,
    };
    let named = named(args, lab.as_ref())?;
    if args.add {
        add::add(&named, &path, global, ui).await?;
        ui.say("  Next: `mpiup plan` shows what would change, `mpiup up` does it.");
        return Ok(());
    }
    let wishes = Wishes {
        name: args.name.clone(),
        user: args.user.clone(),
        source: args.source.as_deref().map(|source| match source {
            "distro" => Source::Distro,
            "existing" => Source::Existing,
            _ => Source::Wheels,
        }),
        flavour: args.mpi.as_deref().map(|mpi| if mpi == "mpich" { Flavour::Mpich } else { Flavour::Openmpi }),
        ssh_config: lab.as_ref().map(Lab::ssh_config),
    };
    write_spec(&named, &wishes, &path, global, ui).await?;
    ui.say("  Next: `mpiup plan` shows what would change, `mpiup up` does it.");
    Ok(())
}

/// The spec of a running lab, for `demo`.
///
/// # Errors
/// As the verb.
pub async fn for_lab(lab: &Lab, path: &Path, global: &Global, ui: &Ui) -> Result<()> {
    let wishes = Wishes { name: Some("demo".into()), ssh_config: Some(lab.ssh_config()), ..Wishes::default() };
    write_spec(&of_lab(lab)?, &wishes, path, global, ui).await
}

fn named(args: &Args, lab: Option<&Lab>) -> Result<Vec<Named>> {
    if let Some(lab) = lab {
        return of_lab(lab);
    }
    if let Some(file) = &args.hostfile {
        let text =
            std::fs::read_to_string(file).context(|| format!("the hostfile {} cannot be read", file.display()))?;
        let parsed = hostfile::parse(&text, file)?;
        return parsed
            .entries
            .into_iter()
            .map(|entry| {
                let typed =
                    entry.user.map(|user| format!("{user}@{}", entry.host)).unwrap_or_else(|| entry.host.clone());
                Ok(Named {
                    name: NodeName::new(&entry.host).ok().filter(|_| !is_address(&entry.host)),
                    address: address(&typed)?,
                    label: typed,
                    slots: entry.slots,
                })
            })
            .collect();
    }
    if args.machines.is_empty() {
        return Err(Error::usage("no machine was named")
            .hinted("mpiup init 'ana@192.168.1.[10-12]'")
            .hinted(format!("No second machine? `{0} lab up 3`, then `{0} init --lab`.", lab::mpiup())));
    }
    let mut named = Vec::new();
    for machine in &args.machines {
        let addresses = Address::parse_set(machine)
            .map_err(|error| Error::usage(format!("`{machine}` is not the address of a machine")).because(error))?;
        for address in addresses {
            let label = label(&address);
            let name = match &address {
                Address::Ssh { host, .. } if !is_address(host) => NodeName::new(host).ok(),
                _ => None,
            };
            named.push(Named { name, address, label, slots: None });
        }
    }
    Ok(named)
}

fn of_lab(lab: &Lab) -> Result<Vec<Named>> {
    lab.machines()
        .iter()
        .map(|machine| {
            Ok(Named {
                name: NodeName::new(&machine.name).ok(),
                address: address(&machine.name)?,
                label: machine.name.clone(),
                slots: None,
            })
        })
        .collect()
}

fn address(text: &str) -> Result<Address> {
    Address::parse(text)
        .map_err(|error| Error::usage(format!("`{text}` is not the address of a machine")).because(error))
}

fn label(address: &Address) -> String {
    match address {
        Address::Local => "local".into(),
        Address::Ssh { user: Some(user), host, .. } => format!("{user}@{host}"),
        Address::Ssh { host, .. } => host.clone(),
    }
}

impl Found {
    /// What the person knows the machine by.
    fn label(&self) -> String {
        self.name.as_ref().map_or_else(|| label(&self.address), ToString::to_string)
    }
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

async fn write_spec(named: &[Named], wishes: &Wishes, path: &Path, global: &Global, ui: &Ui) -> Result<()> {
    let (found, lost) = look(named, wishes, global, ui).await?;
    for error in &lost {
        ui.error(error);
    }
    if found.iter().all(|machine| machine.facts.is_none()) {
        return Err(Error::failed("no machine could be looked at, so nothing was written"));
    }
    show(&found, ui);
    let draft = choose::choose(&found, wishes)?;
    let text = draft.render()?;
    spec::save(path, &text)?;
    ui.done(&format!(
        "Wrote {}: {} nodes, {} slots, head node {}.",
        path.display(),
        draft.spec.nodes.len(),
        slots(&draft.spec),
        draft.spec.head
    ));
    recognised(&found, &draft.spec).iter().for_each(|line| ui.say(&format!("  {line}")));
    if ui.is_json() {
        ui.json(&draft.spec)?;
    }
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!(
        "{} of {} machines could not be looked at; they stand in {} all the same",
        lost.len(),
        named.len(),
        path.display()
    ))
    .hinted("Mend what is said above and type it again with `--force`, or take them out of the file; then `mpiup up`."))
}

/// What somebody has set up already, for the cluster that was chosen.
fn recognised(found: &[Found], spec: &Spec) -> Vec<String> {
    let seen = spec.nodes.iter().cloned().zip(found).filter_map(|(node, found)| Some((node, found.facts.clone()?)));
    let cluster = Cluster::agree(spec, seen.collect(), None);
    cluster.map(|cluster| plan_text::kept(&cluster)).unwrap_or_default()
}

fn slots(spec: &Spec) -> u32 {
    spec.nodes.iter().filter_map(|node| node.slots).sum()
}

/// Connects to every machine and sees what it is.
async fn look(named: &[Named], wishes: &Wishes, global: &Global, ui: &Ui) -> Result<(Vec<Found>, Vec<Error>)> {
    let labels: Vec<String> = named.iter().map(|machine| machine.label.clone()).collect();
    let opener = opener(wishes.ssh_config.clone(), global, ui, true)?;
    let progress = ui.progress(&labels, "Looking at the machines");
    let spec = provisional(named, wishes)?;
    let label_of = |name: &NodeName| {
        let number = spec.nodes.iter().position(|node| node.name == *name);
        number.and_then(|number| labels.get(number)).map(String::as_str).unwrap_or_default()
    };
    let mut fleet = Fleet::open(&spec, &opener, &|node| progress.meter(label_of(node), "logged in")).await;
    let seen = gather(&spec, &mut fleet, &|node| progress.finish(label_of(node), Outcome::Done)).await;
    let mut found = Vec::new();
    for (machine, node) in named.iter().zip(&spec.nodes) {
        let facts: Option<Facts> = seen.iter().find(|(seen, _)| seen.name == node.name).map(|(_, facts)| facts.clone());
        if facts.is_none() {
            // The error itself follows, whole.
            progress.finish(&machine.label, Outcome::Failed(String::new()));
        }
        let why_not_root = fleet.node(&node.name).and_then(Node::why_not_root).map(str::to_owned);
        found.push(Found {
            name: machine.name.clone(),
            address: machine.address.clone(),
            slots: machine.slots,
            facts,
            why_not_root,
        });
    }
    let lost = fleet.lost.drain(..).map(|lost| {
        let label = named
            .iter()
            .zip(&spec.nodes)
            .find(|(_, node)| node.name == lost.node)
            .map(|(machine, _)| machine.label.clone());
        let label = label.unwrap_or_default();
        // What ssh is told to reach is the label already, but for a port.
        let message = lost.error.message();
        let rest = message.strip_prefix(&format!("{label} ")).filter(|rest| !rest.starts_with("port "));
        let renamed = Error::failed(rest.map_or(message.to_owned(), |rest| format!("it {rest}"))).on(label);
        let renamed = lost.error.reasons().iter().fold(renamed, |error, reason| error.because(reason));
        lost.error.hints().iter().fold(renamed, |error, hint| error.hinted(hint.clone()))
    });
    let lost = lost.collect();
    fleet.close().await;
    Ok((found, lost))
}

/// A spec that is only good for connecting: nothing is decided yet.
fn provisional(named: &[Named], wishes: &Wishes) -> Result<Spec> {
    let name = |number: usize| {
        NodeName::new(&format!("machine{number}"))
            .map_err(|error| Error::failed("a node cannot be named").because(error))
    };
    let nodes = named.iter().enumerate().map(|(number, machine)| {
        Ok(NodeSpec { name: name(number)?, address: machine.address.clone(), slots: machine.slots })
    });
    let cluster = wishes.name.as_deref().unwrap_or("cluster");
    let spec = Spec::of_machines(cluster, nodes.collect::<Result<_>>()?, wishes.ssh_config.clone())?;
    Ok(Spec { user: wishes.user.clone().unwrap_or(spec.user), ..spec })
}

fn show(found: &[Found], ui: &Ui) {
    let mut table = Table::new(&["MACHINE", "CORES", "MEMORY", "PYTHON", "ROOT", "MPI", "SYSTEM"]).right(1).right(2);
    for machine in found {
        let Some(facts) = &machine.facts else { continue };
        let mpi = facts
            .mpi
            .first()
            .map_or("–".to_owned(), |mpi| format!("{} {}", choose::flavour_name(mpi.flavour), mpi.version));
        table.row([
            machine.label(),
            facts.cores.to_string(),
            humane::memory(facts.memory_mib * 1024 * 1024),
            facts.python.as_ref().map_or("–".into(), |python| format!("{}.{}", python.version.0, python.version.1)),
            if facts.is_root { "yes".into() } else { "no".to_owned() },
            mpi,
            facts.os.short(),
        ]);
    }
    for line in table.lines(ui.width()) {
        ui.say(&format!("  {line}"));
    }
    no_root(found).iter().for_each(|text| ui.warn(text));
}

/// Where sudo did not let mpiup in, which decides much of the file: each reason once.
fn no_root(found: &[Found]) -> Vec<String> {
    let mut whys: Vec<(&str, Vec<String>)> = Vec::new();
    for machine in found {
        let Some(why) = machine.why_not_root.as_deref().and_then(|why| why.lines().next()) else { continue };
        match whys.iter_mut().find(|(known, _)| *known == why) {
            Some((_, machines)) => machines.push(machine.label()),
            None => whys.push((why, vec![machine.label()])),
        }
    }
    let said = |(why, machines): (&str, Vec<String>)| {
        format!("No root on {} ({}). {SUDO_PASSWORD}", nodeset::fold_in_order(machines), why.trim())
    };
    whys.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests;
