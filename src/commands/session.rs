//! What most verbs begin with: the spec, connections to its nodes, and what was seen on them.

use std::{path::PathBuf, rc::Rc, sync::Arc};

use super::{global::Global, prompter::AskUser};
use crate::{
    error::{Context, Error, Result},
    facts::{Facts, members::Noted},
    node::{self, Consent, Opener},
    provision::{self, Event, Fleet, Leavers, Locks, Moved, gather, survey},
    secret::Secret,
    spec::{self, NodeName, NodeSpec, Spec},
    steps::{self, Cluster},
    ui::{Outcome, Progress, Ui},
};

/// Reads mpiup.toml from where the user said, from here, or from a folder above.
///
/// # Errors
/// When there is none, or it is wrong.
pub fn load(global: &Global) -> Result<Spec> {
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    spec::file::load(&spec::find::find(&here, global.spec.as_deref())?)
}

/// How nodes are connected.
///
/// # Errors
/// When no private folder can be made for ssh's sockets, or a password is wanted and there is nobody to type it.
pub fn opener(ssh_config: Option<PathBuf>, global: &Global, ui: &Ui, become_root: bool) -> Result<Opener> {
    let traced = ui.clone();
    let Typed { password, sudo_password } = passwords(global, ui, become_root)?;
    Opener::new(node::Options {
        password,
        sudo_password,
        accept_new: global.accept_new,
        ssh_config,
        r#become: become_root,
        trace: ui.is_verbose().then(|| -> node::Trace { Rc::new(move |text: &str| traced.trace("", text)) }),
        prompter: Arc::new(AskUser::new(ui.clone())),
        ..node::Options::default()
    })
}

/// What was typed before the first connection.
struct Typed {
    password: Option<Secret>,
    sudo_password: Option<Secret>,
}

fn passwords(global: &Global, ui: &Ui, become_root: bool) -> Result<Typed> {
    let hint = "Passwords are typed at a terminal. A script logs in with a key, and uses sudo without a password.";
    let ask = |question: &str| -> Result<Option<Secret>> {
        let typed = ui.secret(question, hint)?;
        typed.map(Some).ok_or_else(|| Error::failed("no password was given, and nothing was done"))
    };
    let password = if global.ask_pass { ask("Log-in password for the nodes:")? } else { None };
    if !global.ask_become_pass || !become_root {
        return Ok(Typed { password, sudo_password: None });
    }
    let sudo_password = match &password {
        None => ask("sudo's password on the nodes:")?,
        Some(same) => ask("sudo's password on the nodes (empty: the same):")?
            .map(|typed| if typed.is_empty() { same.clone() } else { typed }),
    };
    Ok(Typed { password, sudo_password })
}

/// Connected nodes and what was seen on them.
pub struct Session {
    pub spec: Spec,
    pub fleet: Fleet,
    pub seen: Vec<(NodeSpec, Facts)>,
    /// What was seen on nodes that were lost all the same.
    pub aside: Vec<(NodeSpec, Facts)>,
    /// Nodes that were part of the cluster and are not in the spec any more, for the verbs that care.
    pub leavers: Leavers,
    /// Those of them on which something of the cluster stands still.
    pub staying: Vec<NodeSpec>,
    /// Nodes that answer at another address than the spec file says.
    pub moved: Vec<Moved>,
    /// So many of the lost nodes were named.
    named: usize,
    is_sifted: bool,
    /// The network on which the nodes reach each other, where that had to be found out.
    pub surveyed: Option<String>,
    /// Packages of the distribution are fetched through this machine.
    pub via_operator: bool,
}

impl Session {
    /// Connects to all nodes and looks at them, with progress from the first moment.
    ///
    /// # Errors
    /// When no private folder can be made for ssh's sockets. A node that cannot be used is no error here: it is lost.
    pub async fn open(spec: Spec, global: &Global, ui: &Ui) -> Result<Session> {
        // What is asked for comes before the display of progress.
        let opener = opener(spec.ssh_config.clone(), global, ui, true)?;
        Ok(Session::open_by(&opener, spec, ui).await)
    }

    /// The same by an opener that is there already.
    pub async fn open_by(opener: &Opener, spec: Spec, ui: &Ui) -> Session {
        let names: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
        let progress = ui.progress(&names, "Looking at the nodes");
        let fleet = Fleet::open(&spec, opener, &|node| progress.meter(node.as_str(), "logged in")).await;
        Session::look(spec, fleet, progress).await
    }

    /// The same for nodes that are connected already: what every verb goes on with, and where tests bring their own nodes.
    pub async fn of(spec: Spec, fleet: Fleet, ui: &Ui) -> Session {
        let names: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
        let progress = ui.progress(&names, "Looking at the nodes");
        Session::look(spec, fleet, progress).await
    }

    async fn look(spec: Spec, mut fleet: Fleet, progress: Progress) -> Session {
        let seen = gather(&spec, &mut fleet, &|node| progress.finish(node.as_str(), Outcome::Done)).await;
        for lost in &fleet.lost {
            // `name_lost` says why.
            progress.finish(lost.node.as_str(), Outcome::Failed(String::new()));
        }
        let leavers = Leavers::none();
        Session {
            spec,
            fleet,
            seen,
            aside: Vec::new(),
            leavers,
            staying: Vec::new(),
            moved: Vec::new(),
            named: 0,
            is_sifted: false,
            surveyed: None,
            via_operator: false,
        }
    }

    /// Makes no difference any more between nodes of the spec and nodes that left it: all are to be taken back.
    pub fn admit_leavers(&mut self) {
        let Leavers { fleet, seen, .. } = std::mem::replace(&mut self.leavers, Leavers::none());
        let left = fleet.lost.iter().map(|lost| (&lost.node, &lost.address));
        let left = left.chain(seen.iter().map(|(node, _)| (&node.name, &node.address)));
        let left = left.map(|(name, address)| NodeSpec { name: name.clone(), address: address.clone(), slots: None });
        self.spec.nodes.extend(left.collect::<Vec<_>>());
        self.fleet.nodes.extend(fleet.nodes);
        self.fleet.lost.extend(fleet.lost);
        self.seen.extend(seen);
    }

    /// Keeps the nodes from other operators while `doing`, the verb. One that is in use is lost and named.
    ///
    /// # Errors
    /// When the head node is in use.
    pub async fn keep(&mut self, doing: &str, ui: &Ui) -> Result<Locks> {
        let locks = keep(&mut self.fleet, &self.spec, doing, ui).await?;
        self.name_lost(ui);
        Ok(locks)
    }

    /// Looks again.
    pub async fn look_again(&mut self) {
        let seen = gather(&self.spec, &mut self.fleet, &|_| ()).await;
        let before = std::mem::replace(&mut self.seen, seen);
        let is_gone = |(node, _): &(NodeSpec, Facts)| self.seen.iter().all(|(other, _)| other.name != node.name);
        self.aside.extend(before.into_iter().filter(is_gone));
    }

    /// For the verbs that need a cluster: leaves out the nodes that cannot take part in one, and names them.
    pub async fn muster(&mut self, ui: &Ui) {
        let own_clock = self.leave_out().await;
        self.name_lost(ui);
        if let Some(text) = own_clock {
            ui.warn(&text);
        }
    }

    /// Leaves out the nodes that cannot take part, and finds out, the first time, over which network the others reach each
    /// other. What is wrong with the operator's own clock is said then too.
    pub async fn leave_out(&mut self) -> Option<String> {
        let sifted = steps::sift(&self.spec, std::mem::take(&mut self.seen));
        self.seen = sifted.usable;
        for (node, facts, error) in sifted.unusable {
            self.fleet.lose(&node.name, error);
            self.aside.push((node, facts));
        }
        if std::mem::replace(&mut self.is_sifted, true) {
            return None;
        }
        self.surveyed = survey(&self.seen, &self.fleet).await;
        sifted.own_clock
    }

    /// What the usable nodes agree on.
    ///
    /// # Errors
    /// When the head node is not usable, or the nodes cannot agree.
    pub fn cluster(&self) -> Result<Cluster> {
        self.fleet.head(&self.spec)?;
        let mut cluster = Cluster::agree(&self.spec, self.seen.clone(), self.surveyed.as_deref())?;
        let noted = |node: &NodeSpec| Noted { name: node.name.clone(), address: node.address.clone(), is_head: false };
        cluster.staying = self.staying.iter().map(noted).collect();
        Ok(cluster)
    }

    /// Names the nodes that cannot be used and were not named yet: one line each, equal reasons once.
    pub fn name_lost(&mut self, ui: &Ui) {
        name_lost(&self.fleet, self.named, ui);
        self.named = self.fleet.lost.len();
    }
}

/// What a node's journal tells of, the last change first, each thing once.
pub fn entries(facts: &Facts) -> impl Iterator<Item = &str> {
    let mut told = std::collections::BTreeSet::new();
    facts.journal.iter().rev().map(|entry| entry.what.as_str()).filter(move |what| told.insert(*what))
}

/// Names the nodes that were lost after the first `known`.
pub fn name_lost(fleet: &Fleet, known: usize, ui: &Ui) {
    for error in provision::reasons(fleet.lost.get(known..).unwrap_or_default()) {
        ui.error(&error);
    }
}

/// Takes the locks of all connected nodes, and says so where that takes time.
///
/// # Errors
/// When the head node is in use.
pub async fn keep(fleet: &mut Fleet, spec: &Spec, doing: &str, ui: &Ui) -> Result<Locks> {
    let consent = Consent::after_showing_the_plan();
    let waits = |event: Event| {
        if let Event::Say { node, text } = event {
            ui.say(&format!("  {node} {text}"));
        }
    };
    Locks::take(fleet, &spec.head, doing, &consent, &waits).await
}

/// What is said of several nodes is said once: each text with its nodes.
pub fn alike<'a, T: PartialEq>(said: impl Iterator<Item = (T, &'a NodeName)>) -> Vec<(T, Vec<&'a str>)> {
    let mut all: Vec<(T, Vec<&str>)> = Vec::new();
    for (text, node) in said {
        match all.iter_mut().find(|(known, _)| *known == text) {
            Some((_, nodes)) => nodes.push(node.as_str()),
            None => all.push((text, vec![node.as_str()])),
        }
    }
    all
}
