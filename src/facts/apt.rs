//! What apt would do for the packages that a node lacks: the `Inst` lines of `apt-get install -s`.

use super::install::Install;

/// `None` when apt could not tell: its lists are empty, or the packages are not in them.
pub fn installs(text: &str) -> Option<Vec<Install>> {
    let parse = |line: &str| {
        let mut words = line.strip_prefix("Inst ")?.split(' ');
        let name = words.next()?.to_owned();
        let next = words.next()?;
        let from = next.strip_prefix('[').and_then(|version| version.strip_suffix(']')).map(str::to_owned);
        let to = if from.is_some() { words.next()? } else { next };
        Some(Install { name, from, to: to.strip_prefix('(')?.to_owned() })
    };
    if text.lines().any(|line| line.starts_with("E:")) {
        return None;
    }
    let found: Vec<Install> = text.lines().filter_map(parse).collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_new_packages_from_newer_ones() {
        let found = installs(
            "Inst libevent-2.1-7 [2.1.12-stable-8] (2.1.12-stable-8+deb12u1 Debian:12.11/stable [amd64]) []\n\
             Inst openmpi-bin (4.1.4-3+b1 Debian:12.11/stable [amd64])\n",
        )
        .unwrap();
        assert_eq!((found[0].name.as_str(), found[0].from.as_deref()), ("libevent-2.1-7", Some("2.1.12-stable-8")));
        assert_eq!(found[0].to, "2.1.12-stable-8+deb12u1");
        assert_eq!((found[1].from.as_deref(), found[1].to.as_str()), (None, "4.1.4-3+b1"));
        assert_eq!(installs("E: Unable to locate package openmpi-bin\n"), None);
        assert_eq!(installs(""), None);
    }
}
