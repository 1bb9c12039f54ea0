//! Changes: reversible alterations of one node. Few primitives, each with its inverse in `sh/`, and everything else is made of them.
//!
//! A change is data. [`script`] turns changes into the shell that makes them and the journal that undoes them; nothing
//! here touches a node.

pub mod block;
pub mod firewall;
pub mod lock;
pub mod script;
pub mod text;

use std::net::IpAddr;

use serde::Serialize;

pub use text::Text;

/// Where a block stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    Top,
    Bottom,
}

/// What can be done to a node. Paths are absolute; `owner` is the account as which it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "primitive", rename_all = "lowercase")]
pub enum Primitive {
    /// An account with a group of the same name and number, no password, and a home.
    User { name: String, id: u32, shell: String, home: String },
    /// The node's own name.
    HostName { name: String },
    /// The distribution's packages, in one transaction of `manager`. `brings` is what comes along with them, where it is
    /// known.
    Packages { manager: &'static str, names: Vec<String>, brings: Option<Brings> },
    /// A folder that is not there.
    Dir { path: String, mode: &'static str, owner: String },
    /// A key that is made on the node and never leaves it.
    KeyPair { path: String, owner: String, comment: String },
    /// A whole file. `check` is a command that must accept the file in its place.
    File { path: String, mode: &'static str, owner: String, content: Text, check: Option<String> },
    /// Lines between two marker lines in a file of somebody else. `mode` is for a file that is not there yet.
    Block { path: String, mark: String, place: Place, mode: &'static str, owner: String, content: Text },
    /// Rules by which a firewall that stands on the node lets in everything from these addresses. It is switched neither on nor
    /// off. `place` is a chain or zone, empty where there is one place only; `mark` is the comment that tells ours.
    Firewall { firewall: &'static str, place: String, mark: String, addresses: Vec<IpAddr> },
    /// The Python environment: a folder that is unpacked from a stream.
    Tree { path: String, owner: String, key: String },
    /// A unit of systemd's that runs now and after each boot.
    Service { unit: &'static str },
    /// What a line of `/etc/fstab` says of `path`, mounted now. `old` is an address at which the kernel still asks for it, though
    /// the server has left that.
    Mount { path: String, source: String, old: Option<IpAddr> },
}

/// What a transaction of packages brings beside those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brings {
    /// Names of packages that are new on the node.
    pub new: Vec<String>,
    /// `NAME OLD → NEW`, of packages that are there already in another version.
    pub newer: Vec<String>,
}

/// The barrier before which a change is made on all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wave {
    /// Accounts, names, packages, keys: what needs no other node.
    Ground,
    /// What needs what other nodes made: keys are collected before they are spread.
    Mesh,
}

/// What a change could lock somebody out by. It is made under a dead man's switch on the node (`sh/guard.sh`): it goes back
/// by itself unless a new log-in gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// sshd's configuration, which is validated before sshd is told to read it.
    Sshd,
    /// What each log-in of the account reads as which mpiup comes.
    Login,
    /// A firewall, though it only lets in more: a mistake in it would be one that nobody can mend from afar.
    Firewall,
}

impl Guard {
    /// As the shell knows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sshd => "sshd",
            Self::Login => "login",
            Self::Firewall => "firewall",
        }
    }
}

/// One reversible alteration of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    #[serde(flatten)]
    pub primitive: Primitive,
    pub wave: Wave,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// For a person: why the cluster needs it.
    pub why: String,
    /// The object's text before the change, for the diff: `None` when there is none.
    #[serde(skip)]
    pub before: Option<String>,
}

impl Change {
    /// Primitive and object: what makes two changes the same one. It is the key of the journal's entry.
    pub fn key(&self) -> String {
        match &self.primitive {
            Primitive::User { name, .. } => format!("user {name}"),
            Primitive::HostName { .. } => "hostname".into(),
            Primitive::Packages { names, .. } => format!("packages {}", names.join(" ")),
            Primitive::Dir { path, .. } => format!("dir {path}"),
            Primitive::KeyPair { path, .. } => format!("keypair {path}"),
            Primitive::File { path, .. } => format!("file {path}"),
            Primitive::Block { path, .. } => format!("block {path}"),
            Primitive::Firewall { firewall, place, .. } => format!("firewall {firewall} {place}").trim_end().into(),
            Primitive::Tree { path, .. } => format!("tree {path}"),
            Primitive::Service { unit } => format!("service {unit}"),
            Primitive::Mount { path, .. } => format!("mount {path}"),
        }
    }

    /// The change in words: the plan's line and the journal's.
    pub fn what(&self) -> String {
        match &self.primitive {
            Primitive::User { name, id, home, .. } => format!("account {name} (uid {id}, home {home})"),
            Primitive::HostName { name } => format!("host name {name}"),
            Primitive::Packages { names, .. } => format!("packages {}", names.join(" ")),
            Primitive::Dir { path, .. } => format!("folder {path}"),
            Primitive::KeyPair { path, .. } => format!("key {path}, made on the node"),
            Primitive::File { path, .. } => format!("file {path}"),
            Primitive::Block { path, .. } => format!("block in {path}"),
            Primitive::Firewall { firewall, place, .. } => {
                let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
                format!("firewall {firewall}{place}: a rule that lets in the other nodes")
            }
            Primitive::Tree { path, .. } => format!("Python environment {path}"),
            Primitive::Service { unit } => format!("service {unit}, now and at every boot"),
            Primitive::Mount { path, source, .. } => format!("mount of {source} at {path}"),
        }
    }

    /// The whole text of the object before and after, where it has one: what a diff is made of.
    pub fn texts(&self) -> Option<(String, String)> {
        let before = self.before.clone().unwrap_or_default();
        let after = match &self.primitive {
            Primitive::File { content, .. } => content.to_string(),
            Primitive::Block { mark, place, content, .. } => block::with(&before, mark, *place, &content.to_string()),
            Primitive::Firewall { firewall, place, mark, addresses } => {
                firewall::rules(firewall, place, mark, addresses)
            }
            _ => return None,
        };
        Some((before, after))
    }

    /// The text that this change writes and that may wait for other nodes.
    pub fn content(&self) -> Option<&Text> {
        match &self.primitive {
            Primitive::File { content, .. } | Primitive::Block { content, .. } => Some(content),
            _ => None,
        }
    }
}
