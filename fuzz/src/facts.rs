//! What a node reports: refused, or facts out of which a plan can be made or an error that names the node. A node that
//! lies cannot bring mpiup down.

use mpiup::{
    changes::script,
    facts::{Facts, frame},
    spec::{Spec, file},
    steps::{Cluster, plan, question},
};

const SPECS: [&str; 3] = [
    "[nodes]\nn1 = \"10.77.0.1\"\n",
    "[cluster]\nset_host_names = true\n[mpi]\nsource = \"distro\"\n[nodes]\nn1 = \"10.77.0.1\"\n",
    "[mpi]\nflavour = \"mpich\"\nsource = \"distro\"\n[share]\nkind = \"existing\"\npath = \"/srv/mpi\"\n[nodes]\nn1 = \"10.77.0.1\"\n",
];

/// Bytes as they come, when the first one is 0; otherwise a text whose lines `== NAME` begin frames, so that whoever
/// makes one up need not count.
pub fn check(data: &[u8]) {
    let report = match data.split_first() {
        Some((0, bytes)) => bytes.to_vec(),
        _ => counted(data),
    };
    let (frames, facts) = (frame::frames(&report), Facts::parse(&report));
    assert_eq!(frames.is_ok(), facts.is_ok());
    let Ok(facts) = facts else { return };
    let _ = (facts.os.short(), facts.arch());
    for address in &facts.addresses {
        let _ = (address.network(), address.is_bridge(), address.is_local());
    }
    for text in SPECS {
        let spec = file::parse(text, "mpiup.toml").unwrap();
        let _ = question(&spec, &spec.head, facts.is_root).script();
        planned(&spec, &facts);
    }
}

fn planned(spec: &Spec, facts: &Facts) {
    let seen = vec![(spec.nodes[0].clone(), facts.clone())];
    match Cluster::agree(spec, seen, None) {
        Ok(cluster) => {
            let plan = plan(&cluster);
            let changes = plan.nodes[0].changes.iter().enumerate();
            let note = cluster.note(&cluster.members[0]);
            script::calls(&cluster.members[0].state, &note, changes, None).expect("a plan can be written down");
        }
        Err(error) => assert!(!error.message().is_empty()),
    }
}

/// The report with the length of each frame, and its end.
fn counted(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut report = Vec::new();
    for frame in text.split("== ").skip(1) {
        let (name, content) = frame.split_once('\n').unwrap_or((frame, ""));
        let content = content.strip_suffix('\n').unwrap_or(content);
        report.extend(format!("== {name} {}\n{content}\n", content.len()).bytes());
    }
    report.extend(b"== end 0\n\n");
    report
}
