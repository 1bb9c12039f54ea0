//! exports(5): nobody is taken to be let in whom no line names, and what was read reads the same when it is written plainly.

use std::net::IpAddr;

use mpiup::facts::exports::{Export, admit, exports};

const NAME: &str = "client1";
const ADDRESSES: [&str; 3] = ["10.77.0.2", "192.168.200.77", "fd00::2"];

pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    for export in exports(text) {
        for address in ADDRESSES.map(|address| address.parse::<IpAddr>().unwrap()) {
            let named = export.clients.iter().any(|(client, _)| names(client, address));
            assert!(named || !admit([&export].into_iter(), NAME, address), "{address} in {export:?}");
        }
        if is_plain(&export) {
            let clients = export.clients.iter().map(|(client, options)| format!(" {client}({options})"));
            let line = format!("{}\t{}{}\n", export.file, export.path, clients.collect::<String>());
            assert_eq!(exports(&line), [Export { line: 1, ..export }], "{line:?}");
        }
    }
}

/// Whether this names the client or its address, or may be a network or pattern in which it is.
fn names(client: &str, address: IpAddr) -> bool {
    let IpAddr::V4(of_four) = address else {
        return client == "*" || client.eq_ignore_ascii_case(NAME) || client.parse() == Ok(address);
    };
    let bits = |address: std::net::Ipv4Addr| format!("{:032b}", u32::from(address));
    let is_in = |(network, prefix): (&str, &str)| {
        let network = bits(network.parse().ok()?);
        let mask = match prefix.parse::<usize>() {
            Ok(count) => format!("{}{}", "1".repeat(count.min(32)), "0".repeat(32 - count.min(32))),
            Err(_) => bits(prefix.parse().ok()?),
        };
        let own = bits(of_four);
        let same =
            network.chars().zip(own.chars()).zip(mask.chars()).all(|((one, other), mask)| mask == '0' || one == other);
        Some(same)
    };
    client == "*"
        || client.eq_ignore_ascii_case(NAME)
        || client.parse() == Ok(address)
        || client.split_once('/').and_then(is_in) == Some(true)
}

/// Without what has to be escaped.
fn is_plain(export: &Export) -> bool {
    let options = export.clients.iter().flat_map(|(client, options)| [client, options]);
    let escaped = |text: &String| text.contains(|c: char| c.is_whitespace() || "\\\"#()".contains(c));
    !export.path.is_empty() && ![&export.path].into_iter().chain(options).any(escaped)
}
