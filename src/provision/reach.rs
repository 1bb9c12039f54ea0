//! When no job runs over nodes: do packets get from one to the other at all? A firewall that drops them makes a job hang without
//! a word, and no MPI tells it from a dead machine.
//!
//! Tried at a port that a node opens for this and for a few seconds, as MPI does: between the head node and each other one, both
//! ways. Nothing on a node changes.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::Fleet;
use crate::{
    error::Error,
    node::Node,
    quote,
    spec::NodeName,
    steps::{Cluster, Member},
};

/// Opens a port at its address, tells it, and waits for one that comes.
const LISTEN: &str = "import socket, sys
here = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
here.bind((sys.argv[1], 0)); here.listen(1); here.settimeout(20)
print(here.getsockname()[1], flush=True)
try: here.accept()
except OSError: pass";

/// A port that is not reached within this time is closed to everybody's patience.
const CONNECT: &str = "import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print('reached')
except TimeoutError: print('no answer came within 5 s')
except OSError as error: print(error.strerror or error)";

/// Python's start on a slow board, a log-in's session, and those 5 s.
const DEADLINE: Duration = Duration::from_secs(20);

/// Nodes that do not let in what another one sends, each with what is to be said of it.
pub async fn walled(cluster: &Cluster, fleet: &Fleet) -> Vec<(NodeName, Error)> {
    let Some(head) = cluster.head() else { return vec![] };
    let others: Vec<&Member> = cluster.members.iter().filter(|member| member.spec.name != head.spec.name).collect();
    let tried = stream::iter(others).map(|other| async move {
        let there = refusal(fleet, head, other).await;
        (other, there, refusal(fleet, other, head).await)
    });
    let tried: Vec<(&Member, Option<String>, Option<String>)> = tried.buffered(16).collect().await;
    let blamed = tried.into_iter().filter_map(|(other, there, back)| match (there, back) {
        // Where nothing gets through either way, it is the one that the others do without.
        (Some(why), _) => Some((other, head, why)),
        (None, Some(why)) => Some((head, other, why)),
        (None, None) => None,
    });
    let mut walled: Vec<(NodeName, Error)> = Vec::new();
    for (at, from, why) in blamed {
        if walled.iter().all(|(known, _)| *known != at.spec.name) {
            walled.push((at.spec.name.clone(), error(cluster, at, from, &why)));
        }
    }
    walled
}

/// Why nothing gets from one to the other; nothing where it does, or where that could not be found out.
async fn refusal(fleet: &Fleet, from: &Member, to: &Member) -> Option<String> {
    let (sender, receiver) = (fleet.node(&from.spec.name)?, fleet.node(&to.spec.name)?);
    tokio::time::timeout(DEADLINE, ask(sender, from, receiver, to)).await.ok()?
}

async fn ask(sender: &Node, from: &Member, receiver: &Node, to: &Member) -> Option<String> {
    let address = to.address.to_string();
    let listen = quote::words(["exec", &python(to)?, "-c", LISTEN, &address]);
    let mut listener = receiver.spawn(&listen, false).await.ok()?;
    let mut port = String::new();
    BufReader::new(&mut listener.stdout).read_line(&mut port).await.ok()?;
    let port: u16 = port.trim().parse().ok()?;
    let connect = quote::words([&python(from)?, "-c", CONNECT, &address, &port.to_string()]);
    let output = sender.probe().read(&connect, DEADLINE).await.ok()?;
    let said = output.text().trim().to_owned();
    (output.success() && said != "reached" && !said.is_empty())
        .then(|| format!("at port {port}, which it had opened: {said}"))
}

fn python(member: &Member) -> Option<String> {
    Some(member.facts.python.as_ref()?.path.clone())
}

fn error(cluster: &Cluster, member: &Member, from: &Member, why: &str) -> Error {
    let error = Error::failed(format!("a firewall keeps out what {} sends", from.spec.name)).on(&member.spec.name);
    let rule = format!("everything from {}", from.address);
    let hint = match member.facts.walls.first() {
        Some(wall) => format!(
            "A rule of {} on {} is stronger than the one that mpiup made for {}. Let in {rule}.",
            wall.firewall,
            member.spec.name,
            nodes(cluster, member)
        ),
        None if member.facts.is_root => format!(
            "mpiup saw no firewall on {} itself, so it may stand between the nodes: a security group of a cloud, a switch, a VPN. It has to let in {rule}.",
            member.spec.name
        ),
        None => format!(
            "As root mpiup would look and add a rule. Where it is ufw, type there: `sudo ufw allow from {}`.",
            from.address
        ),
    };
    error.because(why).hinted(hint)
}

fn nodes(cluster: &Cluster, but: &Member) -> String {
    let others = cluster.members.iter().filter(|member| member.spec.name != but.spec.name);
    crate::spec::nodeset::fold_in_order(others.map(|member| member.spec.name.as_str()))
}
