//! The cluster as the steps see it: the nodes that can be used, and what they have agreed on.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    facts::{
        Facts,
        members::{self, Noted},
    },
    python::Target,
    spec::{NodeName, NodeSpec, Spec},
};

use super::{layout::Layout, network::Network};

/// A node that was seen and can be used.
#[derive(Debug, Clone)]
pub struct Member {
    pub spec: NodeSpec,
    pub facts: Facts,
    /// Where the other nodes reach it.
    pub address: IpAddr,
    /// Room for processes.
    pub slots: u32,
    /// The folder of the cluster's journal on this node.
    pub state: String,
    /// Key of the environment that this node's Python needs.
    pub env_key: String,
    /// What the environment's wheels must fit.
    pub target: Target,
}

impl Member {
    /// False when the journal says that this change was begun and interrupted.
    pub fn is_complete(&self, key: &str) -> bool {
        self.facts.journal.iter().all(|entry| entry.key != key || entry.done)
    }

    /// The login shell of the cluster's user, without its folder.
    pub fn shell(&self) -> &str {
        // Where the account is still to be made, it gets bash.
        let shell = self.facts.user.as_ref().map_or("bash", |account| account.shell.as_str());
        // passwd(5): an empty field means /bin/sh.
        shell.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("sh")
    }

    /// Shells such as dash read no file for `ssh NODE COMMAND`: there is no place in which to say where the programs are.
    pub fn finds_after_login_only(&self) -> bool {
        !matches!(self.shell(), "bash" | "zsh" | "fish" | "tcsh" | "csh")
    }

    /// What the shell reads for `ssh NODE COMMAND`.
    pub fn start_files(&self) -> &'static [&'static str] {
        match self.shell() {
            "bash" => &["~/.bashrc"],
            "zsh" => &["~/.zshenv"],
            "fish" => &["~/.config/fish/config.fish"],
            "tcsh" => &["~/.tcshrc", "~/.cshrc"],
            "csh" => &["~/.cshrc"],
            _ => &["~/.ssh/rc"],
        }
    }

    /// As the hostfile names it: without `/etc/hosts`, which takes root, a name means nothing to the launcher.
    pub fn host(&self) -> String {
        if self.facts.is_root { self.spec.name.to_string() } else { self.address.to_string() }
    }
}

/// A node of the spec that cannot be used now, but was part of the cluster before: the others go on knowing it, so that a
/// node that is only switched off costs no change here, and none when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    pub name: NodeName,
    /// As it stands in the ssh configuration of the nodes that are there.
    pub address: IpAddr,
}

/// The spec, the usable nodes in its order, and what they agree on.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub spec: Spec,
    pub members: Vec<Member>,
    pub absent: Vec<Absent>,
    pub layout: Layout,
    /// uid and gid for the account where it is missing.
    pub user_id: u32,
    pub network: Network,
    /// Some nodes share a kernel: their processes compete for the same cores.
    pub shares_cores: bool,
    /// A fast fabric is there: the TCP components alone would waste it.
    pub has_fabric: bool,
    /// Nodes that left the spec and could not be taken back whole: whoever comes next is to find them.
    pub staying: Vec<Noted>,
}

impl Cluster {
    /// Name and address of every node that the others know, in the spec's order.
    pub fn names(&self) -> Vec<(&NodeName, IpAddr)> {
        let known = |name: &NodeName| {
            let present = self.member(name).map(|member| member.address);
            present.or_else(|| self.absent.iter().find(|absent| absent.name == *name).map(|absent| absent.address))
        };
        self.spec.nodes.iter().filter_map(|node| Some((&node.name, known(&node.name)?))).collect()
    }

    /// What is to be noted beside this node's journal: who is in the cluster, and how the operator reaches them. Nothing
    /// where that stands there already.
    pub fn note(&self, member: &Member) -> String {
        let known: BTreeSet<&NodeName> = self.names().into_iter().map(|(name, _)| name).collect();
        let known = self.spec.nodes.iter().filter(|node| known.contains(&node.name));
        let noted = known.map(|node| Noted {
            name: node.name.clone(),
            address: node.address.clone(),
            is_head: node.name == self.spec.head,
        });
        let noted: Vec<Noted> = noted.chain(self.staying.iter().cloned()).collect();
        if noted == member.facts.members { String::new() } else { members::text(&noted) }
    }

    /// The account as which files of the cluster's user are written.
    pub fn owner(&self) -> String {
        self.spec.user.clone()
    }

    /// The member with this name, where it is usable.
    pub fn member(&self, name: &NodeName) -> Option<&Member> {
        self.members.iter().find(|member| &member.spec.name == name)
    }

    /// The head node, where it is usable.
    pub fn head(&self) -> Option<&Member> {
        self.member(&self.spec.head)
    }
}

/// The journal's folder with the login user's home spelled out.
pub fn state_of(spec: &Spec, facts: &Facts) -> String {
    let state = super::layout::state(spec, facts.is_root);
    match state.strip_prefix("~/") {
        Some(rest) => format!("{}/{rest}", facts.login.home.trim_end_matches('/')),
        None => state,
    }
}
