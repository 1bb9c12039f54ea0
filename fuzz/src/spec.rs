//! `mpiup.toml`: refused with line and column, or read so that it is written and changed without loss.

use mpiup::{
    error::Kind,
    spec::{Address, NodeName, NodeSpec, Spec, edit, file, nodeset, write::Draft},
};

const FILE: &str = "mpiup.toml";

pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    let spec = match file::parse(text, FILE) {
        Ok(spec) => spec,
        Err(error) => return super::text::points_into(&error, FILE, text),
    };
    // A large set costs the fuzzer's time and says nothing that a small one does not.
    if spec.nodes.len() > 200 {
        return;
    }
    let written = Draft::new(spec.clone()).render().expect("what was read can be written");
    assert_eq!(file::parse(&written, FILE).unwrap(), spec);
    edits(text, &spec);
    edits(&written, &spec);
}

/// Each change is that change alone, or one that mpiup says it cannot make.
fn edits(text: &str, spec: &Spec) {
    let names = |spec: &Spec| nodeset::fold(spec.nodes.iter().map(|node| node.name.as_str()));
    let new = NodeSpec {
        name: NodeName::new("a-new-node").unwrap(),
        address: Address::Ssh { user: Some("ana".into()), host: "198.51.100.77".into(), port: Some(2222) },
        slots: Some(3),
    };
    match edit::add_node(text, &new) {
        Ok(changed) => {
            let read = file::parse(&changed, FILE).unwrap();
            assert_eq!((read.nodes.len(), read.node(&new.name)), (spec.nodes.len() + 1, Some(&new)));
            let back = edit::remove_node(&changed, &new.name).unwrap();
            assert_eq!(names(&file::parse(&back, FILE).unwrap()), names(spec));
        }
        Err(error) => assert!(spec.node(&new.name).is_some() || refuses(&error), "{error}: {text:?}"),
    }
    for node in spec.nodes.iter().take(5) {
        match edit::set_slots(text, &node.name, Some(7)) {
            Ok(changed) => {
                let read = file::parse(&changed, FILE).unwrap();
                assert_eq!(read.node(&node.name).and_then(|node| node.slots), Some(7));
            }
            Err(error) => assert!(refuses(&error), "{error}: {text:?}"),
        }
        match edit::remove_node(text, &node.name) {
            Ok(changed) => assert_eq!(file::parse(&changed, FILE).unwrap().node(&node.name), None),
            Err(error) => assert!(refuses(&error) || spec.is_head(&node.name), "{error}: {text:?}"),
        }
    }
}

/// An error that tells the person what to write by hand.
fn refuses(error: &mpiup::error::Error) -> bool {
    !error.hints().is_empty() || error.kind() == Kind::Usage
}
