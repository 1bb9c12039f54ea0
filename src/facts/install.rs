//! A package that a node lacks or has in another version: what the parsers of all managers give.

use serde::Serialize;

/// A package that would be installed, or brought to another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Install {
    pub name: String,
    /// The version that is there now; `older` where the manager does not tell it.
    pub from: Option<String>,
    /// The version that would be there; empty where the manager does not tell it.
    pub to: String,
}
