//! The parameters with which a plain `mpiexec` works on machines with docker0, VPN or second interfaces, and starts fast.
//!
//! Open MPI reads `~/.openmpi/mca-params.conf` on every node (4.1 needs it there, not only on the head node), and since 5.0
//! its launcher reads `~/.prte/mca-params.conf`.

use std::path::Path;

use super::{
    Cluster, Member, launcher_ssh,
    layout::{OPENMPI, PRRTE},
    mpi, write,
};
use crate::{
    changes::{Change, Wave},
    spec::Flavour,
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    if cluster.spec.flavour != Flavour::Openmpi {
        return vec![];
    }
    let networks = cluster.network.cidrs.join(",");
    let major = mpi::major(&cluster.spec, &member.facts).unwrap_or(4);
    let mut openmpi = format!(
        "# {}: docker0, VPNs and the like are left out\nbtl_tcp_if_include = {networks}\n",
        cluster.network.why
    );
    if major < 5 {
        openmpi.push_str(&format!("oob_tcp_if_include = {networks}\n"));
        openmpi.push_str(&agent(cluster, "rsh"));
    }
    if !cluster.has_fabric {
        // In 5.0 the shared-memory transport is called sm, before it vader.
        let shared_memory = if major < 5 { "vader" } else { "sm" };
        openmpi.push_str(&format!(
            "# no InfiniBand or other fabric on these nodes: looking for one costs up to a second per start\npml = ob1\nbtl = self,{shared_memory},tcp\n"
        ));
    }
    if cluster.shares_cores {
        openmpi.push_str(
            "# these nodes share one computer's cores: a rank that waits must let the others run\nmpi_yield_when_idle = 1\n",
        );
    }
    let mut changes = file(cluster, member, OPENMPI, openmpi, "plain mpiexec uses the network that all nodes share");
    if major >= 5 {
        let prrte = format!("# {}\nprte_if_include = {networks}\n{}", cluster.network.why, agent(cluster, "ssh"));
        changes.extend(file(cluster, member, PRRTE, prrte, "the launcher of Open MPI 5 uses the same network"));
    }
    changes
}

/// The launcher's own ssh, where plain ssh will not do.
fn agent(cluster: &Cluster, component: &str) -> String {
    if !launcher_ssh::is_needed(cluster) {
        return String::new();
    }
    format!(
        "# some node's login shell is neither bash nor zsh: this lets sh read the launcher's command there\nplm_{component}_agent = {}\n",
        launcher_ssh::path(cluster)
    )
}

fn file(cluster: &Cluster, member: &Member, name: &str, content: String, why: &str) -> Vec<Change> {
    let path = name.replacen('~', &cluster.layout.home, 1);
    let folder = Path::new(&path).parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = write::folder(cluster, member, &folder, "755", "the parameters' folder");
    let owner = cluster.owner();
    let at = write::Block { path: &path, owner: &owner, place: crate::changes::Place::Bottom, mode: "644" };
    let file = write::block(cluster, member, Wave::Mesh, at, content, why);
    folder.into_iter().chain(file).collect()
}
