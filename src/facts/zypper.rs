//! What zypper would do: the lists that `zypper install --dry-run` prints.

use super::install::Install;

/// `None` when zypper could not tell: its repositories were never read, or the packages are not in them.
pub fn installs(text: &str) -> Option<Vec<Install>> {
    let mut found: Vec<Install> = Vec::new();
    let mut list = None;
    for line in text.lines() {
        if line.starts_with("The following ") {
            // "… NEW packages are going to be installed:", "… package is going to be upgraded:", "… recommended …"
            list = match line {
                line if line.contains(" NEW ") && line.ends_with("installed:") => Some(None),
                line if line.ends_with("upgraded:") || line.ends_with("downgraded:") => Some(Some("older".to_owned())),
                _ => None,
            };
        } else if !line.starts_with("  ") {
            list = None;
        } else if let Some(from) = &list {
            let names = line.split_whitespace().map(|name| Install {
                name: name.to_owned(),
                from: from.clone(),
                to: if from.is_some() { "newer".to_owned() } else { String::new() },
            });
            found.extend(names);
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRY_RUN: &str = "\
Loading repository data...
Reading installed packages...
Resolving package dependencies...

The following item is locked and will not be changed by any action:
  kernel-default

The following 3 recommended packages were automatically selected but will not be installed:
  a b c

The following 5 NEW packages are going to be installed:
  libfabric1 libhwloc15 openmpi4
  openmpi4-config openmpi4-devel

The following package is going to be upgraded:
  libibverbs1

1 package to upgrade, 5 new.
Overall download size: 6.1 MiB. Already cached: 0 B.
Continue? [y/n/v/...? shows all options] (y): y
";

    #[test]
    fn reads_the_lists() {
        let found = installs(DRY_RUN).unwrap();
        let new: Vec<&str> = found.iter().filter(|i| i.from.is_none()).map(|i| i.name.as_str()).collect();
        assert_eq!(new, ["libfabric1", "libhwloc15", "openmpi4", "openmpi4-config", "openmpi4-devel"]);
        assert_eq!(found[5].name, "libibverbs1");
        assert_eq!(found[5].from.as_deref(), Some("older"));
        assert_eq!(
            installs("'openmpi4' not found in package names. Trying capabilities.\nNo provider of 'openmpi4' found.\n"),
            None
        );
        assert_eq!(installs("Root privileges are required to run this command.\n"), None);
    }
}
