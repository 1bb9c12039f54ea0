//! Does every node see the same files? Part of the proof, where the share comes over NFS: as the cluster's user the head node
//! writes a file that every other node reads, and each of those one that the head reads. They are removed again.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::{Fleet, as_user};
use crate::{
    error::{Error, Result},
    node::Node,
    quote,
    spec::{NodeName, ShareKind},
    steps::{Cluster, Member},
};

/// For 90 s after its start an NFS server opens no file, so that those who had some open come first (nfsd(7), grace period).
const DEADLINE: Duration = Duration::from_secs(150);

/// The log-in before it, and its end after it.
const GRACE: Duration = Duration::from_secs(30);

/// Every file of a trial begins so.
const MARK: &str = ".mpiup-trial-";

/// The nodes that do not see what the others see, each with its reason.
///
/// # Errors
/// When the head node itself cannot write there.
pub async fn differing(cluster: &Cluster, fleet: &Fleet) -> Result<Vec<(NodeName, Error)>> {
    let others: Vec<&Member> =
        cluster.members.iter().filter(|member| !cluster.spec.is_head(&member.spec.name)).collect();
    let (Some(head), false) = (cluster.head(), others.is_empty()) else { return Ok(vec![]) };
    if cluster.spec.share.kind != ShareKind::Nfs {
        return Ok(vec![]);
    }
    let trial = Trial { cluster, name: format!("{MARK}{}", crate::node::random_word()) };
    let node = fleet.head(&cluster.spec)?;
    let written = trial.run(head, node, &trial.write_here(&head.spec.name)).await;
    let seen = match &written {
        Ok(()) => trial.of_others(&others, fleet, head, node).await,
        Err(_) => vec![],
    };
    // Also what a node wrote whose answer was lost.
    let removed = trial.run(head, node, &trial.remove()).await;
    written.and(removed).map_err(|error| {
        let share = &cluster.layout.share;
        Error::failed(format!("{} cannot write into {share}", cluster.spec.user))
            .on(&head.spec.name)
            .because(error.message())
            .hinted(format!(
                "On {}: `ls -ld {share}` shows whose it is, `df -h {share}` whether it is full.",
                head.spec.name
            ))
    })?;
    Ok(seen)
}

struct Trial<'a> {
    cluster: &'a Cluster,
    /// Nobody has looked for it before: no node remembers that there was none.
    name: String,
}

impl Trial<'_> {
    async fn of_others(
        &self,
        others: &[&Member],
        fleet: &Fleet,
        head: &Member,
        head_node: &Node,
    ) -> Vec<(NodeName, Error)> {
        let reads = others.iter().map(|member| async move {
            let name = &member.spec.name;
            let Some(node) = fleet.node(name) else { return Err(Error::failed("the connection is gone")) };
            self.run(member, node, &self.read_and_write(&head.spec.name, name)).await
        });
        let read = join_all(reads).await;
        let mut differing = vec![];
        for (member, outcome) in others.iter().zip(read) {
            let name = &member.spec.name;
            // A node that reads may write somewhere else, which the head then does not see.
            let outcome = match outcome {
                Ok(()) => self.run(head, head_node, &self.read_here(name)).await,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                differing.push((name.clone(), self.differs(name, &error)));
            }
        }
        differing
    }

    fn differs(&self, node: &NodeName, error: &Error) -> Error {
        let (share, head) = (&self.cluster.layout.share, &self.cluster.spec.head);
        Error::failed(format!("{share} is not the same there as on {head}")).on(node).because(error.message()).hinted(
            format!("On {node}: `findmnt {share}` shows what is mounted; on {head}: `exportfs -v` shows for whom."),
        )
    }

    fn path(&self, of: &NodeName) -> String {
        quote::sh(&format!("{}/{}.{of}", self.cluster.layout.share, self.name))
    }

    fn write_here(&self, by: &NodeName) -> String {
        format!("umask 077; printf '%s\n' {} > {}", quote::sh(by.as_str()), self.path(by))
    }

    fn read_and_write(&self, head: &NodeName, by: &NodeName) -> String {
        format!("{} && {}", self.read_here(head), self.write_here(by))
    }

    /// What was written there, and by this same account.
    fn read_here(&self, by: &NodeName) -> String {
        let path = self.path(by);
        format!(
            "[ -e {path} ] || {{ echo 'what '{by}' writes is not seen there' >&2; exit 1; }}; \
             [ -O {path} ] || {{ echo 'its files belong to somebody else there: '$(stat -c %u:%g {path}) >&2; exit 1; }}; \
             [ \"$(cat {path})\" = {by} ]",
            by = quote::sh(by.as_str())
        )
    }

    fn remove(&self) -> String {
        format!("rm -f {}.*", quote::sh(&format!("{}/{}", self.cluster.layout.share, self.name)))
    }

    /// Runs a script as the cluster's user, in a session of its own: one that waits for a server that is gone holds up nothing
    /// else. It is ended on the node, too.
    async fn run(&self, member: &Member, node: &Node, script: &str) -> Result<()> {
        let limit = DEADLINE.as_secs();
        let limited = format!("timeout -s KILL {limit} sh -c {}", quote::sh(script));
        let command = as_user(member.facts.is_root, &self.cluster.spec.user, &self.cluster.layout.home, &limited);
        let begun = Instant::now();
        let late = || Error::failed(format!("no answer within {} s", begun.elapsed().as_secs()));
        let asked = async { node.spawn(&command, false).await?.output().await };
        let output = tokio::time::timeout(DEADLINE + GRACE, asked).await.map_err(|_| late())??;
        match output.status {
            0 => Ok(()),
            124 | 137 => Err(late()),
            status => Err(Error::failed(match output.last_words() {
                words if words.is_empty() => format!("status {status}"),
                words => words,
            })),
        }
    }
}
