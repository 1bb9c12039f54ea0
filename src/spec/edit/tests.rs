//! Edits that keep what the user wrote.

use super::*;
use crate::spec::Address;

const FILE: &str = "\
# our classroom
[cluster]
head = \"master\"   # the tall one

[nodes]
# anything ssh takes
master  = \"192.168.1.10\"     # by the window
client1 = { address = \"192.168.1.11\", slots = 4 } # slow disk

# row two
\"client[2-9]\" = \"192.168.1.[12-19]\"  # same model

[share]   # later
kind = \"sync\"
";

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn node(name: &str, address: &str, slots: Option<u32>) -> NodeSpec {
    NodeSpec { name: NodeName::new(name).unwrap(), address: Address::parse(address).unwrap(), slots }
}

/// The lines that a change takes out and puts in.
fn change(before: &str, after: Result<String>) -> String {
    let after = after.unwrap_or_else(|error| panic!("{error}"));
    let diff = similar::TextDiff::from_lines(before, &after);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed.map(|change| format!("{}{change}", change.tag())).collect()
}

#[test]
fn an_address_changes_in_its_place() {
    let to = |text: &str, who: &str, address: &str| {
        change(text, set_addresses(text, &[(&name(who), &Address::parse(address).unwrap())]))
    };
    insta::assert_snapshot!(to(FILE, "master", "192.168.1.114"), @r#"
    -master  = "192.168.1.10"     # by the window
    +master  = "192.168.1.114"     # by the window
    "#);
    insta::assert_snapshot!(to(FILE, "client1", "ana@192.168.1.14:2222"), @r#"
    -client1 = { address = "192.168.1.11", slots = 4 } # slow disk
    +client1 = { address = "ana@192.168.1.14:2222", slots = 4 } # slow disk
    "#);
    insta::assert_snapshot!(to(FILE, "client3", "192.168.1.99"), @r#"
    -"client[2-9]" = "192.168.1.[12-19]"  # same model
    +client2 = "192.168.1.12"  # same model
    +client3 = "192.168.1.99"  # same model
    +"client[4-9]" = "192.168.1.[14-19]"  # same model
    "#);
    assert_eq!(to(FILE, "master", "192.168.1.10"), "");
    let taken = set_addresses(FILE, &[(&name("master"), &Address::parse("192.168.1.11").unwrap())]);
    assert!(taken.unwrap_err().message().contains("address of `master`"));
    assert!(set_addresses(FILE, &[(&name("pc9"), &Address::Local)]).is_err());
}

#[test]
fn nodes_may_take_each_other_s_addresses() {
    let (one, two) = (Address::parse("192.168.1.12").unwrap(), Address::parse("192.168.1.13").unwrap());
    let swapped = set_addresses(FILE, &[(&name("client2"), &two), (&name("client3"), &one)]);
    insta::assert_snapshot!(change(FILE, swapped), @r#"
    -"client[2-9]" = "192.168.1.[12-19]"  # same model
    +client2 = "192.168.1.13"  # same model
    +client3 = "192.168.1.12"  # same model
    +"client[4-9]" = "192.168.1.[14-19]"  # same model
    "#);
    let (one, two) = (Address::parse("192.168.1.10").unwrap(), Address::parse("192.168.1.11").unwrap());
    let swapped = set_addresses(FILE, &[(&name("master"), &two), (&name("client1"), &one)]);
    insta::assert_snapshot!(change(FILE, swapped), @r#"
    -master  = "192.168.1.10"     # by the window
    -client1 = { address = "192.168.1.11", slots = 4 } # slow disk
    +master  = "192.168.1.11"     # by the window
    +client1 = { address = "192.168.1.10", slots = 4 } # slow disk
    "#);
}

#[test]
fn a_new_node_stands_behind_the_others() {
    insta::assert_snapshot!(change(FILE, add_node(FILE, &node("gpu1", "mpi@gpu.example.org:2222", Some(8)))), @r#"+gpu1          = { address = "mpi@gpu.example.org:2222", slots = 8 }"#);
    insta::assert_snapshot!(change("[nodes]\nmaster = \"local\"", add_node("[nodes]\nmaster = \"local\"", &node("n1", "[fe80::1]", None))), @r#"
    -master = "local"
    +master = "local"
    +n1     = "[fe80::1]"
    "#);
    let tables = "[nodes.n1]\naddress = \"local\"\n\n[mpi]\nflavour = \"mpich\"\n";
    insta::assert_snapshot!(change(tables, add_node(tables, &node("n2", "10.0.0.2", Some(2)))), @r#"
    +[nodes.n2]
    +address = "10.0.0.2"
    +slots = 2
    +
    "#);
    let inline = "nodes = { n1 = \"local\" } # short\n";
    insta::assert_snapshot!(change(inline, add_node(inline, &node("n2", "10.0.0.2", Some(2)))), @r#"
    -nodes = { n1 = "local" } # short
    +nodes = { n1 = "local", n2 = { address = "10.0.0.2", slots = 2 } } # short
    "#);
    assert!(add_node(FILE, &node("client5", "10.0.0.2", None)).unwrap_err().message().contains("named on line 11"));
    assert!(add_node(FILE, &node("n5", "192.168.1.15", None)).unwrap_err().message().contains("address of `client5`"));
}

#[test]
fn slots_change_where_the_node_stands() {
    let set = |node: &str, slots| change(FILE, set_slots(FILE, &name(node), slots));
    insta::assert_snapshot!(set("master", Some(2)), @r#"
    -master  = "192.168.1.10"     # by the window
    +master  = { address = "192.168.1.10", slots = 2 }     # by the window
    "#);
    insta::assert_snapshot!(set("client1", Some(8)), @r#"
    -client1 = { address = "192.168.1.11", slots = 4 } # slow disk
    +client1 = { address = "192.168.1.11", slots = 8 } # slow disk
    "#);
    insta::assert_snapshot!(set("client1", None), @r#"
    -client1 = { address = "192.168.1.11", slots = 4 } # slow disk
    +client1 = { address = "192.168.1.11" } # slow disk
    "#);
    insta::assert_snapshot!(set("client5", Some(1)), @r#"
    -"client[2-9]" = "192.168.1.[12-19]"  # same model
    +"client[2-4]" = "192.168.1.[12-14]"  # same model
    +client5 = { address = "192.168.1.15", slots = 1 }  # same model
    +"client[6-9]" = "192.168.1.[16-19]"  # same model
    "#);
    insta::assert_snapshot!(set("client2", Some(1)), @r#"
    -"client[2-9]" = "192.168.1.[12-19]"  # same model
    +client2 = { address = "192.168.1.12", slots = 1 }  # same model
    +"client[3-9]" = "192.168.1.[13-19]"  # same model
    "#);
    assert_eq!(set("client1", Some(4)), "");
    let error = set_slots(FILE, &name("client10"), Some(1)).unwrap_err();
    assert_eq!(
        (error.message(), error.hints()[0].as_str()),
        ("mpiup.toml has no node `client10`", "The nodes are client[1-9],master.")
    );
}

#[test]
fn a_removed_node_takes_its_line_along() {
    let remove = |node: &str| change(FILE, remove_node(FILE, &name(node)));
    insta::assert_snapshot!(remove("client1"), @r#"-client1 = { address = "192.168.1.11", slots = 4 } # slow disk"#);
    insta::assert_snapshot!(remove("client9"), @r#"
    -"client[2-9]" = "192.168.1.[12-19]"  # same model
    +"client[2-8]" = "192.168.1.[12-18]"  # same model
    "#);
    insta::assert_snapshot!(remove("client3"), @r#"
    -"client[2-9]" = "192.168.1.[12-19]"  # same model
    +"client[2,4-9]" = "192.168.1.[12,14-19]"  # same model
    "#);
    let error = remove_node(FILE, &name("master")).unwrap_err();
    assert_eq!(error.message(), "`master` is the cluster's head and cannot be taken out");
    // The head of a file that names none is its first node.
    assert!(remove_node("[nodes]\nn1 = \"local\"\n", &name("n1")).is_err());
}

#[test]
fn other_spellings_are_edited_too() {
    let text = "[nodes]\nn1 = {}\nn2.address = \"10.0.0.2\"\n\n[nodes.n3]\naddress = \"10.0.0.3\" # three\n\n[mpi]\n";
    insta::assert_snapshot!(change(text, set_slots(text, &name("n1"), Some(3))), @r"
    -n1 = {}
    +n1 = { slots = 3 }
    ");
    insta::assert_snapshot!(change(text, set_slots(text, &name("n2"), Some(3))), @r"+n2.slots = 3");
    insta::assert_snapshot!(change(text, set_slots(text, &name("n3"), Some(3))), @r"+slots = 3");
    insta::assert_snapshot!(change(text, remove_node(text, &name("n3"))), @r#"
    -[nodes.n3]
    -address = "10.0.0.3" # three
    -
    "#);
    insta::assert_snapshot!(change(text, remove_node(text, &name("n2"))), @r#"-n2.address = "10.0.0.2""#);
    let table = "[nodes.n1] # one\naddress = \"local\"\nslots = 4 # four\n";
    insta::assert_snapshot!(change(table, set_slots(table, &name("n1"), Some(3))), @r"
    -slots = 4 # four
    +slots = 3 # four
    ");
    let lines = "[nodes]\nn1 = { # one\n  address = \"local\", # here\n  slots = 4, # four\n}\n";
    insta::assert_snapshot!(change(lines, set_slots(lines, &name("n1"), Some(3))), @r"
    -  slots = 4, # four
    +  slots = 3, # four
    ");
    insta::assert_snapshot!(change(lines, set_slots(lines, &name("n1"), None)), @r#"
    -  address = "local", # here
    -  slots = 4, # four
    +  address = "local", # four
    "#);
    let inline = "nodes = { \"n[1-3]\" = \"10.0.0.[1-3]\" }\n";
    assert!(set_slots(inline, &name("n2"), Some(1)).unwrap_err().message().contains("not on a line of its own"));
}

#[test]
fn windows_line_ends_stay() {
    let text = FILE.replace('\n', "\r\n");
    for changed in [
        add_node(&text, &node("gpu1", "gpu", None)),
        set_slots(&text, &name("client5"), Some(1)),
        set_slots(&text, &name("master"), Some(1)),
        remove_node(&text, &name("client1")),
    ] {
        let changed = changed.unwrap();
        assert_eq!(changed.matches('\n').count(), changed.matches("\r\n").count(), "{changed:?}");
    }
}

#[test]
fn a_set_in_an_odd_order_keeps_its_pairs() {
    let text = "[nodes]\nm = \"local\"\n\"n[5,1-3],x\" = { address = \"h[9,2,4,7],[fe80::1]:22\", slots = 2 }\n";
    insta::assert_snapshot!(change(text, set_slots(text, &name("n1"), None)), @r#"
    -"n[5,1-3],x" = { address = "h[9,2,4,7],[fe80::1]:22", slots = 2 }
    +n5 = { address = "h9", slots = 2 }
    +n1 = "h2"
    +"n[2-3],x" = { address = "h[4,7],[fe80::1]:22", slots = 2 }
    "#);
    insta::assert_snapshot!(change(text, remove_node(text, &name("n3"))), @r#"
    -"n[5,1-3],x" = { address = "h[9,2,4,7],[fe80::1]:22", slots = 2 }
    +"n[5,1-2],x" = { address = "h[9,2,4],[fe80::1]:22", slots = 2 }
    "#);
}
