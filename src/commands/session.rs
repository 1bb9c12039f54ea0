//! What most verbs begin with: the spec, connections to its nodes, and what was seen on them.

use std::{path::PathBuf, rc::Rc, sync::Arc};

use super::{global::Global, prompter::AskUser};
use crate::{
    error::{Context, Error, Result},
    facts::Facts,
    node::{self, Consent, Opener},
    provision::{Event, Fleet, Locks, Lost, gather, survey},
    secret::Secret,
    spec::{self, NodeSpec, Spec},
    steps::Cluster,
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
    /// The network on which the nodes reach each other, where that had to be found out.
    pub surveyed: Option<String>,
}

impl Session {
    /// Connects to all nodes and looks at them, with progress from the first moment.
    ///
    /// # Errors
    /// When no private folder can be made for ssh's sockets. A node that cannot be used is no error here: it is lost.
    pub async fn open(spec: Spec, global: &Global, ui: &Ui) -> Result<Session> {
        // What is asked for comes before the display of progress.
        let opener = opener(spec.ssh_config.clone(), global, ui, true)?;
        let names: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
        let progress = ui.progress(&names, "Looking at the nodes");
        let fleet = Fleet::open(&spec, &opener, &|node| progress.meter(node.as_str(), "logged in")).await;
        Ok(Session::look(spec, fleet, progress).await)
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
        let surveyed = survey(&seen, &fleet).await;
        Session { spec, fleet, seen, surveyed }
    }

    /// Keeps the nodes from other operators while `doing`, the verb. One that is in use is lost and named.
    ///
    /// # Errors
    /// When the head node is in use.
    pub async fn keep(&mut self, doing: &str, ui: &Ui) -> Result<Locks> {
        let known = self.fleet.lost.len();
        let locks = keep(&mut self.fleet, &self.spec, doing, ui).await?;
        for Lost { error, .. } in self.fleet.lost.iter().skip(known) {
            ui.error(error);
        }
        Ok(locks)
    }

    /// Looks again.
    pub async fn look_again(&mut self) {
        self.seen = gather(&self.spec, &mut self.fleet, &|_| ()).await;
    }

    /// What the usable nodes agree on.
    ///
    /// # Errors
    /// When the head node is not usable, or the nodes cannot agree.
    pub fn cluster(&self) -> Result<Cluster> {
        self.fleet.head(&self.spec)?;
        Cluster::agree(&self.spec, self.seen.clone(), self.surveyed.as_deref())
    }

    /// Names the nodes that cannot be used, one line each.
    pub fn name_lost(&self, ui: &Ui) {
        for Lost { error, .. } in &self.fleet.lost {
            ui.error(error);
        }
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
