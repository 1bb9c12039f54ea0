//! `mpiup down NODE…`: with no spec left, the nodes' own journals say what there is to take back.

use super::{Args, with_session};
use crate::{
    commands::{
        global::Global,
        session::{self, Session},
    },
    error::{Error, Result},
    lab::Lab,
    provision::{self, Fleet, Known, Whose},
    spec::{Address, NodeSpec, Spec, names, nodeset},
    ui::Ui,
};

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = named(args, global)?;
    let opener = session::opener(spec.ssh_config.clone(), global, ui, true)?;
    let fleet = Fleet::open(&spec, &opener, &|_| ()).await;
    let Some((spec, fleet, is_roots)) = choose(spec, fleet, args.cluster.as_deref(), ui).await? else { return Ok(()) };
    let session = if is_roots {
        Session::of(spec, fleet, ui).await
    } else {
        // The journal of a user is taken back by that user.
        fleet.close().await;
        let opener = session::opener(spec.ssh_config.clone(), global, ui, false)?;
        let fleet = Fleet::open(&spec, &opener, &|_| ()).await;
        Session::of(spec, fleet, ui).await
    };
    with_session(session, args.yes, args.purge, ui).await
}

/// A spec that names the machines, and says no more than that.
fn named(args: &Args, global: &Global) -> Result<Spec> {
    let lab = match &args.lab {
        Some(name) => Some(Lab::find(name)?.ok_or_else(|| crate::lab::no_such_lab(name))?),
        None => None,
    };
    let of_lab: Vec<String> = lab.iter().flat_map(|lab| lab.machines()).map(|machine| machine.name.clone()).collect();
    let typed = if args.machines.is_empty() { &of_lab } else { &args.machines };
    let mut nodes: Vec<NodeSpec> = Vec::new();
    for typed in typed {
        let addresses = Address::parse_set(typed)
            .map_err(|error| Error::usage(format!("`{typed}` is not the address of a machine")).because(error))?;
        for address in addresses {
            let called = match &address {
                Address::Local => "local",
                Address::Ssh { host, .. } => host.as_str(),
            };
            let is_new = |name: &crate::spec::NodeName| nodes.iter().all(|node| node.name != *name);
            let name = called.parse().ok().filter(is_new);
            let name = name.map_or_else(|| format!("machine{}", nodes.len() + 1).parse(), Ok)?;
            nodes.push(NodeSpec { name, address, slots: None });
        }
    }
    // Where there is a spec all the same, machines are reached as it says.
    let ssh_config = lab.map(|lab| lab.ssh_config());
    let ssh_config = ssh_config.or_else(|| session::load(global).ok().and_then(|spec| spec.ssh_config));
    Spec::of_machines("cluster", nodes, ssh_config)
}

/// Which cluster is meant; its name in the spec, and whether its journals are root's. None where there is nothing.
///
/// # Errors
/// When there are several, or not the one that was named; and when there is nothing on those that can be reached.
pub async fn choose(
    spec: Spec,
    mut fleet: Fleet,
    wanted: Option<&str>,
    ui: &Ui,
) -> Result<Option<(Spec, Fleet, bool)>> {
    let is_other = |known: &Known| matches!(known.whose, Whose::Other(_));
    let (others, known): (Vec<Known>, Vec<Known>) =
        provision::clusters(&mut fleet).await.into_iter().partition(is_other);
    let is_meant = |known: &&Known| wanted.is_none_or(|wanted| wanted == known.cluster);
    if !known.iter().any(|known| is_meant(&known))
        && let Some(Known { cluster, whose: Whose::Other(login), .. }) = others.iter().find(is_meant)
    {
        session::name_lost(&fleet, 0, ui);
        return Err(of_somebody_else(cluster, login, &others));
    }
    let mut clusters: Vec<&str> = Vec::new();
    for known in &known {
        if !clusters.contains(&known.cluster.as_str()) {
            clusters.push(&known.cluster);
        }
    }
    let everywhere = nodeset::fold_in_order(spec.nodes.iter().map(|node| node.name.as_str()));
    let nodes_of = |cluster: &str| {
        let nodes = known.iter().filter(|known| known.cluster == cluster).map(|known| known.node.as_str());
        nodeset::fold_in_order(nodes)
    };
    let cluster = match (wanted, clusters.as_slice()) {
        (Some(wanted), known) if known.contains(&wanted) => wanted,
        (None, [only]) => only,
        (None, []) => {
            session::name_lost(&fleet, 0, ui);
            let lost = fleet.lost.len();
            fleet.close().await;
            if lost > 0 {
                return Err(Error::failed("some nodes could not be asked what there is to take back"));
            }
            ui.done(&format!("There is nothing of mpiup to take back on {everywhere}."));
            return Ok(None);
        }
        (wanted, known) => {
            session::name_lost(&fleet, 0, ui);
            let listed: Vec<String> = known.iter().map(|name| format!("{name} ({})", nodes_of(name))).collect();
            let listed = if listed.is_empty() { "none at all".to_owned() } else { listed.join(", ") };
            let error = match wanted {
                Some(wanted) => format!("{everywhere}: no journal of a cluster {wanted}; there is {listed}"),
                None => format!("there are journals of several clusters: {listed}"),
            };
            return Err(Error::usage(error)
                .hinted("Name the one to take back: `mpiup down --cluster NAME NODE …`, with the same nodes."));
        }
    };
    names::cluster(cluster)?;
    let is_roots = known.iter().any(|known: &Known| known.cluster == cluster && known.whose == Whose::Root);
    let spec = Spec { name: cluster.to_owned(), ..spec };
    Ok(Some((spec, fleet, is_roots)))
}

/// Root does not take back what an account set up for itself without root.
fn of_somebody_else(cluster: &str, login: &str, others: &[Known]) -> Error {
    let nodes = others.iter().filter(|other| other.cluster == cluster).map(|other| other.node.as_str());
    Error::failed(format!("the cluster {cluster} belongs to {login}, whose own journal tells of it"))
        .on(nodeset::fold_in_order(nodes))
        .hinted(format!("Log in as {login} to take it back: `mpiup down {login}@MACHINE …`"))
}
