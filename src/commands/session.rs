//! What most verbs begin with: the spec, connections to its nodes, and what was seen on them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{cli::Global, prompter::AskUser};
use crate::{
    error::{Context, Result},
    facts::Facts,
    node::Opener,
    provision::{Fleet, Lost, gather},
    spec::{self, NodeSpec, Spec},
    steps::Cluster,
    ui::Ui,
};

/// The spec, and where it was read from.
pub struct Loaded {
    pub spec: Spec,
    pub path: PathBuf,
}

/// Reads mpiup.toml from where the user said, from here, or from a folder above.
///
/// # Errors
/// When there is none, or it is wrong.
pub fn load(global: &Global) -> Result<Loaded> {
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    let path = spec::file::find(&here, global.spec.as_deref())?;
    let spec = spec::file::read(&path)?;
    Ok(Loaded { spec, path })
}

/// How nodes are connected.
pub fn opener(spec_config: Option<PathBuf>, global: &Global, ui: &Ui, becomes_root: bool) -> Opener {
    let traced = ui.clone();
    Opener {
        accept_new: global.accept_new,
        connect_timeout: Duration::from_secs(10),
        ssh_config: spec_config,
        become_root: becomes_root,
        trace: Some(Arc::new(move |place: &str, command: &str| traced.trace(place, command))),
        prompter: Arc::new(AskUser::new(ui.clone())),
        ..Opener::default()
    }
}

/// Connected nodes and what was seen on them.
pub struct Session {
    pub spec: Spec,
    pub fleet: Fleet,
    pub seen: Vec<(NodeSpec, Facts)>,
}

impl Session {
    /// Connects to all nodes and looks at them, with progress from the first moment.
    pub async fn open(spec: Spec, global: &Global, ui: &Ui) -> Session {
        let names: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
        let progress = ui.progress(&names, "Looking at the nodes");
        let opener = opener(spec.ssh_config.clone(), global, ui, true);
        let mut fleet = Fleet::open(&spec, &opener).await;
        let seen = gather(&spec, &mut fleet).await;
        progress.close_silently();
        Session { spec, fleet, seen }
    }

    /// Looks again.
    pub async fn look_again(&mut self) {
        self.seen = gather(&self.spec, &mut self.fleet).await;
    }

    /// What the usable nodes agree on.
    ///
    /// # Errors
    /// When the head node is not usable, or the nodes cannot agree.
    pub fn cluster(&self) -> Result<Cluster> {
        self.fleet.head(&self.spec)?;
        Cluster::agree(&self.spec, self.seen.clone())
    }

    /// Names the nodes that cannot be used, one line each.
    pub fn name_lost(&self, ui: &Ui) {
        for Lost { error, .. } in &self.fleet.lost {
            ui.error(error);
        }
    }
}
