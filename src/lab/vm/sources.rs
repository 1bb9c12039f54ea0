//! Where this computer fetches Debian's packages: an image is made from the same place, since it may be the only one that
//! can be reached.

use super::debian::Debian;
use crate::lab::host::{self, command};

/// `deb URI SUITE COMPONENT` lines for a release, out of apt's own sources; none when they have no release of Debian's.
pub(super) fn of(release: Debian) -> Vec<String> {
    let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
    let targets = host::run(command("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]));
    targets.map(|output| choose(&String::from_utf8_lossy(&output.stdout), release)).unwrap_or_default()
}

/// Where apt's sources do not name this release, they have another one: what serves that serves all that are in use.
fn choose(targets: &str, release: Debian) -> Vec<String> {
    let own = named(targets, release.suite());
    if !own.is_empty() {
        return own;
    }
    let others = Debian::ALL.map(Debian::suite).map(|other| (other, named(targets, other)));
    let served = others.into_iter().find(|(_, lines)| !lines.is_empty());
    served.map_or(Vec::new(), |(other, lines)| {
        let suite = |line: &String| line.replace(&format!(" {other}"), &format!(" {}", release.suite()));
        lines.iter().map(suite).collect()
    })
}

/// Suites of exactly these names and Debian's own component: what other vendors publish has other names.
fn named(targets: &str, release: &str) -> Vec<String> {
    let suites = [release.to_owned(), format!("{release}-updates"), format!("{release}-security")];
    let mut lines: Vec<String> = targets
        .lines()
        .filter_map(|line| {
            let [uri, suite, "main"] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
            suites.iter().any(|known| known == suite).then(|| format!("deb {uri} {suite} main"))
        })
        .collect();
    lines.dedup();
    let whole = lines.iter().any(|line| line.ends_with(&format!(" {release} main")));
    if whole { lines } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: &str = "http://mirror.example/debian/ bookworm main\nhttp://mirror.example/debian/ bookworm-updates main\n\
        http://mirror.example/debian-security/ bookworm-security main\nhttps://other.example/apt/ cloud-sdk-bookworm main\n\
        https://third.example/ bookworm stable\nhttps://fourth.example/node nodistro main\n";

    #[test]
    fn only_debians_own_suites_are_taken() {
        assert_eq!(
            choose(TARGETS, Debian::Bookworm),
            [
                "deb http://mirror.example/debian/ bookworm main",
                "deb http://mirror.example/debian/ bookworm-updates main",
                "deb http://mirror.example/debian-security/ bookworm-security main",
            ]
        );
    }

    #[test]
    fn the_archive_of_one_release_has_the_other_too() {
        assert_eq!(
            choose(TARGETS, Debian::Trixie),
            [
                "deb http://mirror.example/debian/ trixie main",
                "deb http://mirror.example/debian/ trixie-updates main",
                "deb http://mirror.example/debian-security/ trixie-security main",
            ]
        );
        let both = format!("{TARGETS}http://newer.example/debian/ trixie main\n");
        assert_eq!(choose(&both, Debian::Trixie), ["deb http://newer.example/debian/ trixie main"]);
    }

    #[test]
    fn a_computer_without_debian_has_nothing() {
        assert_eq!(choose("http://mirror.example/ noble main\n", Debian::Bookworm), [""; 0]);
        assert_eq!(choose("http://mirror.example/ bookworm-updates main\n", Debian::Trixie), [""; 0]);
    }
}
