//! `mpiup sync`

use std::{collections::BTreeSet, path::Path};

use super::{global::Global, run::muster, session};
use crate::{
    error::{Context as _, Error, Result},
    launch::{Crew, CrewNode},
    node::{Consent, Node},
    provision::{Fleet, Locks},
    spec::{ShareKind, Spec, nodeset},
    sync::{self, LocalFile, Share, Wanted},
    ui::{Outcome, Ui, humane},
};

/// Mirror the working directory into the shared folder of every node
///
/// `run` does it by itself. Files that differ are sent, and take their names only when they are whole. Nothing is deleted
/// on the nodes: a file that you delete here stays there. A file that was changed there is left and named. Not sent:
/// version control, caches, environments (.git, __pycache__, .venv, target and the like) and mpiup.toml; .gitignore is
/// not looked at, for programs read data that is not under version control.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overwrite files that were changed on a node.
    #[arg(long)]
    force: bool,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    if spec.share.kind != ShareKind::Sync {
        return Err(Error::usage("the share is not mirrored by mpiup: every node sees the same files already")
            .hinted(format!("Copy them to {} on {}.", spec.share.path, spec.head)));
    }
    let mut fleet = muster::connect(&spec, global, ui).await?;
    let crew = muster::muster(&spec, &mut fleet, ui).await?;
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    let theirs = everywhere(&here, args.force, &spec, &mut fleet, &crew, ui).await?;
    let left: Vec<String> = spec
        .nodes
        .iter()
        .map(|node| node.name.to_string())
        .filter(|name| crew.members.iter().all(|node| node.name.as_str() != name))
        .collect();
    fleet.close().await;
    if theirs {
        return Err(Error::failed("some files were left as they are on the nodes"));
    }
    if !left.is_empty() {
        return Err(Error::failed(format!("{} did not get the files", nodeset::fold_in_order(&left))));
    }
    Ok(())
}

/// Mirrors `root` to the nodes of `crew`; true when some file of a node was left as it is there.
///
/// # Errors
/// When a node does not take the files: a job there would run old ones.
pub async fn everywhere(
    root: &Path,
    force: bool,
    spec: &Spec,
    fleet: &mut Fleet,
    crew: &Crew,
    ui: &Ui,
) -> Result<bool> {
    let files = sync::files(root)?;
    let names: Vec<String> = crew.members.iter().map(|member| member.name.to_string()).collect();
    let progress = ui.progress(&names, "Mirroring the working directory");
    let mut wanted = ask(&files, force, spec, fleet, crew).await;
    // What one operator sends must not cross what another sends, or takes back. Where nothing is to be sent, nobody waits.
    let locks = if wanted.iter().flatten().any(|wanted| !wanted.files.is_empty()) {
        let known = fleet.lost.len();
        let locks = session::keep(fleet, spec, "sync", ui).await?;
        if fleet.lost.len() > known {
            return Err(fleet.lost.swap_remove(known).error);
        }
        wanted = ask(&files, force, spec, fleet, crew).await;
        Some(locks)
    } else {
        None
    };
    let alone = locks.as_ref().map(Locks::alone).unwrap_or_default();
    let consent = Consent::after_showing_the_plan();
    // Nodes that want the same get the same archive.
    let sets: BTreeSet<&BTreeSet<String>> =
        wanted.iter().flatten().map(|wanted| &wanted.files).filter(|files| !files.is_empty()).collect();
    let mut archives = Vec::new();
    for set in sets {
        archives.push((set, sync::pack(root, set).await?));
    }
    let targets: Vec<(Share<'_>, &Node)> =
        crew.members.iter().map(|member| target(spec, fleet, crew, member)).collect::<Result<_>>()?;
    let sends = targets.iter().zip(&wanted).zip(&names).map(|(((share, node), wanted), name)| {
        let archive = wanted.as_ref().ok().and_then(|wanted| archives.iter().find(|(set, _)| **set == wanted.files));
        let (alone, consent, progress) = (&alone, &consent, &progress);
        async move {
            let Some((_, archive)) = archive else { return Ok(()) };
            let sent =
                |bytes| progress.meter(name, &format!("{} of {}", humane::bytes(bytes), humane::bytes(archive.bytes)));
            sync::send(archive, share, node, alone, consent, &sent).await
        }
    });
    let sent = futures_util::future::join_all(sends).await;
    if let Some(locks) = locks {
        locks.release().await;
    }
    let outcomes: Vec<Result<Wanted>> =
        wanted.into_iter().zip(sent).map(|(wanted, sent)| wanted.and_then(|wanted| sent.map(|()| wanted))).collect();
    for (name, outcome) in names.iter().zip(&outcomes) {
        progress.finish(
            name,
            match outcome {
                Ok(wanted) if wanted.files.is_empty() => Outcome::Same,
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Failed(error.message().to_owned()),
            },
        );
    }
    drop(progress);
    let mut theirs: Vec<(String, Vec<String>)> = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    for (name, outcome) in names.iter().zip(outcomes) {
        let mirrored = outcome?;
        count = count.max(mirrored.files.len());
        bytes += files.iter().filter(|file| mirrored.files.contains(&file.path)).map(|file| file.bytes).sum::<u64>();
        for file in mirrored.theirs {
            match theirs.iter_mut().find(|(known, _)| *known == file) {
                Some((_, nodes)) => nodes.push(name.clone()),
                None => theirs.push((file, vec![name.clone()])),
            }
        }
    }
    if count > 0 {
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        ui.say(&format!("  {files}, {} sent", humane::bytes(bytes)));
    }
    for (file, nodes) in &theirs {
        ui.warn(&format!(
            "{}: {}/{file} was changed there and is left as it is; `mpiup sync --force` overwrites it",
            nodeset::fold_in_order(nodes),
            spec.share.path
        ));
    }
    Ok(!theirs.is_empty())
}

/// What each node of the crew is to get.
async fn ask(files: &[LocalFile], force: bool, spec: &Spec, fleet: &Fleet, crew: &Crew) -> Vec<Result<Wanted>> {
    let asked = crew.members.iter().map(|member| async {
        let (share, node) = target(spec, fleet, crew, member)?;
        sync::ask(files, &share, force, node.probe()).await
    });
    futures_util::future::join_all(asked).await
}

fn target<'a>(spec: &'a Spec, fleet: &'a Fleet, crew: &'a Crew, member: &'a CrewNode) -> Result<(Share<'a>, &'a Node)> {
    let node = fleet.node(&member.name).ok_or_else(|| Error::failed("the connection is gone").on(&member.name))?;
    let share = Share { path: &crew.layout.share, state: &member.state, user: &spec.user, is_root: member.is_root };
    Ok((share, node))
}
