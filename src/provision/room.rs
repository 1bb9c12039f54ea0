//! Is there room for what the plan brings? A node without it fails before anything is begun there.

use super::fetch::Bundles;
use crate::{
    changes::Primitive,
    error::Error,
    spec::NodeName,
    steps::{Cluster, Plan},
    ui::humane,
};

/// The nodes whose disk does not hold the Python environment, each with its sentence.
pub fn too_small(cluster: &Cluster, plan: &Plan, bundles: &Bundles) -> Vec<(NodeName, Error)> {
    let mut failed = Vec::new();
    for (node, member) in plan.nodes.iter().zip(&cluster.members) {
        let brings = node.changes.iter().any(|change| matches!(change.primitive, Primitive::Tree { .. }));
        let Some(bundle) = bundles.get(&member.env_key).filter(|_| brings) else { continue };
        // Small files take whole blocks.
        let needed = bundle.unpacked_bytes().unwrap_or(bundle.bytes) / 10 * 11;
        let free = member.facts.disk_free_kib.map_or(u64::MAX, |kib| kib.saturating_mul(1024));
        if free < needed {
            let error = Error::failed(format!(
                "its disk is too full: the Python environment needs {}, and {} are free",
                humane::bytes(needed),
                humane::bytes(free)
            ));
            let hint = format!("Nothing was begun there. Make room for {}: `df -h` shows it.", cluster.layout.env);
            failed.push((node.node.clone(), error.on(&node.node).hinted(hint)));
        }
    }
    failed
}
