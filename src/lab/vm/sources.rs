//! Where this computer fetches Debian's packages: an image is made from the same place, since it may be the only one that
//! can be reached.

use crate::lab::host::{self, command};

/// `deb URI SUITE COMPONENT` lines for a release of Debian's, out of apt's own sources; none when they have nothing for it.
pub(super) fn of(release: &str) -> Vec<String> {
    let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
    let targets = host::run(command("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]));
    targets.map(|output| choose(&String::from_utf8_lossy(&output.stdout), release)).unwrap_or_default()
}

/// Suites of exactly these names and Debian's own component: what other vendors publish has other names.
fn choose(targets: &str, release: &str) -> Vec<String> {
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
            choose(TARGETS, "bookworm"),
            [
                "deb http://mirror.example/debian/ bookworm main",
                "deb http://mirror.example/debian/ bookworm-updates main",
                "deb http://mirror.example/debian-security/ bookworm-security main",
            ]
        );
    }

    #[test]
    fn a_computer_of_another_release_has_nothing_for_it() {
        assert_eq!(choose(TARGETS, "trixie"), [""; 0]);
        assert_eq!(choose("http://mirror.example/ bookworm-updates main\n", "bookworm"), [""; 0]);
    }
}
