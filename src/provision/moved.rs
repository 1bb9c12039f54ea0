//! A node that does not answer where it should: has it another address now?
//!
//! Guarantees: nothing counts but the host key that the operator has pinned for the node's old address, shown in a real key
//! exchange (`node::Opener::open_moved`); what is found here only says where to knock. Nobody is asked but machines that
//! some node has heard of lately or that have a lost node's address, unless the operator wants the addresses around to be
//! asked too. A node whose host key another one has as well (clones) is not looked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{
    Fleet,
    survey::{answer, port_of, scan_type},
};
use crate::{
    facts::Facts,
    quote,
    spec::{Address, NodeName, NodeSpec, Spec},
    steps::Layout,
};

/// Whom to ask for its host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Machines in the nodes' own tables of neighbours, and those that have the node's name.
    Neighbours,
    /// And every address around the cluster's own, in its subnet.
    Around,
}

/// A node, where the spec has it, and where a machine with its host key was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub node: NodeName,
    pub from: Address,
    pub to: Address,
}

const ANSWER_SECONDS: u32 = 3;
const DEADLINE: Duration = Duration::from_secs(60);

/// So many addresses are asked at most.
const MOST: usize = 1024;

/// Where the lost nodes of the fleet seem to be now. Nothing is proved by it.
pub async fn seen_elsewhere(spec: &Spec, seen: &[(NodeSpec, Facts)], fleet: &Fleet, reach: Reach) -> Vec<Moved> {
    let wanted = wanted(spec, seen, fleet);
    let asker = seen.iter().find_map(|(node, facts)| Some((fleet.node(&node.name)?, facts)));
    let Some((asker, facts)) = asker.filter(|_| !wanted.is_empty()) else { return vec![] };
    let mut candidates: BTreeSet<IpAddr> = BTreeSet::new();
    let tables = fleet.nodes.iter().map(|(_, node)| async { node.probe().read(NEIGHBOURS, DEADLINE).await });
    for table in futures_util::future::join_all(tables).await.into_iter().flatten() {
        candidates.extend(table.text().lines().filter_map(|line| line.parse::<IpAddr>().ok()));
    }
    if let Ok(named) = asker.probe().read(&by_name(&wanted), DEADLINE).await {
        candidates.extend(named.text().split_whitespace().filter_map(|word| word.parse::<IpAddr>().ok()));
    }
    if reach == Reach::Around {
        candidates.extend(around(&wanted, seen, facts).into_iter().map(IpAddr::V4));
    }
    let own = seen.iter().flat_map(|(_, facts)| &facts.addresses).map(|own| own.address);
    let mut known: BTreeSet<IpAddr> = own.collect();
    let lost = wanted.iter().map(|wanted| wanted.at);
    // Several may have taken each other's addresses; where one alone was, it is not.
    if wanted.len() > 1 {
        candidates.extend(lost)
    } else {
        known.extend(lost)
    }
    let asked: Vec<IpAddr> = candidates.difference(&known).copied().take(MOST).collect();
    if asked.is_empty() {
        return vec![];
    }
    let Ok(answers) = asker.probe().read(&scan(&wanted, &asked), DEADLINE).await else { return vec![] };
    let answers: BTreeSet<(String, String)> = answers.text().lines().filter_map(answer).collect();
    wanted.into_iter().filter_map(|wanted| wanted.found(&answers)).collect()
}

/// The neighbours that have answered lately: with their hardware's address.
const NEIGHBOURS: &str = r#"while read -r address _ _ hardware _; do
    case $hardware in 00:00:00:00:00:00|address|'') ;; *) printf '%s\n' "$address" ;; esac
done < /proc/net/arp 2>/dev/null
:"#;

/// A lost node that is looked for.
struct Wanted {
    name: NodeName,
    address: Address,
    at: IpAddr,
    /// `TYPE KEY`, as the other nodes have it from the node itself.
    keys: Vec<String>,
}

impl Wanted {
    /// Where its key was seen, if at one address alone, and not where it should be.
    fn found(self, answers: &BTreeSet<(String, String)>) -> Option<Moved> {
        let hosts: BTreeSet<&str> =
            answers.iter().filter(|(_, key)| self.keys.contains(key)).map(|(host, _)| host.as_str()).collect();
        let [host] = hosts.into_iter().collect::<Vec<_>>()[..] else { return None };
        if host == self.at.to_string() {
            return None;
        }
        let to = match &self.address {
            Address::Ssh { user, port, .. } => Address::Ssh { user: user.clone(), host: host.to_owned(), port: *port },
            Address::Local => return None,
        };
        Some(Moved { node: self.name, from: self.address, to })
    }
}

/// Lost nodes that stand in the spec by a bare address, and whose key the others know as nobody else's.
fn wanted(spec: &Spec, seen: &[(NodeSpec, Facts)], fleet: &Fleet) -> Vec<Wanted> {
    let path = Layout::new(spec, "~").known_hosts;
    let pinned: Vec<(&str, String)> = seen
        .iter()
        .find_map(|(_, facts)| facts.text(&path))
        .map(|text| text.lines().filter_map(pin).collect())
        .unwrap_or_default();
    let wanted = fleet.lost.iter().filter_map(|lost| {
        let Address::Ssh { host, .. } = &lost.address else { return None };
        let at: IpAddr = host.parse().ok()?;
        let is_own = |name: &str| name == lost.node.as_str();
        let keys = pinned.iter().filter(|(name, _)| is_own(name)).map(|(_, key)| key.clone());
        let is_anothers = |key: &String| pinned.iter().any(|(name, other)| !is_own(name) && other == key);
        let keys: Vec<String> = keys.filter(|key| !is_anothers(key)).collect();
        (!keys.is_empty()).then(|| Wanted { name: lost.node.clone(), address: lost.address.clone(), at, keys })
    });
    wanted.collect()
}

/// `NAME,ADDRESS TYPE KEY`
fn pin(line: &str) -> Option<(&str, String)> {
    let (names, key) = line.split_once(' ')?;
    Some((names.split(',').next()?, key.to_owned()))
}

/// Asks name servers, and not `/etc/hosts`, which has the old address.
fn by_name(wanted: &[Wanted]) -> String {
    let ask = |wanted: &Wanted| {
        let name = quote::sh(wanted.name.as_str());
        format!(
            "timeout 4 getent -s dns ahostsv4 {name} &\ntimeout 4 getent -s mdns4_minimal ahostsv4 {name}.local &\n"
        )
    };
    format!("{{\n{}wait\n}} 2>/dev/null\n:", wanted.iter().map(ask).collect::<String>())
}

/// One ssh-keyscan for each port asks all addresses side by side.
fn scan(wanted: &[Wanted], addresses: &[IpAddr]) -> String {
    let mut ports: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for wanted in wanted {
        let kinds = wanted.keys.iter().filter_map(|key| Some(scan_type(key.split(' ').next()?)));
        ports.entry(port_of(&wanted.address)).or_default().extend(kinds);
    }
    let addresses = quote::words(addresses.iter().map(ToString::to_string));
    let line = |(port, kinds): (&u16, &BTreeSet<String>)| {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        format!("ssh-keyscan -T {ANSWER_SECONDS} -t {} -p {port} {addresses} 2>/dev/null\n", kinds.join(","))
    };
    ports.iter().map(line).collect::<String>() + ":"
}

/// The 256 addresses around each one that the cluster has or had, as far as the asker's own subnets go.
fn around(wanted: &[Wanted], seen: &[(NodeSpec, Facts)], asker: &Facts) -> BTreeSet<Ipv4Addr> {
    let own = asker.addresses.iter().filter(|own| !own.is_local() && !own.is_bridge());
    let subnets: Vec<(u32, u8)> = own
        .filter_map(|own| match own.address {
            IpAddr::V4(address) => Some((u32::from(address), own.prefix)),
            IpAddr::V6(_) => None,
        })
        .collect();
    let of_cluster =
        seen.iter().flat_map(|(_, facts)| &facts.addresses).filter(|own| !own.is_local() && !own.is_bridge());
    let centres = of_cluster.map(|own| own.address).chain(wanted.iter().map(|wanted| wanted.at));
    let mut found = BTreeSet::new();
    for centre in centres {
        let IpAddr::V4(centre) = centre else { continue };
        let centre = u32::from(centre);
        let mask = |prefix: u8| u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let Some((_, prefix)) =
            subnets.iter().find(|(address, prefix)| address & mask(*prefix) == centre & mask(*prefix))
        else {
            continue;
        };
        let block = mask((*prefix).max(24));
        let (first, last) = (centre & block, centre | !block);
        // The first and the last one of a subnet are nobody's.
        found.extend((first.saturating_add(1)..last).map(Ipv4Addr::from));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::addresses::addresses;

    fn wanted(key: &str) -> Wanted {
        Wanted {
            name: NodeName::new("client1").unwrap(),
            address: Address::parse("ana@10.0.0.3:2222").unwrap(),
            at: "10.0.0.3".parse().unwrap(),
            keys: vec![format!("ssh-ed25519 {key}")],
        }
    }

    #[test]
    fn only_the_pinned_key_counts_and_only_at_one_address() {
        let answers = |keys: &[(&str, &str)]| {
            keys.iter().map(|(host, key)| ((*host).to_owned(), format!("ssh-ed25519 {key}"))).collect::<BTreeSet<_>>()
        };
        let found = |keys| wanted("ITS").found(&answers(keys)).map(|moved| moved.to.to_string());
        assert_eq!(found(&[("10.0.0.9", "OTHER"), ("10.0.0.14", "ITS")]).as_deref(), Some("ana@10.0.0.14:2222"));
        assert_eq!(found(&[("10.0.0.9", "OTHER")]), None);
        assert_eq!(
            found(&[("10.0.0.3", "ITS")]),
            None,
            "it is where it should be, and does not answer for another reason"
        );
        assert_eq!(
            found(&[("10.0.0.9", "ITS"), ("10.0.0.14", "ITS")]),
            None,
            "a clone, and nobody knows which is which"
        );
    }

    #[test]
    fn a_node_is_looked_for_where_its_key_is_its_own_and_the_spec_has_a_bare_address() {
        let looked_for = |known_hosts: &str, address: &str| {
            let text = format!("[cluster]\nname = \"aula\"\n[nodes]\nmaster = \"10.0.0.1\"\nclient1 = \"{address}\"\n");
            let spec = crate::spec::file::parse(&text, "mpiup.toml").unwrap();
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/facts/bare-master.txt");
            let mut facts = Facts::parse(&std::fs::read(path).unwrap()).unwrap();
            let content = Some(known_hosts.to_owned());
            let file = crate::facts::files::File { mode: "644".into(), owner: "mpi".into(), content };
            facts.files.insert("~/.ssh/mpiup_aula.known_hosts".into(), file);
            let (node, error) = (spec.nodes[1].clone(), crate::error::Error::failed("it does not answer"));
            let lost = crate::provision::Lost { node: node.name, address: node.address, error };
            let fleet = Fleet { lost: vec![lost], ..Fleet::default() };
            let seen = [(spec.nodes[0].clone(), facts)];
            super::wanted(&spec, &seen, &fleet).into_iter().map(|wanted| wanted.keys.join(" ")).collect::<Vec<_>>()
        };
        let known = "master,10.0.0.1 ssh-ed25519 MASTERS\nclient1,10.0.0.3 ssh-ed25519 ITS\n";
        assert_eq!(looked_for(known, "ana@10.0.0.3:2222"), ["ssh-ed25519 ITS"]);
        assert_eq!(looked_for(known, "client1.lan"), [""; 0], "a name is looked up anew each time");
        assert_eq!(looked_for("master,10.0.0.1 ssh-ed25519 MASTERS\n", "10.0.0.3"), [""; 0], "never set up");
        let clones = "master,10.0.0.1 ssh-ed25519 SAME\nclient1,10.0.0.3 ssh-ed25519 SAME\n";
        assert_eq!(looked_for(clones, "10.0.0.3"), [""; 0]);
    }

    #[test]
    fn the_addresses_around_are_few_and_in_the_subnet() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/facts/bare-master.txt");
        let mut asker = Facts::parse(&std::fs::read(path).unwrap()).unwrap();
        let mut count = |network: &str| {
            asker.addresses = addresses(&format!("2: eth0    inet {network} scope global eth0\n"));
            around(&[wanted("ITS")], &[], &asker).len()
        };
        assert_eq!(count("10.0.0.1/24"), 254);
        assert_eq!(count("10.0.0.1/28"), 14);
        assert_eq!(count("10.0.7.1/16"), 254, "of a large subnet, what is around the address that it had");
        assert_eq!(count("10.1.0.1/16"), 0, "not beyond a router");
    }

    #[test]
    fn all_addresses_are_asked_side_by_side() {
        let addresses = ["10.0.0.14".parse().unwrap(), "10.0.0.15".parse().unwrap()];
        assert_eq!(
            scan(&[wanted("ITS")], &addresses),
            "ssh-keyscan -T 3 -t ed25519 -p 2222 10.0.0.14 10.0.0.15 2>/dev/null\n:"
        );
    }
}
