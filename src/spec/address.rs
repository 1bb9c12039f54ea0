//! Addresses as `mpiup.toml` and the command line write them.
//!
//! `local`, `host`, `user@host`, `host:port`, `ssh://user@host:port`; an IPv6 address stands in brackets where a port
//! follows (`[fe80::1%eth0]:22`), and may stand without where none does. What passes is safe as an argument of ssh.

use std::{fmt, net::Ipv6Addr};

use super::{
    Address, Refused,
    names::{character, shown},
    nodeset::{self, SyntaxError},
};

/// The rule, as messages quote it.
pub const ALLOWED: &str =
    "An address is \"local\", or a host that ssh takes: \"host\", \"user@host\", \"user@host:port\", \"[fe80::1]:22\".";

impl Address {
    /// One address, no set.
    ///
    /// # Errors
    /// When it is none; the error says which part of it is wrong.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text == "local" {
            return Ok(Self::Local);
        }
        let refuse =
            |what: String| Refused { what: format!("`{}` is no address: {what}", shown(text)), allowed: ALLOWED };
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        // As ssh does: the last `@` separates, so that `maria@example.org@login` works.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        if let Some(user) = user {
            login_user(user).map_err(refuse)?;
        }
        let (host, port) = split_port(rest).map_err(refuse)?;
        if !is_ipv6(host) {
            host_name(host).map_err(refuse)?;
        }
        let port = port.map(parse_port).transpose().map_err(refuse)?;
        Ok(Self::Ssh { user: user.map(str::to_owned), host: host.to_owned(), port })
    }

    /// The addresses that a text with node sets stands for, in the order written. IPv6 addresses in brackets are
    /// recognised before node sets, whose brackets look the same.
    ///
    /// # Errors
    /// When the set or one of the addresses is wrong.
    pub fn parse_set(text: &str) -> Result<Vec<Self>, SyntaxError> {
        let mut found = Vec::new();
        for (offset, term) in nodeset::terms(text)? {
            let refused = |refused: Refused| SyntaxError { offset, what: refused.what, allowed: refused.allowed };
            let at_offset = |error: SyntaxError| SyntaxError { offset: offset + error.offset, ..error };
            if has_ipv6_literal(term) {
                found.push(Self::parse(term).map_err(refused)?);
                continue;
            }
            for address in nodeset::expand_in_order(term).map_err(at_offset)? {
                found.push(Self::parse(&address).map_err(refused)?);
            }
        }
        Ok(found)
    }

    /// What two addresses of the same machine have in common: host and port, without the user.
    pub(crate) fn endpoint(&self) -> (Option<&str>, Option<u16>) {
        match self {
            Self::Local => (None, None),
            Self::Ssh { host, port, .. } => (Some(host), *port),
        }
    }
}

impl fmt::Display for Address {
    /// As [`Address::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Ssh { user, host, port } = self else { return f.pad("local") };
        let mut text = String::new();
        if let Some(user) = user {
            text += &format!("{user}@");
        }
        // A host called `local` is told from this machine by the scheme.
        if host == "local" && user.is_none() && port.is_none() {
            text += "ssh://";
        }
        text += &if is_ipv6(host) { format!("[{host}]") } else { host.clone() };
        if let Some(port) = port {
            text += &format!(":{port}");
        }
        f.pad(&text)
    }
}

/// Host and port of the part after the user.
fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(inside) = text.strip_prefix('[') {
        let Some((host, rest)) = inside.split_once(']') else { return Err("`[` without `]`".to_owned()) };
        if !is_ipv6(host) {
            return Err(format!("`{}` is not an IPv6 address", shown(host)));
        }
        return match (rest, rest.strip_prefix(':')) {
            ("", _) => Ok((host, None)),
            (_, Some(port)) => Ok((host, Some(port))),
            _ => Err(format!("`{}` after the bracket", shown(rest))),
        };
    }
    if is_ipv6(text) {
        return Ok((text, None));
    }
    Ok(match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

pub(super) fn parse_port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(format!("the port is a number from 1 to 65535, not `{}`", shown(text))),
    }
}

/// An IPv6 address, with or without a zone (`%eth0`).
pub(super) fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').map_or((text, "0"), |(address, zone)| (address, zone));
    let zone_fits = !zone.is_empty() && zone.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    zone_fits && address.parse::<Ipv6Addr>().is_ok()
}

fn has_ipv6_literal(term: &str) -> bool {
    let rest = term.strip_prefix("ssh://").unwrap_or(term);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.strip_prefix('[').and_then(|inside| inside.split_once(']')).is_some_and(|(host, _)| is_ipv6(host))
}

/// OpenSSH refuses such characters in names that come from a command line, because ProxyCommand and Match put them
/// into a shell (`valid_hostname` and `valid_ruser` of its ssh.c); a leading `-` would be an option.
const SHELL: &str = "'`\"$\\;&<>|(){}";

pub(super) fn login_user(user: &str) -> Result<(), String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || (c != '\\' && SHELL.contains(c)) || "/:,[]".contains(c);
    if user.is_empty() {
        return Err("no user before `@`".to_owned());
    }
    if user.starts_with('-') {
        return Err("the user begins with `-`".to_owned());
    }
    // DOMAIN\user is how directories of Windows domains name people.
    if user.ends_with('\\') {
        return Err("the user ends with `\\`".to_owned());
    }
    user.chars().find(|&c| bad(c)).map_or(Ok(()), |c| Err(format!("the user has {}", character(c))))
}

pub(super) fn host_name(host: &str) -> Result<(), String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || SHELL.contains(c) || "/@:,[]*?!%#=~^".contains(c);
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    if host.starts_with('-') {
        return Err("the host begins with `-`".to_owned());
    }
    if host.len() > nodeset::MAX_NAME_LENGTH {
        return Err("the host is longer than 253 characters".to_owned());
    }
    let four_numbers =
        host.split('.').count() == 4 && host.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if four_numbers && host.parse::<std::net::Ipv4Addr>().is_err() {
        return Err("the numbers of an IPv4 address go from 0 to 255, without leading zeros".to_owned());
    }
    host.chars().find(|&c| bad(c)).map_or(Ok(()), |c| Err(format!("the host has {}", character(c))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ssh(user: Option<&str>, host: &str, port: Option<u16>) -> Address {
        Address::Ssh { user: user.map(str::to_owned), host: host.to_owned(), port }
    }

    #[test]
    fn reads_every_form() {
        for (text, address) in [
            ("local", Address::Local),
            ("ssh://local", ssh(None, "local", None)),
            ("192.168.1.10", ssh(None, "192.168.1.10", None)),
            ("client1", ssh(None, "client1", None)),
            ("mpi@client1", ssh(Some("mpi"), "client1", None)),
            ("mpi@192.168.1.10:2222", ssh(Some("mpi"), "192.168.1.10", Some(2222))),
            ("client1:22", ssh(None, "client1", Some(22))),
            ("[fe80::1]:22", ssh(None, "fe80::1", Some(22))),
            ("[fe80::1%eth0]", ssh(None, "fe80::1%eth0", None)),
            ("mpi@[2001:db8::7]:22", ssh(Some("mpi"), "2001:db8::7", Some(22))),
            ("2001:db8::7", ssh(None, "2001:db8::7", None)),
            ("mpi@::1", ssh(Some("mpi"), "::1", None)),
            ("ssh://mpi@client1:2222", ssh(Some("mpi"), "client1", Some(2222))),
            ("maria@example.org@login", ssh(Some("maria@example.org"), "login", None)),
            ("AULA\\maria@pc1", ssh(Some("AULA\\maria"), "pc1", None)),
            ("equipo-ñ_1.local", ssh(None, "equipo-ñ_1.local", None)),
        ] {
            let read = Address::parse(text);
            assert_eq!(read.as_ref(), Ok(&address), "{text}");
            assert_eq!(Address::parse(&address.to_string()), Ok(address), "{text}");
        }
        assert_eq!(ssh(Some("u"), "fe80::1", Some(22)).to_string(), "u@[fe80::1]:22");
    }

    #[test]
    fn says_what_is_wrong() {
        let lines: Vec<String> = [
            "",
            "@h",
            "-x",
            "-oProxyCommand=id@h",
            "h:",
            "h:0",
            "h:65536",
            "h:+22",
            "h:22:23",
            "a b",
            "h;id",
            "u$x@h",
            "[fe80::g]:22",
            "[fe80::1",
            "[fe80::1]x",
            "ssh://h/path",
            "http://h",
            "h*",
            "300.1.1.1",
            "a\nb",
            "u@",
            "fe80::1%;id",
        ]
        .iter()
        .map(|text| Address::parse(text).unwrap_err().what)
        .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        `` is no address: the host is missing
        `@h` is no address: no user before `@`
        `-x` is no address: the host begins with `-`
        `-oProxyCommand=id@h` is no address: the user begins with `-`
        `h:` is no address: the port is a number from 1 to 65535, not ``
        `h:0` is no address: the port is a number from 1 to 65535, not `0`
        `h:65536` is no address: the port is a number from 1 to 65535, not `65536`
        `h:+22` is no address: the port is a number from 1 to 65535, not `+22`
        `h:22:23` is no address: the port is a number from 1 to 65535, not `22:23`
        `a b` is no address: the host has a space
        `h;id` is no address: the host has `;`
        `u$x@h` is no address: the user has `$`
        `[fe80::g]:22` is no address: `fe80::g` is not an IPv6 address
        `[fe80::1` is no address: `[` without `]`
        `[fe80::1]x` is no address: `x` after the bracket
        `ssh://h/path` is no address: the host has `/`
        `http://h` is no address: the port is a number from 1 to 65535, not `//h`
        `h*` is no address: the host has `*`
        `300.1.1.1` is no address: the numbers of an IPv4 address go from 0 to 255, without leading zeros
        `a�b` is no address: the host has a line break
        `u@` is no address: the host is missing
        `fe80::1%;id` is no address: the port is a number from 1 to 65535, not `:1%;id`
        ");
    }

    #[test]
    fn reads_sets() {
        let hosts = |text: &str| Address::parse_set(text).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(hosts("mpi@192.168.1.[12-13]:2222"), ["mpi@192.168.1.12:2222", "mpi@192.168.1.13:2222"]);
        assert_eq!(hosts("ssh://mpi@n[1-2]:22"), ["mpi@n1:22", "mpi@n2:22"]);
        assert_eq!(hosts("[fe80::1]:22, [fe80::2]:22"), ["[fe80::1]:22", "[fe80::2]:22"]);
        assert_eq!(hosts("2001:db8::[1-2]"), ["[2001:db8::1]", "[2001:db8::2]"]);
        assert_eq!(hosts("local,client[9,5]"), ["local", "client9", "client5"]);
        let error = Address::parse_set("a,b[1-x]").unwrap_err();
        assert_eq!((error.offset, error.what.as_str()), (6, "`x` in place of a number"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "([a-z@:.\\[\\]0-9%-]|ssh://|fe80::){0,12}") {
            if let Ok(address) = Address::parse(&text) {
                prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
            }
        }
    }
}
