//! What pacman would do for the packages that a node lacks.

use super::install::Install;

/// Lines of `NAME NEW-VERSION [OLD-VERSION]`, which `gather.sh` puts together out of two answers of pacman's.
pub fn installs(text: &str) -> Option<Vec<Install>> {
    let parse = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some(Install { name: words.next()?, to: words.next()?, from: words.next() })
    };
    let found: Vec<Install> = text.lines().filter_map(parse).collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_put_together_for_pacman() {
        let found = installs("hwloc 2.11.2-1\nopenmpi 5.0.6-1\nlibnl 3.11.0-1 3.10.0-1\n").unwrap();
        assert_eq!(found[1], Install { name: "openmpi".into(), from: None, to: "5.0.6-1".into() });
        assert_eq!(found[2].from.as_deref(), Some("3.10.0-1"));
        assert_eq!(installs(""), None);
    }
}
