//! What dnf would do: the table that `dnf install --assumeno` prints before it stops. dnf 4 and 5 print nearly the same.

use super::install::Install;

/// `None` when dnf could not tell: nothing is cached, or the packages are not known.
pub fn installs(text: &str) -> Option<Vec<Install>> {
    let mut found = Vec::new();
    let mut section = "";
    let mut row: Vec<&str> = Vec::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            // `Installing:`, `Installing dependencies:`, `Upgrading:`, `Transaction Summary`, …
            section = line.trim_end();
            row.clear();
            continue;
        }
        // Other sections remove, or tell what is skipped.
        let is_new = section.starts_with("Installing") && section.ends_with(':');
        let is_newer = matches!(section, "Upgrading:" | "Upgrading dependencies:" | "Downgrading:");
        if !(is_new || is_newer) || line.trim_start().starts_with("replacing ") {
            continue;
        }
        // A long name has a line of its own, and the rest of its row follows.
        row.extend(line.split_whitespace());
        if let [name, _architecture, version, _repository, _size, ..] = row[..] {
            let from = is_newer.then(|| "older".to_owned());
            found.push(Install { name: name.to_owned(), from, to: version.to_owned() });
            row.clear();
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of the examples in DNF's documentation.
    const DNF4: &str = "\
Last metadata expiration check: 0:10:01 ago on Tue Nov 12 10:00:00 2024.
Dependencies resolved.
================================================================================
 Package             Arch    Version               Repository              Size
================================================================================
Installing:
 openmpi             x86_64  2:4.1.1-7.el9         appstream              3.6 M
 openmpi-devel       x86_64  2:4.1.1-7.el9         appstream              1.1 M
Upgrading:
 libibverbs          x86_64  51.0-1.el9            baseos                 438 k
Installing dependencies:
 a-package-with-a-very-long-name-indeed
                     noarch  1.0-1.el9             appstream               12 k
 environment-modules x86_64  5.3.0-1.el9           baseos                 576 k

Transaction Summary
================================================================================
Install  4 Packages
Upgrade  1 Package

Total download size: 12 M
Operation aborted.
";

    const DNF5: &str = "\
Package                 Arch    Version               Repository          Size
Installing:
 openmpi                x86_64  0:5.0.5-3.fc41        fedora          11.4 MiB
Upgrading:
 pmix                   x86_64  0:5.0.5-1.fc41        updates          2.1 MiB
   replacing pmix       x86_64  0:5.0.3-1.fc41        anaconda         2.1 MiB
Installing dependencies:
 prrte                  x86_64  0:3.0.6-1.fc41        fedora           1.4 MiB

Transaction Summary:
 Installing:        2 packages
 Upgrading:         1 package
 Replacing:         1 package

Operation aborted by the user.
";

    fn shown(text: &str) -> Vec<String> {
        let from = |install: &Install| install.from.as_deref().map(|from| format!("{from} → ")).unwrap_or_default();
        installs(text).unwrap().iter().map(|i| format!("{} {}{}", i.name, from(i), i.to)).collect()
    }

    #[test]
    fn reads_the_tables_of_both_generations() {
        assert_eq!(
            shown(DNF4),
            [
                "openmpi 2:4.1.1-7.el9",
                "openmpi-devel 2:4.1.1-7.el9",
                "libibverbs older → 51.0-1.el9",
                "a-package-with-a-very-long-name-indeed 1.0-1.el9",
                "environment-modules 5.3.0-1.el9",
            ]
        );
        assert_eq!(shown(DNF5), ["openmpi 0:5.0.5-3.fc41", "pmix older → 0:5.0.5-1.fc41", "prrte 0:3.0.6-1.fc41"]);
    }

    #[test]
    fn nothing_is_known_without_a_cache() {
        let text = "Cache-only enabled but no cache for 'appstream'\nError: Unable to find a match: openmpi\n";
        assert_eq!(installs(text), None);
        assert_eq!(installs(""), None);
    }
}
