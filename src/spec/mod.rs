//! What the user wants: `mpiup.toml`, as types that cannot hold an invalid cluster.
//!
//! [`file::load`] reads the file, [`find::find`] finds it, [`write::Draft`] writes a new one and [`edit`] changes one
//! that a person has written. [`hostfile`] and [`ssh_aliases`] read what a cluster may have had before.
//! Nothing here connects to a machine, and nothing but `load` and `find` looks at the file system.

pub mod address;
pub mod edit;
pub mod file;
pub mod find;
pub mod hostfile;
pub mod keys;
pub mod names;
pub mod nodeset;
pub mod place;
mod save;
pub mod ssh_aliases;
pub mod suggest;
pub mod write;

use std::{fmt, path::PathBuf};

pub use names::Refused;
pub use save::save;

/// A node's name in the spec: also its host name in `/etc/hosts`, the hostfile and `~/.ssh/config`.
/// Letters, digits, `-`, `_` and `.`; it begins and ends with a letter or digit; 1 to 63 characters.
/// It is not a number or an address, which the resolver would take for one. See [`names::node`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// `name` as a node's name.
    ///
    /// # Errors
    /// When it breaks the rule above; the error says which part of it.
    pub fn new(name: &str) -> Result<Self, Refused> {
        names::node(name).map(|()| Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::str::FromStr for NodeName {
    type Err = crate::error::Error;

    fn from_str(text: &str) -> crate::error::Result<Self> {
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if first && rest && text.len() <= 63 {
            return Ok(Self(text.to_owned()));
        }
        Err(crate::error::Error::usage(format!("`{text}` is not a name for a node")))
    }
}

/// How the operator's machine reaches a node.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// The operator's machine itself: no ssh.
    Local,
    /// Anything that ssh takes.
    Ssh {
        /// The login user, where the spec names one; otherwise ssh's own configuration decides.
        user: Option<String>,
        /// An address, a name, or an alias of the ssh configuration.
        host: String,
        port: Option<u16>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NodeSpec {
    pub name: NodeName,
    pub address: Address,
    /// Room for processes on this node; without it, its cores.
    pub slots: Option<u32>,
}

/// How the shared folder gets to every node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareKind {
    Nfs,
    /// Mirrored by mpiup from the head node; needs no root.
    Sync,
    /// Somebody else shares it already.
    Existing,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Share {
    pub kind: ShareKind,
    /// Relative: under the home of the cluster's user. Absolute: as it is. No `..`, no newline.
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    Openmpi,
    Mpich,
}

/// Where MPI comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The distribution's packages; needs root.
    Distro,
    /// PyPI wheels in the cluster's Python environment; needs no root.
    Wheels,
    /// What is installed already.
    Existing,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Spec {
    /// `[cluster] name`: letters, digits, `-` and `_`; names the marker blocks and the journal's folder.
    pub name: String,
    /// `[cluster] user`: the account that programs run as; the same name on every node.
    pub user: String,
    /// `[cluster] head`: the node that launches jobs.
    pub head: NodeName,
    /// `[cluster] set_host_names`: change each node's host name to its name here.
    pub set_host_names: bool,
    /// `[ssh] config`: a file for `ssh -F`, in place of the user's own configuration.
    pub ssh_config: Option<PathBuf>,
    /// In the order of the file; the head is one of them; names are unique.
    pub nodes: Vec<NodeSpec>,
    pub share: Share,
    pub flavour: Flavour,
    pub source: Source,
    /// `[python] requirements`, as pip takes them.
    pub requirements: Vec<String>,
}

impl Spec {
    /// One that is only good for connecting: nothing but the machines is decided.
    ///
    /// # Errors
    /// When there is no machine.
    pub fn of_machines(name: &str, nodes: Vec<NodeSpec>, ssh_config: Option<PathBuf>) -> crate::error::Result<Self> {
        let head = nodes.first().map(|node| node.name.clone());
        Ok(Self {
            name: name.to_owned(),
            user: "mpi".into(),
            head: head.ok_or_else(|| crate::error::Error::usage("no machine was named"))?,
            set_host_names: false,
            ssh_config,
            nodes,
            share: Share { kind: ShareKind::Sync, path: "MPI".into() },
            flavour: Flavour::Openmpi,
            // With another one, every machine would be asked what apt brings along: seconds, for nothing yet.
            source: Source::Wheels,
            requirements: vec![],
        })
    }

    /// The node of that name.
    pub fn node(&self, name: &NodeName) -> Option<&NodeSpec> {
        self.nodes.iter().find(|node| node.name == *name)
    }

    /// The node that launches jobs; `None` only in a spec that was put together by hand with a head that it lacks.
    pub fn head(&self) -> Option<&NodeSpec> {
        self.node(&self.head)
    }

    pub fn is_head(&self, name: &NodeName) -> bool {
        self.head == *name
    }
}
