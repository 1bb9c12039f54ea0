//! Mirrors the working directory to the nodes of a job, side by side.
//!
//! Guarantees: a node that does not take the files is lost to the job, which would run old ones there, and is named; the
//! others get theirs. Without the head node there is no job, so its failure is everybody's.

use std::{collections::BTreeSet, path::Path};

use futures_util::future::join_all;

use crate::{
    commands::session,
    error::{Error, Result},
    launch::{Crew, CrewNode},
    node::{Consent, Node},
    provision::{Fleet, Locks},
    spec::{NodeName, Spec, nodeset},
    sync::{self, LocalFile, Share, Wanted},
    ui::{Outcome, Progress, Ui, humane},
};

/// Mirrors `root` to the nodes of `crew`; true when some file of a node was left as it is there. Nodes that did not take the
/// files have left crew and fleet, and were named.
///
/// # Errors
/// When `root` cannot be mirrored, or the head node does not take the files.
pub async fn everywhere(
    root: &Path,
    force: bool,
    spec: &Spec,
    fleet: &mut Fleet,
    crew: &mut Crew,
    ui: &Ui,
) -> Result<bool> {
    let files = sync::files(root)?;
    let names: Vec<String> = crew.members.iter().map(|member| member.name.to_string()).collect();
    let progress = ui.progress(&names, "Mirroring the working directory");
    let known = fleet.lost.len();
    let mirror = Mirror { root, files: &files, force, spec, ui, progress };
    let mirrored = mirror.run(fleet, crew).await;
    for (name, wanted) in mirrored.iter().flatten() {
        mirror.progress.finish(name.as_str(), if wanted.files.is_empty() { Outcome::Same } else { Outcome::Done });
    }
    // The error itself follows, whole.
    let head = mirrored.is_err().then_some(&spec.head);
    for name in fleet.lost.iter().skip(known).map(|lost| &lost.node).chain(head) {
        mirror.progress.finish(name.as_str(), Outcome::Failed(String::new()));
    }
    drop(mirror);
    session::name_lost(fleet, known, ui);
    Ok(tell(&files, &mirrored?, &spec.share.path, ui))
}

/// What was sent, and what was not; true when there is such a file.
fn tell(files: &[LocalFile], mirrored: &[(NodeName, Wanted)], share: &str, ui: &Ui) -> bool {
    let (mut count, mut bytes) = (0, 0);
    for (_, mirrored) in mirrored {
        count = count.max(mirrored.files.len());
        bytes += files.iter().filter(|file| mirrored.files.contains(&file.path)).map(|file| file.bytes).sum::<u64>();
    }
    if count > 0 {
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        ui.say(&format!("  {files}, {} sent", humane::bytes(bytes)));
    }
    let theirs = session::alike(
        mirrored.iter().flat_map(|(node, mirrored)| mirrored.theirs.iter().map(move |file| (file, node))),
    );
    for (file, nodes) in &theirs {
        ui.warn(&format!(
            "{}: {share}/{file} was changed there and is left as it is; `mpiup sync --force` overwrites it",
            nodeset::fold_in_order(nodes),
        ));
    }
    !theirs.is_empty()
}

/// What is the same for all nodes.
struct Mirror<'a> {
    root: &'a Path,
    files: &'a [LocalFile],
    force: bool,
    spec: &'a Spec,
    ui: &'a Ui,
    progress: Progress,
}

impl Mirror<'_> {
    /// What each node has got.
    async fn run(&self, fleet: &mut Fleet, crew: &mut Crew) -> Result<Vec<(NodeName, Wanted)>> {
        let wanted = self.ask(fleet, crew).await?;
        if wanted.iter().all(|(_, wanted)| wanted.files.is_empty()) {
            return Ok(wanted);
        }
        // What one operator sends must not cross what another sends, or takes back. Where nothing is to be sent, nobody waits.
        let locks = session::keep(fleet, self.spec, "sync", self.ui).await?;
        crew.keep(|name| fleet.node(name).is_some());
        let sent = self.send(&locks, fleet, crew).await;
        locks.release().await;
        sent
    }

    /// What each node is to get.
    async fn ask(&self, fleet: &mut Fleet, crew: &mut Crew) -> Result<Vec<(NodeName, Wanted)>> {
        let asked = crew.members.iter().map(|member| async {
            let asked = async {
                let (share, node) = target(self.spec, fleet, crew, member)?;
                sync::ask(self.files, &share, self.force, node.probe()).await
            };
            (member.name.clone(), asked.await)
        });
        let answers = join_all(asked).await;
        self.without_the_failed(answers, fleet, crew)
    }

    /// Sends what is missing, seen anew now that the nodes are kept for this command.
    async fn send(&self, locks: &Locks, fleet: &mut Fleet, crew: &mut Crew) -> Result<Vec<(NodeName, Wanted)>> {
        let wanted = self.ask(fleet, crew).await?;
        // Nodes that want the same get the same archive.
        let sets: BTreeSet<&BTreeSet<String>> =
            wanted.iter().map(|(_, wanted)| &wanted.files).filter(|files| !files.is_empty()).collect();
        let mut archives = Vec::new();
        for set in sets {
            archives.push((set.clone(), sync::pack(self.root, set).await?));
        }
        let (alone, consent) = (&locks.alone(), &Consent::after_showing_the_plan());
        let sends = wanted.into_iter().map(|(name, wanted)| {
            let archive = archives.iter().find(|(set, _)| *set == wanted.files).map(|(_, archive)| archive);
            let target = crew.member(&name).map(|member| target(self.spec, fleet, crew, member));
            async move {
                let (Some(archive), Some(target)) = (archive, target) else { return (name, Ok(wanted)) };
                let sent = |bytes| {
                    let text = format!("{} of {}", humane::bytes(bytes), humane::bytes(archive.bytes));
                    self.progress.meter(name.as_str(), &text);
                };
                let sent = match target {
                    Ok((share, node)) => sync::send(archive, &share, node, alone, consent, &sent).await,
                    Err(error) => Err(error),
                };
                (name, sent.map(|()| wanted))
            }
        });
        let outcomes = join_all(sends).await;
        self.without_the_failed(outcomes, fleet, crew)
    }

    /// The nodes that came through; the others are lost.
    fn without_the_failed(
        &self,
        outcomes: Vec<(NodeName, Result<Wanted>)>,
        fleet: &mut Fleet,
        crew: &mut Crew,
    ) -> Result<Vec<(NodeName, Wanted)>> {
        let (mut through, mut head) = (Vec::new(), Ok(()));
        for (node, outcome) in outcomes {
            match outcome {
                Ok(wanted) => through.push((node, wanted)),
                Err(error) if node == self.spec.head => head = Err(error.on(&node)),
                Err(error) => fleet.lose(&node, error),
            }
        }
        crew.keep(|name| fleet.node(name).is_some());
        head.map(|()| through)
    }
}

fn target<'a>(spec: &'a Spec, fleet: &'a Fleet, crew: &'a Crew, member: &'a CrewNode) -> Result<(Share<'a>, &'a Node)> {
    let node = fleet.node(&member.name).ok_or_else(|| Error::failed("the connection is gone").on(&member.name))?;
    let share = Share { path: &crew.layout.share, state: &member.state, user: &spec.user, is_root: member.is_root };
    Ok((share, node))
}
