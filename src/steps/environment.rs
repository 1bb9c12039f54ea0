//! The Python environment: the user's requirements, and MPI itself where it comes from wheels.

use super::{Cluster, Member};
use crate::changes::{Change, Primitive, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let path = &cluster.layout.env;
    if member.facts.env_stamp.as_deref() == Some(member.env_key.as_str()) && member.is_complete(&format!("tree {path}"))
    {
        return vec![];
    }
    let mut wheels: Vec<&str> = super::layout::wheels(&cluster.spec);
    wheels.extend(cluster.spec.requirements.iter().map(String::as_str));
    let (major, minor) = member.target.python;
    vec![Change {
        primitive: Primitive::Tree { path: path.clone(), owner: cluster.owner(), key: member.env_key.clone() },
        wave: Wave::Ground,
        guard: None,
        why: match wheels.as_slice() {
            [] => format!("the system's Python {major}.{minor}, with the packages that it has, by the name `python`"),
            wheels => format!("Python {major}.{minor} with {}, brought by this computer", wheels.join(", ")),
        },
        before: None,
    }]
}
