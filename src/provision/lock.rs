//! One operator at a time: keeps nodes for this command while it alters them.
//!
//! Guarantees: a node that somebody else's command has is not touched, and the sentence says whose, from where and since
//! when; the head node is taken first, so that of two commands on the same cluster one gets all of it. What the lock is made
//! of, and when it ends by itself, stands in `changes/lock.rs`.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::unix::pipe,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Event, Fleet, Sink};
use crate::{
    changes::lock::{BEAT_SECONDS, Holder, Key, Orphan, PATIENCE_SECONDS, Said, said},
    error::{Error, Result},
    node::{self, Consent, Hands, Node, Running},
    spec::NodeName,
    ui::humane,
};

/// The holder on a node is patient twice: with who is there, and with what still runs.
const DEADLINE: Duration = Duration::from_secs(2 * PATIENCE_SECONDS + 30);

/// A holder whose input ends goes at once; one that cannot be heard goes by itself.
const ENDS: Duration = Duration::from_secs(5);

/// Nodes that are kept for this command. Dropping it gives them back as soon as they hear of it.
pub struct Locks {
    key: Key,
    held: Vec<Held>,
}

struct Held {
    holder: Running,
    beats: Beats,
}

/// The signs of life that a holder waits for. Its input ends with them.
struct Beats(JoinHandle<()>);

impl Drop for Beats {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Locks {
    /// Takes `first`, then all others of the fleet side by side. A node that cannot be had is lost to the fleet, with its
    /// reason. `doing` is the verb.
    ///
    /// # Errors
    /// When `first` cannot be had: then none of the others was taken.
    pub async fn take(
        fleet: &mut Fleet,
        first: &NodeName,
        doing: &str,
        consent: &Consent,
        sink: Sink<'_>,
    ) -> Result<Locks> {
        let key = Key { token: node::random_word(), who: operator(), doing: doing.to_owned() };
        let mut held = Vec::new();
        if let Some(node) = fleet.node(first) {
            held.push(hold(node, &key, consent, sink).await?);
        }
        let others = fleet.nodes.iter().filter(|(node, _)| node.name != *first);
        let others = others.map(|(spec, node)| async { (spec.name.clone(), hold(node, &key, consent, sink).await) });
        for (node, outcome) in futures_util::future::join_all(others.collect::<Vec<_>>()).await {
            match outcome {
                Ok(one) => held.push(one),
                Err(error) => fleet.lose(&node, error),
            }
        }
        Ok(Locks { key, held })
    }

    /// What every script begins with that alters a node.
    pub fn alone(&self) -> String {
        self.key.alone()
    }

    /// Gives the nodes back, and waits until they know.
    pub async fn release(self) {
        let ends = self.held.into_iter().map(|Held { holder, beats }| {
            drop(beats);
            timeout(ENDS, holder.wait())
        });
        futures_util::future::join_all(ends).await;
    }
}

/// `USER@MACHINE`, as the next operator reads it.
fn operator() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name);
    let machine = nix::unistd::gethostname().ok().map(|name| name.to_string_lossy().into_owned());
    let name = format!("{}@{}", user.unwrap_or_else(|| "somebody".into()), machine.unwrap_or_default());
    name.chars().filter(|c| !c.is_control()).collect()
}

async fn hold(node: &Node, key: &Key, consent: &Consent, sink: Sink<'_>) -> Result<Held> {
    let taking = async {
        let mut holder = Hands::new(node, consent).start(&key.hold()).await?;
        let beats = Beats(tokio::spawn(beat(holder.stdin.take())));
        listen(node.name(), &mut holder, sink).await?;
        Ok(Held { holder, beats })
    };
    let taken = timeout(DEADLINE, taking).await;
    taken
        .unwrap_or_else(|_| Err(not_kept("the node did not answer in time")))
        .map_err(|error: Error| error.on(node.name()))
}

async fn beat(stdin: Option<pipe::Sender>) {
    let Some(mut stdin) = stdin else { return };
    loop {
        sleep(Duration::from_secs(BEAT_SECONDS)).await;
        if stdin.write_all(b"\n").await.is_err() {
            return;
        }
    }
}

/// Waits until the holder has the node.
async fn listen(node: &NodeName, holder: &mut Running, sink: Sink<'_>) -> Result<()> {
    let mut lines = BufReader::new(&mut holder.stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match said(&line) {
            Some(Said::Held) => return Ok(()),
            Some(Said::Waits(orphan)) => sink(Event::Say { node: node.clone(), text: waits(&orphan) }),
            Some(Said::Orphan(orphan)) => return Err(orphaned(&orphan)),
            Some(Said::Taken(holder)) => return Err(taken(&holder)),
            Some(Said::Lacks(tool)) => return Err(lacks(&tool)),
            None => {}
        }
    }
    let mut said = String::new();
    let _ = (&mut holder.stderr).take(4096).read_to_string(&mut said).await;
    Err(not_kept(&said))
}

fn not_kept(why: &str) -> Error {
    Error::failed("the node could not be kept from other operators, so nothing was changed on it").because(why)
}

fn lacks(tool: &str) -> Error {
    not_kept(&format!("{tool} is not installed there")).hinted(
        "flock (of util-linux), timeout and stat (of coreutils) are needed on every node; busybox has all three.",
    )
}

fn taken(holder: &Holder) -> Error {
    if holder.who.is_empty() {
        return Error::failed("another mpiup is at work on the node, and does not say whose").hinted(LATER);
    }
    let from = if holder.from.is_empty() { "the node itself" } else { &holder.from };
    let age = humane::duration(Duration::from_secs(holder.seconds));
    Error::failed(format!(
        "in use by {} from {from}: `mpiup {}`, since {} on its clock, {age} ago",
        holder.who, holder.doing, holder.since
    ))
    .hinted(LATER)
}

fn orphaned(orphan: &Orphan) -> Error {
    let Orphan { process, who, doing } = orphan;
    Error::failed(format!(
        "`mpiup {doing}` of {who} has ended, but what it was doing still runs there (process {process})"
    ))
    .because(format!("it was waited for, {PATIENCE_SECONDS} s"))
    .hinted(format!("Run this command again when it has ended. On the node, `ps -f -g {process}` shows what it does."))
}

fn waits(orphan: &Orphan) -> String {
    format!("waits for what `mpiup {}` of {} left running", orphan.doing, orphan.who)
}

const LATER: &str = "Run this command again when that has ended.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_says_who_from_where_what_and_since_when() {
        let holder = Holder {
            who: "ana@laptop".into(),
            from: "10.77.0.1".into(),
            doing: "up".into(),
            since: "21:45:10".into(),
            seconds: 72,
        };
        assert_eq!(
            taken(&holder).message(),
            "in use by ana@laptop from 10.77.0.1: `mpiup up`, since 21:45:10 on its clock, 1 min 12 s ago"
        );
    }
}
