//! `mpiup sync`

use super::{global::Global, run::muster, session};
use crate::{
    error::{Context as _, Error, Result},
    spec::{NodeName, ShareKind, nodeset},
    ui::Ui,
};

mod mirror;

pub use mirror::everywhere;

/// Mirror the working directory into the shared folder of every node
///
/// Where the share is `sync`, `run` does it by itself; a folder that the nodes share gets the files on the head node, and only
/// so. Files that differ are sent, and take their names only when they are whole. Nothing is deleted
/// on the nodes: a file that you delete here stays there. A file that was changed there is left and named. Not sent:
/// version control, caches, environments (.git, __pycache__, .venv, target and the like), mpiup.toml and the hostfile
/// `hosts`; .gitignore is not looked at, for programs read data that is not under version control.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overwrite files that were changed on a node.
    #[arg(long)]
    force: bool,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let mut fleet = muster::connect(&spec, global, ui).await?;
    let mut crew = muster::muster(&spec, &mut fleet, ui).await?;
    // Of what the nodes share there is one copy.
    let takes_part = |name: &NodeName| spec.share.kind == ShareKind::Sync || *name == spec.head;
    crew.keep(takes_part);
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    let theirs = everywhere(&here, args.force, &spec, &mut fleet, &mut crew, ui).await?;
    let left: Vec<String> = spec
        .nodes
        .iter()
        .filter(|node| takes_part(&node.name) && crew.member(&node.name).is_none())
        .map(|node| node.name.to_string())
        .collect();
    fleet.close().await;
    if !left.is_empty() {
        return Err(Error::failed(format!("{} did not get the files", nodeset::fold_in_order(&left))));
    }
    if theirs {
        return Err(Error::failed("some files were left as they are on the nodes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
