//! exports(5): which folders a node gives to whom.

use std::net::IpAddr;

/// One folder of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The file in which it stands.
    pub file: String,
    pub path: String,
    /// Each with its options.
    pub clients: Vec<(String, String)>,
}

/// Lines of `FILE`, a tab, and the file's line. Comments and what cannot be read are passed over.
pub fn exports(text: &str) -> Vec<Export> {
    // A backslash at its end continues a line.
    let mut whole: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for (file, line) in text.lines().filter_map(|line| line.split_once('\t')) {
        match whole.last_mut().filter(|(known, _)| is_open && known == file) {
            Some((_, before)) => before.push_str(line),
            None => whole.push((file.to_owned(), line.to_owned())),
        }
        is_open = line.ends_with('\\');
        if let Some((_, last)) = whole.last_mut().filter(|_| is_open) {
            last.pop();
        }
    }
    whole.into_iter().filter_map(|(file, line)| export(file, &line)).collect()
}

fn export(file: String, line: &str) -> Option<Export> {
    let line = line.split('#').next()?.trim();
    let (path, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => line.split_once(char::is_whitespace).unwrap_or((line, "")),
    };
    if path.is_empty() {
        return None;
    }
    let mut default = String::new();
    let mut clients = Vec::new();
    for word in rest.split_whitespace() {
        if let Some(options) = word.strip_prefix('-') {
            options.clone_into(&mut default);
            continue;
        }
        let (client, options) =
            word.split_once('(').map_or((word, ""), |(name, rest)| (name, rest.trim_end_matches(')')));
        // Without a name it is everybody.
        let client = if client.is_empty() { "*" } else { client };
        clients.push((client.to_owned(), [default.as_str(), options].join(",").trim_matches(',').to_owned()));
    }
    Some(Export { file, path: path.trim_end_matches('/').replace("\\040", " "), clients })
}

impl Export {
    /// Whether this machine may read and write by it.
    pub fn admits(&self, name: &str, address: IpAddr) -> bool {
        let writes = |options: &str| {
            let is = |word: &str| options.split(',').any(|option| option == word);
            is("rw") && !is("ro") && !is("all_squash")
        };
        self.clients.iter().any(|(client, options)| writes(options) && means(client, name, address))
    }
}

/// Names, addresses, networks and patterns; netgroups are passed over, since nobody here knows who is in one.
fn means(client: &str, name: &str, address: IpAddr) -> bool {
    if client == "*" || client.eq_ignore_ascii_case(name) || client.parse() == Ok(address) {
        return true;
    }
    let Some((network, prefix)) = client.split_once('/') else { return false };
    let (IpAddr::V4(address), Ok(network)) = (address, network.parse::<std::net::Ipv4Addr>()) else { return false };
    let mask = match (prefix.parse::<u32>(), prefix.parse::<std::net::Ipv4Addr>()) {
        (Ok(bits), _) if bits <= 32 => u32::MAX.checked_shl(32 - bits).unwrap_or(0),
        (_, Ok(mask)) => u32::from(mask),
        _ => return false,
    };
    u32::from(address) & mask == u32::from(network) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Export> {
        exports(&text.lines().map(|line| format!("/etc/exports\t{line}\n")).collect::<String>())
    }

    #[test]
    fn reads_what_people_write() {
        let found = lines(
            "# /etc/exports: the access control list\n\n\
             /home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw,sync,subtree_check)\n\
             /srv/a -rw,sync 10.0.0.0/24 \\\n  pc*(ro)   # both\n\"/srv/b c\" *(rw)\n/srv/d\n",
        );
        let shown: Vec<String> = found
            .iter()
            .map(|export| {
                let clients = export.clients.iter().map(|(client, options)| format!(" {client}({options})"));
                format!("{}{}", export.path, clients.collect::<String>())
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw,sync,subtree_check)",
                "/srv/a 10.0.0.0/24(rw,sync) pc*(rw,sync,ro)",
                "/srv/b c *(rw)",
                "/srv/d"
            ]
        );
    }

    #[test]
    fn who_may_write() {
        let admits = |line: &str, name: &str, address: &str| lines(line)[0].admits(name, address.parse().unwrap());
        assert!(admits("/x client1(rw)", "client1", "10.0.0.2"));
        assert!(admits("/x 10.0.0.2(rw)", "client1", "10.0.0.2"));
        assert!(admits("/x 10.0.0.0/255.255.255.0(rw)", "client1", "10.0.0.2"));
        assert!(admits("/x *(rw)", "client1", "fe80::1"));
        for line in [
            "/x client2(rw)",
            "/x client1(ro)",
            "/x client1(rw,all_squash)",
            "/x 10.0.1.0/24(rw)",
            "/x @lab(rw)",
            "/x client1",
        ] {
            assert!(!admits(line, "client1", "10.0.0.2"), "{line}");
        }
    }
}
