//! A process and all that it started, as far as they still belong to it: what has to go when a test hangs.

use std::fs;

/// The process itself first, then its children and theirs.
pub fn of(process: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| process_and_parent(&stat))
        .collect();
    let mut family = vec![process];
    let mut seen = 0;
    while let Some(parent) = family.get(seen).copied() {
        family.extend(all.iter().filter(|(_, its_parent)| *its_parent == parent).map(|(child, _)| *child));
        seen += 1;
    }
    family
}

/// Of proc(5)'s `stat`: the name in parentheses may itself hold spaces and parentheses.
fn process_and_parent(stat: &str) -> Option<(u32, u32)> {
    let (process, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some((process.parse().ok()?, rest.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        assert_eq!(process_and_parent("42 (a) S 1) R 7 42 42 0 -1"), Some((42, 7)));
        assert_eq!(process_and_parent("42 (a"), None);
    }

    #[test]
    fn finds_this_process_below_its_parent() {
        assert!(of(std::os::unix::process::parent_id()).contains(&std::process::id()));
    }
}
