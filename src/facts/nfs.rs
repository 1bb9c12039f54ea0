//! What a node can do with NFS, and what it does already.

use super::exports::{self, Export};

/// As `nfs.sh` reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nfs {
    /// systemd is its first process: units start at boot, and folders are mounted when they are needed.
    pub has_systemd: bool,
    /// The kind of container that it is: its kernel is not its own.
    pub container: Option<String>,
    /// Its kernel has the server.
    pub serves: bool,
    /// Its kernel has the client.
    pub mounts: bool,
    /// `enabled`, `disabled`, `masked` …; empty where there is no such unit.
    pub enabled: String,
    /// `active`, `inactive` …
    pub active: String,
    /// What `/etc/exports` and `/etc/exports.d` say.
    pub exports: Vec<Export>,
}

/// `text`: lines of a name and a value; `exports`: see [`exports::exports`].
pub fn nfs(text: &str, exports: &str) -> Nfs {
    let get = |name: &str| {
        let values = text.lines().filter_map(|line| line.split_once(' '));
        values.into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim()).to_owned()
    };
    Nfs {
        has_systemd: get("systemd") == "yes",
        container: Some(get("container")).filter(|kind| !kind.is_empty() && kind != "none"),
        serves: get("serves") == "yes",
        mounts: get("mounts") == "yes",
        enabled: get("enabled"),
        active: get("active"),
        exports: exports::exports(exports),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_serves_and_one_that_is_none() {
        let server = nfs("systemd yes\ncontainer none\nserves yes\nmounts yes\nenabled enabled\nactive active", "");
        assert!(server.has_systemd && server.serves && server.mounts && server.container.is_none());
        assert_eq!((server.enabled.as_str(), server.active.as_str()), ("enabled", "active"));
        let container = nfs("systemd yes\ncontainer lxc\nenabled \nactive inactive", "");
        assert_eq!(
            (container.container.as_deref(), container.serves, container.enabled.as_str()),
            (Some("lxc"), false, "")
        );
    }
}
