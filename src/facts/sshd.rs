//! What the node's sshd would do for the cluster's user: `sshd -T -C user=…`, which only root can ask.

use std::collections::BTreeMap;

/// Keywords in lower case, as sshd prints them. A keyword that comes more than once keeps all its values, by newline.
pub type SshdConfig = BTreeMap<String, String>;

/// The effective configuration; `None` when sshd printed an error instead.
pub fn config(text: &str) -> Option<SshdConfig> {
    let mut found = SshdConfig::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(' ') else { continue };
        found
            .entry(key.to_owned())
            .and_modify(|all| *all = format!("{all}\n{value}"))
            .or_insert_with(|| value.to_owned());
    }
    found.contains_key("pubkeyauthentication").then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_effective_configuration() {
        let found = config("port 22\npubkeyauthentication yes\nallowusers ana\nallowusers mpi@10.*\n").unwrap();
        assert_eq!(found["allowusers"], "ana\nmpi@10.*");
        assert_eq!(config("/etc/ssh/sshd_config: line 3: Bad configuration option: Foo\n"), None);
    }
}
