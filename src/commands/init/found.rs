//! What `init` decides about.

use crate::{
    facts::Facts,
    spec::{Address, NodeName},
};

/// A machine that was named, and what was seen on it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The name that it was given; without one it is called by its own host name.
    pub name: Option<NodeName>,
    pub address: Address,
    pub slots: Option<u32>,
    /// `None`: it could not be looked at.
    pub facts: Option<Facts>,
    /// What sudo said, where mpiup could not become root.
    pub why_not_root: Option<String>,
}
