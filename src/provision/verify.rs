//! The proof: a real MPI job with one rank on every node, started by the plain command, over fresh connections.
//!
//! "ready" is said only after it. Nothing of mpiup takes part: the head node is asked, over a new ssh connection, to log in
//! to itself as the cluster's user, as a person would, and to type `mpiexec -hostfile hosts …`.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::as_user;
use crate::{
    error::{Error, Result},
    node::{Node, Output},
    quote,
    spec::{Flavour, NodeName},
    steps::{self, Cluster, Member},
};

/// A cold start of thirty nodes takes seconds; what takes a minute hangs.
const DEADLINE: Duration = Duration::from_secs(90);

/// For each node beyond those: launchers log in to many nodes one after the other.
const MANY: usize = 30;
const EACH_BEYOND: Duration = Duration::from_secs(2);

/// Two nodes that take longer will not become friends.
const PAIR_DEADLINE: Duration = Duration::from_secs(30);

/// After so long no further pair is begun: with what was found until then, the proof is tried again.
const ALL_PAIRS: Duration = Duration::from_secs(150);

/// What a job that hangs has to end, beside the log-ins before it.
const GRACE: Duration = Duration::from_secs(5);

/// How timeout(1) tells that it ended the command, and that it had to kill it.
const TIMED_OUT: i32 = 124;
const KILLED: i32 = 137;

/// What the job showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Nodes on which a rank answered, in the order of ranks.
    pub nodes: Vec<String>,
    /// `Open MPI v5.0.11; mpi4py 4.1.1`
    pub library: String,
    /// What was typed.
    pub command: String,
    /// Wall time of the whole, fresh logins included.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}

/// Runs the job and looks at who answered.
///
/// # Errors
/// When the job fails, hangs, or leaves a node out: then the cluster is not ready.
pub async fn verify(cluster: &Cluster, head: &Node) -> Result<Proof> {
    let everyone: Vec<&Member> = cluster.members.iter().collect();
    // A hostfile of somebody's own may name nodes that are switched off.
    let hosts = if steps::hostfile_is_of_members(cluster) { Hosts::Hostfile } else { Hosts::Named };
    job(cluster, head, &everyone, hosts, deadline(everyone.len())).await
}

/// How long a job with so many ranks may take.
fn deadline(ranks: usize) -> Duration {
    let beyond = u32::try_from(ranks.saturating_sub(MANY)).unwrap_or(u32::MAX);
    DEADLINE.saturating_add(EACH_BEYOND.saturating_mul(beyond))
}

/// The nodes with which the head node cannot run a job of two, each with its reason. At most four pairs at a time; where
/// many nodes hang, not all of them are found at once.
pub async fn culprits(cluster: &Cluster, head: &Node) -> Vec<(NodeName, Error)> {
    let Some(first) = cluster.head() else { return vec![] };
    let others = cluster.members.iter().filter(|member| member.spec.name != first.spec.name);
    let begun = Instant::now();
    let pairs = others.map(|other| async move {
        if begun.elapsed() > ALL_PAIRS {
            return None;
        }
        let outcome = job(cluster, head, &[first, other], Hosts::Named, PAIR_DEADLINE).await;
        let error = outcome.err()?;
        if let Some(blamed) = super::start_files::blame(cluster, head, other).await {
            return Some((other.spec.name.clone(), blamed));
        }
        let reasons = error.reasons().iter().skip(1);
        let blamed = Error::failed(format!("no MPI job runs over it and {}", first.spec.name)).on(&other.spec.name);
        Some((other.spec.name.clone(), reasons.fold(blamed, |blamed, reason| blamed.because(reason))))
    });
    let found: Vec<Option<(NodeName, Error)>> = stream::iter(pairs).buffered(4).collect().await;
    found.into_iter().flatten().collect()
}

/// Where the launcher learns its hosts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hosts {
    /// From the file that the user will name too.
    Hostfile,
    /// From the command line.
    Named,
}

async fn job(cluster: &Cluster, head: &Node, members: &[&Member], hosts: Hosts, deadline: Duration) -> Result<Proof> {
    let command = command(cluster, members, hosts);
    let typed = format!("cd {} && {command}", quote::sh(&cluster.layout.share));
    // A job that hangs is ended where it runs: what only the connection's end tells it, it does not hear.
    let limit = deadline.saturating_sub(GRACE).as_secs();
    let limited = typed.replacen("mpiexec ", &format!("timeout -k 2 {limit} mpiexec "), 1);
    let login = quote::words(["ssh", "-o", "BatchMode=yes", cluster.spec.head.as_str(), &limited]);
    let is_root = cluster.head().is_some_and(|head| head.facts.is_root);
    let remote = as_user(is_root, &cluster.spec.user, &cluster.layout.home, &login);
    let start = Instant::now();
    let output = head.fresh(&remote, deadline).await.map_err(|error| not_ready(&error, &typed))?;
    let took = start.elapsed();
    if output.status == TIMED_OUT || output.status == KILLED {
        return Err(not_ready(&Error::failed(format!("the MPI job did not end within {limit} s")), &typed));
    }
    let (nodes, library) = parse(&output).map_err(|error| not_ready(&error, &typed))?;
    let missing =
        members.iter().map(|member| member.spec.name.as_str()).filter(|name| !nodes.iter().any(|node| node == name));
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        return Err(not_ready(&Error::failed(format!("no rank answered from {}", missing.join(", "))), &typed));
    }
    Ok(Proof { nodes, library, command, took })
}

fn command(cluster: &Cluster, members: &[&Member], hosts: Hosts) -> String {
    let ranks = members.len();
    let names = || members.iter().map(|member| member.host()).collect::<Vec<_>>().join(",");
    let (once_per_node, named) = match cluster.spec.flavour {
        Flavour::Openmpi => ("--map-by ppr:1:node", "--host"),
        Flavour::Mpich => ("-ppn 1", "-hosts"),
    };
    let hosts = match hosts {
        Hosts::Hostfile => "-hostfile hosts".to_owned(),
        Hosts::Named => format!("{named} {}", names()),
    };
    let program = quote::sh(&format!("{}/verify.py", cluster.layout.own));
    // Where the shell finds the programs after a log-in only, a person without one says where they are.
    let path = if members.iter().any(|member| member.spec.name == cluster.spec.head && member.finds_after_login_only())
    {
        format!("PATH={}/bin:$PATH ", quote::sh(&cluster.layout.env))
    } else {
        String::new()
    };
    format!("{path}mpiexec -n {ranks} {once_per_node} {hosts} python {program}")
}

/// `mpiup-verify RANK/SIZE NODE HOST` for each rank, and `mpiup-library TEXT`.
fn parse(output: &Output) -> Result<(Vec<String>, String)> {
    let text = output.text();
    let mut nodes = Vec::new();
    let mut size = 0;
    for line in text.lines() {
        // What a start-up file prints without ending its line stands before it.
        if let Some((_, rest)) = line.split_once("mpiup-verify ") {
            let words: Vec<&str> = rest.split(' ').collect();
            size = words
                .first()
                .and_then(|rank| rank.split_once('/'))
                .and_then(|(_, size)| size.parse().ok())
                .unwrap_or(0);
            nodes.extend(words.get(1).map(|node| (*node).to_owned()));
        }
    }
    if !output.success() || nodes.is_empty() || nodes.len() != size {
        return Err(Error::failed("the MPI job over all nodes failed").because(output.last_words()));
    }
    let library =
        text.lines().find_map(|line| Some(line.split_once("mpiup-library ")?.1)).unwrap_or_default().to_owned();
    Ok((nodes, library))
}

fn not_ready(error: &Error, typed: &str) -> Error {
    let mut all = Error::failed("the cluster is set up, but not ready").because(error.message());
    for reason in error.reasons() {
        all = all.because(reason);
    }
    all.hinted(format!("What was typed on the head node, as the cluster's user: `{typed}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_must_have_answered() {
        let whole = "mpiup-verify 0/2 master master\nmpiup-verify 1/2 client1 client1\nmpiup-library Open MPI v4.1.4; mpi4py 4.1.1\n";
        let (nodes, library) = parse(&Output::ok(whole)).unwrap();
        assert_eq!(
            (nodes, library.as_str()),
            (vec!["master".to_owned(), "client1".to_owned()], "Open MPI v4.1.4; mpi4py 4.1.1")
        );
    }

    #[test]
    fn many_ranks_may_take_longer() {
        assert_eq!([3, 30, 100].map(|ranks| deadline(ranks).as_secs()), [90, 90, 230]);
    }

    #[test]
    fn three_lonely_ranks_are_no_cluster() {
        // What a launcher of one MPI and an mpi4py of another print, with exit code 0.
        let lonely = "mpiup-verify 0/1 master master\nmpiup-verify 0/1 client1 client1\n";
        assert!(parse(&Output::ok(lonely)).is_err());
        assert!(parse(&Output::ok("")).is_err());
    }
}
