//! What `mpiup plan --json` shows, read without mpiup's own types, and what a plan explains.

use std::collections::BTreeMap;

use serde_json::Value;

use super::tree::Difference;

pub struct Plan {
    pub changes: usize,
    pub nodes: Vec<NodePlan>,
}

pub struct NodePlan {
    pub node: String,
    pub changes: Vec<Value>,
}

impl Plan {
    pub fn parse(json: &Value) -> Self {
        let nodes = array(&json["nodes"])
            .iter()
            .map(|node| NodePlan { node: text(&node["node"]).to_owned(), changes: array(&node["changes"]).clone() });
        Self { changes: usize::try_from(json["changes"].as_u64().unwrap()).unwrap(), nodes: nodes.collect() }
    }

    pub fn node(&self, name: &str) -> &NodePlan {
        self.nodes.iter().find(|node| node.node == name).unwrap_or_else(|| panic!("{name} is not in the plan"))
    }
}

impl NodePlan {
    /// The changes in words, in order.
    pub fn what(&self) -> Vec<&str> {
        self.changes.iter().map(|change| text(&change["what"])).collect()
    }

    pub fn of_kind<'a>(&'a self, primitive: &'a str) -> impl Iterator<Item = &'a Value> {
        self.changes.iter().filter(move |change| change["primitive"] == primitive)
    }

    /// Names of packages that the plan says would come; versions of none.
    pub fn new_packages(&self) -> Vec<&str> {
        let all = self.of_kind("packages").flat_map(|change| {
            let brought = change["brings"]["new"].as_array().into_iter().flatten();
            array(&change["names"]).iter().chain(brought)
        });
        all.map(text).collect()
    }

    /// Names of packages that the plan says would become newer: `NAME OLD → NEW`.
    pub fn newer_packages(&self) -> Vec<&str> {
        let all =
            self.of_kind("packages").flat_map(|change| change["brings"]["newer"].as_array().into_iter().flatten());
        all.map(|line| text(line).split(' ').next().unwrap_or_default()).collect()
    }

    /// Whether the plan says that this path would change; `of_packages` tells which files packages have.
    pub fn explains(&self, path: &str, of_packages: impl Fn(&str) -> bool) -> bool {
        // The journal is how changes are made, and `begin` of the printed script shows where it is.
        if path == "/var/lib/mpiup" || path.starts_with("/var/lib/mpiup/aula") {
            return true;
        }
        self.changes.iter().any(|change| match text(&change["primitive"]) {
            "dir" | "file" | "block" => path == change["path"],
            "keypair" => path.strip_suffix(".pub").unwrap_or(path) == change["path"],
            "tree" => is_below(path, text(&change["path"])),
            "user" => is_of_account(path, text(&change["home"])),
            // Only in the files of one that stands there.
            "firewall" => is_below(path, "/etc/ufw") || is_below(path, "/etc/firewalld"),
            "packages" => of_packages(path) || is_of_dpkg(path),
            other => panic!("a primitive that the test does not know: {other}"),
        })
    }

    /// What a file or block is to hold, with placeholders replaced.
    pub fn content(&self, key: &str, keys: &BTreeMap<String, String>) -> String {
        let change = self.changes.iter().find(|change| change["key"] == key);
        let change = change.unwrap_or_else(|| panic!("{key} is not in the plan of {}", self.node));
        let mut content = text(&change["content"]).to_owned();
        for (node, key) in keys {
            content = content.replace(&format!("⟨public key of {node}⟩"), key);
        }
        content
    }
}

/// The differences that the plan says nothing of.
pub fn unexplained(
    plan: &NodePlan,
    differences: Vec<Difference>,
    of_packages: impl Fn(&str) -> bool,
) -> Vec<Difference> {
    differences.into_iter().filter(|difference| !plan.explains(&difference.path, &of_packages)).collect()
}

/// What an account is: its lines, the copies of the last version that the account tools keep, and its home from
/// /etc/skel.
fn is_of_account(path: &str, home: &str) -> bool {
    let files = ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"];
    let name = path.strip_prefix("/etc/").map(|name| name.strip_suffix('-').unwrap_or(name));
    let skeleton =
        path.strip_prefix(home).is_some_and(|rest| ["", "/.bashrc", "/.profile", "/.bash_logout"].contains(&rest));
    name.is_some_and(|name| files.contains(&name)) || skeleton
}

/// What apt and dpkg write for any package: their data, caches of what is installed, and accounts that packages make.
fn is_of_dpkg(path: &str) -> bool {
    let folders = ["/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/etc/alternatives"];
    folders.iter().any(|folder| is_below(path, folder))
        || ["/etc/ld.so.cache", "/run/adduser"].contains(&path)
        || is_of_account(path, "/nowhere")
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

pub fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}
