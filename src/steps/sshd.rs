//! sshd: looked at as it is for the cluster's user, and changed only when it would not let a key in.

use super::{Cluster, Member};
use crate::changes::{Change, Guard, Primitive, Text, Wave};

/// Debian's and its children's `sshd_config` includes this folder first.
pub const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-mpiup.conf";

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let content =
        "# Written by mpiup: login by key, which the cluster's nodes use among each other.\nPubkeyAuthentication yes\n";
    let Some(sshd) = &member.facts.sshd else { return vec![] };
    let before = member.facts.text(DROP_IN).map(str::to_owned);
    let refuses_keys = sshd.get("pubkeyauthentication").is_some_and(|value| value == "no");
    if !refuses_keys && (before.is_none() || member.is_complete(&format!("file {DROP_IN}"))) {
        return vec![];
    }
    vec![Change {
        primitive: Primitive::File {
            path: DROP_IN.into(),
            mode: "644",
            owner: "root".into(),
            content: Text::new(content),
            check: Some(format!(
                "sshd -T -C user={},host=localhost,addr=127.0.0.1 | grep -qx 'pubkeyauthentication yes'",
                cluster.spec.user
            )),
        },
        wave: Wave::Ground,
        guard: Some(Guard::Sshd),
        why: "sshd refuses keys, and the nodes log in to each other by key".into(),
        before,
    }]
}
