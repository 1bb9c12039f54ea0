//! What the user wants: `mpiup.toml`, as types that cannot hold an invalid cluster.

use std::{fmt, path::PathBuf};

/// A node's name in the spec: also its host name in `/etc/hosts`, the hostfile and `~/.ssh/config`.
/// Letters, digits, `-`, `_` and `.`; it begins with a letter or digit; 1 to 63 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
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
