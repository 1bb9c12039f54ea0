//! `mpiup sync`

use std::path::Path;

use super::{
    global::Global,
    session::{self, Session},
};
use crate::{
    error::{Context as _, Error, Result},
    node::Consent,
    spec::{ShareKind, nodeset},
    steps::Cluster,
    sync,
    ui::{Outcome, Ui, humane},
};

/// Mirror the working directory into the shared folder of every node
///
/// `run` does it by itself. Nothing is deleted on the nodes, and a file that was changed there is left and named.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overwrite files that were changed on a node.
    #[arg(long)]
    force: bool,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let session = Session::open(spec, global, ui).await?;
    session.name_lost(ui);
    let cluster = session.cluster()?;
    if cluster.spec.share.kind != ShareKind::Sync {
        return Err(Error::usage("the share is not mirrored by mpiup: every node sees the same files already")
            .hinted(format!("Copy them to {} on {}.", cluster.layout.share, cluster.spec.head)));
    }
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    let theirs = everywhere(&here, args.force, &session, &cluster, ui).await?;
    session.fleet.close().await;
    if theirs { Err(Error::failed("some files were left as they are on the nodes")) } else { Ok(()) }
}

/// Mirrors `root` to all nodes; true when some file of a node was left as it is there.
///
/// # Errors
/// When a node does not take the files: a job there would run old ones.
pub async fn everywhere(root: &Path, force: bool, session: &Session, cluster: &Cluster, ui: &Ui) -> Result<bool> {
    let files = sync::files(root)?;
    let names: Vec<String> = cluster.members.iter().map(|member| member.spec.name.to_string()).collect();
    let consent = Consent::after_showing_the_plan();
    let work = cluster.members.iter().map(|member| {
        let (files, consent) = (&files, &consent);
        async move {
            let node = session
                .fleet
                .node(&member.spec.name)
                .ok_or_else(|| Error::failed("the connection is gone").on(&member.spec.name))?;
            let share = sync::Share {
                path: &cluster.layout.share,
                state: &member.state,
                user: &cluster.spec.user,
                is_root: member.facts.is_root,
            };
            sync::mirror(root, files, &share, force, node, consent).await
        }
    });
    let progress = ui.progress(&names, "Mirroring the working directory");
    let outcomes = futures_util::future::join_all(work).await;
    for (name, outcome) in names.iter().zip(&outcomes) {
        progress.finish(
            name,
            match outcome {
                Ok(mirrored) if mirrored.sent == 0 => Outcome::Same,
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Failed(error.message().to_owned()),
            },
        );
    }
    drop(progress);
    let mut theirs: Vec<(String, Vec<String>)> = Vec::new();
    let mut sent = (0, 0);
    for (name, outcome) in names.iter().zip(outcomes) {
        let mirrored = outcome?;
        sent = (sent.0.max(mirrored.sent), sent.1 + mirrored.bytes);
        for file in mirrored.theirs {
            match theirs.iter_mut().find(|(known, _)| *known == file) {
                Some((_, nodes)) => nodes.push(name.clone()),
                None => theirs.push((file, vec![name.clone()])),
            }
        }
    }
    if sent.0 > 0 {
        let files = if sent.0 == 1 { "1 file".to_owned() } else { format!("{} files", sent.0) };
        ui.say(&format!("  {files}, {} sent", humane::bytes(sent.1)));
    }
    for (file, nodes) in &theirs {
        ui.warn(&format!(
            "{}: {}/{file} was changed there and is left as it is; `mpiup sync --force` overwrites it",
            nodeset::fold(nodes),
            cluster.spec.share.path
        ));
    }
    Ok(!theirs.is_empty())
}
