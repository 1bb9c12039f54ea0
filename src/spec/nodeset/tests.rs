//! The notation of node sets, and what is refused.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The examples of ClusterShell's `nodeset` documentation, section by section, and answers of ClusterShell 1.10.
#[test]
fn expands_the_documented_examples() {
    for (set, names) in [
        ("node[13-15,17-19]", "node13 node14 node15 node17 node18 node19"),
        ("node[156-159]", "node156 node157 node158 node159"),
        ("node[1-2]x[1-2]", "node1x1 node1x2 node2x1 node2x2"),
        ("node[0-6/2]", "node0 node2 node4 node6"),
        ("node[08-11]", "node08 node09 node10 node11"),
        ("node[000-012/4]", "node000 node004 node008 node012"),
        ("node-01[01,09,42]", "node-0101 node-0109 node-0142"),
        ("node-[1-2]0-[0-2]5", "node-10-05 node-10-15 node-10-25 node-20-05 node-20-15 node-20-25"),
        ("node-00[1-6]0", "node-0010 node-0020 node-0030 node-0040 node-0050 node-0060"),
        ("node[1-3]-ipmi", "node1-ipmi node2-ipmi node3-ipmi"),
        ("r[1-2]n[1-4]", "r1n1 r1n2 r1n3 r1n4 r2n1 r2n2 r2n3 r2n4"),
        ("n[1,01]", "n1 n01"),
        ("n[00]", "n00"),
        ("n[1-3,5, 7]", "n1 n2 n3 n5 n7"),
        ("n[ 1 - 3 ]", "n1 n2 n3"),
        ("n[0-8/3]", "n0 n3 n6"),
        ("a, b", "a b"),
        ("[1-3]", "1 2 3"),
        ("", ""),
        ("node[1-3],node[2-7],node[5-8]", "node1 node2 node3 node4 node5 node6 node7 node8"),
        ("client[2-9]", "client2 client3 client4 client5 client6 client7 client8 client9"),
        ("n[3,1]", "n3 n1"),
        ("mpi@192.168.1.[9-10]:2222", "mpi@192.168.1.9:2222 mpi@192.168.1.10:2222"),
    ] {
        assert_eq!(expand(set), Ok(words(names)), "{set}");
    }
    assert_eq!(expand("node-00[00-99]").unwrap().len(), 100);
    assert_eq!(expand("n[001-100]").unwrap()[99], "n100");
    assert_eq!(expand_in_order("n[1-2,1]").unwrap(), ["n1", "n2", "n1"]);
}

#[test]
fn folds_the_documented_examples() {
    for (names, set) in [
        ("node1-ipmi node2-ipmi node3-ipmi", "node[1-3]-ipmi"),
        ("node1 node6 node7", "node[1,6-7]"),
        ("node0 node1 node6 node7", "node[0-1,6-7]"),
        ("nfsserv1 nfsserv2 nfsserv3", "nfsserv[1-3]"),
        ("mgmt1 mgmt2 login1 login2 login3 login4", "login[1-4],mgmt[1-2]"),
        ("node001 node002 node003 node005", "node[001-003,005]"),
        ("r1n1 r1n2 r2n1 r2n2", "r[1-2]n[1-2]"),
        ("r1n1 r1n2 r2n1", "r1n[1-2],r2n1"),
        ("r1n1 r1n2 r1n3 r2n1 r2n2 r2n3 r3n1", "r[1-2]n[1-3],r3n1"),
        ("n01 n1 n2 n02", "n[1-2,01-02]"),
        ("n099 n100 n5", "n[5,099-100]"),
        ("n08 n09 n10 n100", "n[08-10,100]"),
        ("node10 node9 abc", "abc,node[9-10]"),
        ("192.168.1.3 192.168.1.4", "192.168.1.[3-4]"),
        ("master", "master"),
        ("", ""),
        ("n1 n1 n1", "n1"),
        ("client10 client9 master client8", "client[8-10],master"),
        ("[fe80::1]:22 [fe80::2]:22", "[fe80::1]:22,[fe80::2]:22"),
    ] {
        assert_eq!(fold(words(names)), set, "{names}");
    }
    assert_eq!(fold((1..=15).map(|i| format!("client{i}"))), "client[1-15]");
    assert_eq!(fold((1..=100).map(|i| format!("n{i:03}"))), "n[001-100]");
}

#[test]
fn folds_many_names_at_once() {
    let racks = expand("r[1-100]c[1-4]n[001-100]").unwrap();
    assert_eq!(fold(&racks), "r[1-100]c[1-4]n[001-100]");
    assert_eq!(expand_in_order(&fold_in_order(&racks)).unwrap(), racks);
}

#[test]
fn folds_in_order() {
    for (names, set) in [
        ("n9 n5", "n[9,5]"),
        ("n1 n2 n3 a n4", "n[1-3],a,n4"),
        ("n1 n1", "n1,n1"),
        ("192.168.1.12 192.168.1.13 192.168.2.14", "192.168.1.[12-13],192.168.2.14"),
        ("n08 n09 n10 n11 n100", "n[08-11,100]"),
        ("r1n1 r1n2 r2n2", "r1n[1-2],r2n2"),
        ("[fe80::1] [fe80::2]", "[fe80::1],[fe80::2]"),
    ] {
        assert_eq!(fold_in_order(words(names)), set, "{names}");
    }
}

#[test]
fn says_where_and_what() {
    let lines: Vec<String> = [
        "n[1-",
        "n1-3]",
        "n[[1]]",
        "n[]",
        "n[1,]",
        "a,,b",
        "a,",
        ",a",
        "n[9-1]",
        "n[a-b]",
        "n[1-x]",
        "n[1-]",
        "n[-1]",
        "n[1-2-3]",
        "n[0-8/0]",
        "n[5/2]",
        "n[2-\u{c}1]",
        "n[01-100]",
        "n[1-010]",
        "a b",
        "a!b",
        "n*",
        "n[0-99999999999]",
        "n[1-1000]m[1-1001]",
        "n[9999999999999999999]",
        "n[0-999999999999999999]m[0-999999999999999999]",
    ]
    .iter()
    .map(|set| format!("{}: {}", set.escape_debug(), expand(set).unwrap_err()))
    .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    n[1-: `[` without `]` at character 2 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n1-3]: `]` without `[` at character 5 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[[1]]: a bracket inside a bracket at character 3 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[]: a number is missing at character 3 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[1,]: a number is missing at character 5 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    a,,b: a comma without a name beside it at character 3 (Commas stand between names: `client1,client[3-5]`)
    a,: a comma without a name beside it at character 3 (Commas stand between names: `client1,client[3-5]`)
    ,a: a comma without a name beside it at character 1 (Commas stand between names: `client1,client[3-5]`)
    n[9-1]: the range `9-1` runs backwards at character 3 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[a-b]: `a` in place of a number at character 3 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[1-x]: `x` in place of a number at character 5 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[1-]: a number is missing at character 5 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[-1]: a number is missing at character 3 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[1-2-3]: `-` in place of a number at character 6 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[0-8/0]: a step of 0 at character 7 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[5/2]: a step without a range at character 4 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[2-\u{c}1]: the range `2-�1` runs backwards at character 3 (Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`)
    n[01-100]: the ends of `01-100` have different numbers of digits at character 3 (Where numbers are padded with zeros, both ends have the same number of digits: `n[001-100]`)
    n[1-010]: the ends of `1-010` have different numbers of digits at character 3 (Where numbers are padded with zeros, both ends have the same number of digits: `n[001-100]`)
    a b: a space in a name at character 2 (Names and sets are joined by commas: `client1,client[3-5]`)
    a!b: the operator `!` is not known here at character 2 (Names and sets are joined by commas: `client1,client[3-5]`)
    n*: `*` in a name at character 2 (Names and sets are joined by commas: `client1,client[3-5]`)
    n[0-99999999999]: these are 100000000000 names at character 1 (A node set has at most 1000000 names)
    n[1-1000]m[1-1001]: these are 1001000 names at character 1 (A node set has at most 1000000 names)
    n[9999999999999999999]: a number of 19 digits at character 3 (A number has at most 18 digits)
    n[0-999999999999999999]m[0-999999999999999999]: these are far too many names at character 1 (A node set has at most 1000000 names)
    ");
    assert!(expand(&format!("{}[1-1000000]", "n".repeat(1000))).is_err());
    assert!(expand(&"[1]".repeat(100_000)).is_err());
    assert_eq!(expand("n[1-1000000]").unwrap().len(), 1_000_000);
}

/// Names as clusters have them, biased towards neighbours.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u32..30).prop_map(|i| format!("n{i}")),
        (0u32..130, 1usize..4).prop_map(|(i, width)| format!("n{i:0width$}")),
        (1u32..5, 1u32..5).prop_map(|(r, n)| format!("r{r}n{n}")),
        "[a-z]{1,3}[0-9]{0,3}[a-z.]{0,2}[0-9]{0,20}",
    ]
}

/// A set without any cleverness: every bracket is cut out and each of its numbers put in its place.
fn naive(set: &str) -> BTreeSet<String> {
    let mut depth = 0;
    let cut = |c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    };
    let parts: Vec<&str> = set.split(cut).collect();
    if let [one] = parts[..] {
        let Some((before, rest)) = one.split_once('[') else { return [one.to_owned()].into() };
        let (inside, after) = rest.split_once(']').unwrap();
        let mut found = BTreeSet::new();
        for range in inside.split(',') {
            let (range, step) = range.split_once('/').unwrap_or((range, "1"));
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let width = if first.starts_with('0') { first.len() } else { 0 };
            for number in (first.parse().unwrap()..=last.parse::<u64>().unwrap()).step_by(step.parse().unwrap()) {
                found.extend(naive(&format!("{before}{number:0width$}{after}")));
            }
        }
        return found;
    }
    parts.into_iter().flat_map(naive).collect()
}

fn bracket() -> impl Strategy<Value = String> {
    let range = prop_oneof![
        (0u32..40).prop_map(|i| i.to_string()),
        (0u32..40, 0u32..12).prop_map(|(first, more)| format!("{first}-{}", first + more)),
        (0u32..40, 0u32..12, 1u32..4).prop_map(|(first, more, step)| format!("{first}-{}/{step}", first + more)),
        (0u32..40, 0u32..12).prop_map(|(first, more)| format!("{first:03}-{:03}", first + more)),
    ];
    proptest::collection::vec(range, 1..4).prop_map(|ranges| format!("[{}]", ranges.join(",")))
}

proptest! {
    #[test]
    fn expand_undoes_fold(names in proptest::collection::vec(name(), 0..60)) {
        let folded = fold(&names);
        let back: BTreeSet<String> = expand(&folded).unwrap().into_iter().collect();
        prop_assert_eq!(back, names.into_iter().collect::<BTreeSet<_>>(), "{}", folded);
    }

    #[test]
    fn expand_undoes_fold_in_order(names in proptest::collection::vec(name(), 0..40)) {
        let folded = fold_in_order(&names);
        prop_assert_eq!(expand_in_order(&folded).unwrap(), names, "{}", folded);
    }

    #[test]
    fn expand_is_what_a_naive_reading_gives(
        terms in proptest::collection::vec(("[a-z]{0,3}", bracket(), "[a-z.-]{0,2}", proptest::option::of(bracket())), 1..4)
    ) {
        let text = |(a, b, c, d): &(String, String, String, Option<String>)| format!("{a}{b}{c}{}", d.as_deref().unwrap_or(""));
        let set = terms.iter().map(text).collect::<Vec<_>>().join(",");
        prop_assert_eq!(expand(&set).unwrap().into_iter().collect::<BTreeSet<_>>(), naive(&set), "{}", set);
    }

    #[test]
    fn expand_never_panics_and_points_into_the_text(text in "[n0-9\\[\\],/ -]{0,24}") {
        if let Err(error) = expand(&text) {
            prop_assert!(error.offset <= text.len());
        }
    }
}
