//! What happens on the nodes, as it happens: the interface between the engine and whoever shows it.

use serde::Serialize;

use crate::spec::NodeName;

/// One thing that happened on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A change is being made, or taken back.
    Begin { node: NodeName, what: String },
    /// Something that takes time tells how far it is.
    Say { node: NodeName, text: String },
    /// So much of the Python environment is on its way, in bytes. Comes often.
    Sent { node: NodeName, bytes: u64, of: u64 },
    /// A change is complete.
    Done { node: NodeName, what: String },
    /// `down` left something that is not its own, and why.
    Kept { node: NodeName, what: String, why: String },
    /// A change did not come about; what follows it on this node was not begun.
    Failed { node: NodeName, what: String, why: String },
}

/// Hears events while they happen. Order within a node is the order of things; nodes run side by side.
pub type Sink<'a> = &'a dyn Fn(Event);
