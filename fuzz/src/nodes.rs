//! A cluster out of recorded reports, in which one file of the nodes is any text.

use std::sync::OnceLock;

use mpiup::{
    changes::{Primitive, block},
    error::Result,
    facts::{Facts, files::File},
    spec::Spec,
    steps::{Cluster, plan},
};

const REPORTS: [&[u8]; 2] = [
    include_bytes!("../../tests/fixtures/facts/bare-master.txt"),
    include_bytes!("../../tests/fixtures/facts/bare-client1.txt"),
];

const SPEC: &str = "[cluster]\nname = \"aula\"\n[nodes]\nmaster = \"10.77.0.1\"\nclient1 = \"10.77.0.2\"\n";

/// The mark of this cluster's blocks.
pub const MARK: &str = "mpiup aula";
/// Name and address of every node.
pub const NODES: [(&str, &str); 2] = [("master", "10.77.0.1"), ("client1", "10.77.0.2")];

fn bare() -> &'static (Spec, Vec<Facts>) {
    static BARE: OnceLock<(Spec, Vec<Facts>)> = OnceLock::new();
    BARE.get_or_init(|| {
        let spec = mpiup::spec::file::parse(SPEC, "mpiup.toml").unwrap();
        let facts = REPORTS.map(|report| Facts::parse(report).unwrap());
        (spec, facts.into())
    })
}

/// Two nodes on which the file `path` (as the steps ask for it) holds `text`.
pub fn with_file(path: &str, text: &str) -> Cluster {
    with_facts("", |facts| facts.iter_mut().for_each(|facts| drop(facts.files.insert(path.to_owned(), file(text)))))
        .unwrap()
}

pub fn file(text: &str) -> File {
    File { mode: "644".into(), owner: "root".into(), content: Some(text.to_owned()) }
}

/// Two nodes about which something is other than it was recorded, and what the spec has more.
pub fn with_facts(rest: &str, change: impl FnOnce(&mut [Facts])) -> Result<Cluster> {
    let (spec, facts) = bare();
    let spec = if rest.is_empty() {
        spec.clone()
    } else {
        mpiup::spec::file::parse(&format!("{SPEC}{rest}"), "mpiup.toml").unwrap()
    };
    let mut facts = facts.clone();
    for facts in &mut facts {
        let name = |name: &str| mpiup::facts::accounts::Account {
            name: name.into(),
            uid: 1999,
            gid: 1999,
            home: format!("/home/{name}"),
            shell: "/bin/bash".into(),
        };
        facts.user = Some(name(&spec.user));
        let home = File { mode: "755".into(), owner: spec.user.clone(), content: None };
        facts.files.insert("~/.".to_owned(), home);
    }
    change(&mut facts);
    let seen = spec.nodes.iter().cloned().zip(facts).collect();
    Cluster::agree(&spec, seen, None)
}

/// What the plan makes of the first node's file at `path`; `None` when it leaves the file alone.
pub fn planned(cluster: &Cluster, path: &str, text: &str) -> Option<String> {
    plan(cluster).nodes[0].changes.iter().find_map(|change| match &change.primitive {
        Primitive::Block { path: changed, mark, place, content, .. } if changed == path => {
            super::text::block_holds(text, mark, *place, &content.to_string());
            Some(block::with(text, mark, *place, &content.to_string()))
        }
        _ => None,
    })
}
