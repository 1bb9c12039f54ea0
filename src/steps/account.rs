//! The cluster's user: the same name everywhere, with a number that is free on all nodes.

use super::{Cluster, Member};
use crate::changes::{Change, Primitive, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let name = &cluster.spec.user;
    if member.facts.user.is_some() && member.is_complete(&format!("user {name}")) {
        return vec![];
    }
    vec![Change {
        primitive: Primitive::User {
            name: name.clone(),
            id: cluster.user_id,
            shell: "/bin/bash".into(),
            home: cluster.layout.home.clone(),
        },
        wave: Wave::Ground,
        guard: None,
        why: "programs run as the same user on every node; the number is free on all of them".into(),
        before: None,
    }]
}
