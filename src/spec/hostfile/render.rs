//! A hostfile's text.

use std::{fmt::Display, fmt::Write};

use super::Dialect;

/// A line for each host, in the given order. Hosts are names or IPv4 addresses: in both dialects a colon means
/// something else, so IPv6 addresses need a name.
pub fn render<H: Display>(dialect: Dialect, hosts: impl IntoIterator<Item = (H, u32)>) -> String {
    let mut text = String::new();
    for (host, slots) in hosts {
        // Writing into a String cannot fail.
        let _ = match dialect {
            Dialect::OpenMpi => writeln!(text, "{host} slots={slots}"),
            Dialect::Mpich => writeln!(text, "{host}:{slots}"),
            Dialect::Plain => writeln!(text, "{host}"),
        };
    }
    text
}
