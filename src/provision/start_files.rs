//! When no job runs over a node: is it that a start-up file of the cluster's user there ends the shell, waits, or hangs, or
//! that its surroundings are such that no MPI can start?

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::as_user;
use crate::{
    error::Error,
    node::Node,
    quote,
    steps::{Cluster, Member},
};

/// A start-up file that needs longer keeps every job waiting.
pub const LIMIT: Duration = Duration::from_secs(10);
const HELLO: &str = "mpiup-hello";
/// Followed by the folder for temporary files, where nothing can be written into it.
const NO_TMPDIR: &str = "mpiup-tmpdir ";

/// Start-up files that keep every job waiting, though one came through in the end.
pub async fn slow(cluster: &Cluster, head: &Node) -> Vec<Error> {
    let asked = cluster.members.iter().map(|member| blame(cluster, head, member));
    let found: Vec<Option<Error>> = stream::iter(asked).buffered(4).collect().await;
    found.into_iter().flatten().collect()
}

/// What start-up files do on `member`, as seen from the head node; nothing when a command comes through, or when ssh itself
/// does not.
pub(super) async fn blame(cluster: &Cluster, head: &Node, member: &Member) -> Option<Error> {
    let name = &member.spec.name;
    // Ended there, so that nothing goes on in its place.
    let limit = LIMIT.as_secs().to_string();
    let look = format!("echo {HELLO}; t=${{TMPDIR:-/tmp}}; test -w $t/. || echo {NO_TMPDIR}$t");
    let look = quote::words(["exec", "sh", "-c", &look]);
    let login = ["timeout", &limit, "ssh", "-n", "-o", "BatchMode=yes", name.as_str(), &look];
    let is_root = cluster.head().is_some_and(|head| head.facts.is_root);
    let command = as_user(is_root, &cluster.spec.user, &cluster.layout.home, &quote::words(login));
    let answer = head.fresh(&command, LIMIT * 2).await.ok()?;
    let said = answer.text();
    if let Some((_, folder)) = said.split_once(NO_TMPDIR) {
        return Some(no_tmpdir(cluster, member, folder.lines().next().unwrap_or_default()));
    }
    let what = match answer.status {
        _ if said.contains(HELLO) => return None,
        // ssh's own: the file is not to blame.
        255 => return None,
        124 => format!("had not come to an end after {limit} s"),
        status => format!("ended the shell with status {status} before the command"),
    };
    let files = member.start_files().join(" or ");
    Some(
        Error::failed(format!("a start-up file of {} ({files}) {what}", cluster.spec.user)).on(name).hinted(format!(
            "See it on {}, as {}: `ssh {name} true`. Where such a file exits, waits, reads or starts another program, let it do so in terminals only (in bash: `[ -t 0 ] || return` above it).",
            cluster.spec.head, cluster.spec.user
        )),
    )
}

fn no_tmpdir(cluster: &Cluster, member: &Member, folder: &str) -> Error {
    let (user, name) = (&cluster.spec.user, &member.spec.name);
    Error::failed(format!("TMPDIR of {user} is {folder}, where nothing can be written, and MPI keeps files there"))
        .on(name)
        .hinted(format!("Make that folder on {name}, or find who sets the variable: `grep -rs TMPDIR /etc/environment /etc/profile /etc/profile.d ~{user}/.[a-z]*`"))
}
