//! Writes a new `mpiup.toml`, with a comment on each line that says why the line is as it is.
//!
//! Guarantee: what [`Draft::render`] returns reads back as the same spec. Lines stay within 100 columns, unless a
//! single value is longer. Nodes stand one to a line; more than 16 neighbours that are alike become a node set.

mod layout;

use std::collections::BTreeMap;

use super::{
    Address, NodeSpec, Spec,
    file::{self, FLAVOURS, SHARE_KINDS, SOURCES},
    find::FILE_NAME,
    keys, nodeset,
};
use crate::error::{Error, Result};
use layout::Row;

/// Why a key has its value, by the key's path: `cluster.user`, `mpi.source`, `nodes.master`.
pub type Reasons = BTreeMap<String, String>;

/// A spec that is to be written, and the reasons for it.
#[derive(Debug, Clone)]
pub struct Draft {
    pub spec: Spec,
    pub why: Reasons,
}

/// More alike neighbours than this are written as one node set.
const FOLD_ABOVE: usize = 16;

const HEADER: &str = "\
# mpiup.toml: what this cluster is. A comment on each line says why it is so; change what you like.
# `mpiup plan` then shows what that would change on the machines, and `mpiup up` changes it.
";

impl Draft {
    pub fn new(spec: Spec) -> Self {
        Self { spec, why: Reasons::new() }
    }

    /// Adds the reason for a key, such as `mpi.source` or `nodes.client1`: part of a sentence, without a full stop.
    #[must_use]
    pub fn because(mut self, key: impl Into<String>, why: impl Into<String>) -> Self {
        self.why.insert(key.into(), why.into());
        self
    }

    /// The text of the file.
    ///
    /// # Errors
    /// When the spec was put together in a way that the file cannot hold.
    pub fn render(&self) -> Result<String> {
        let mut text = HEADER.to_owned();
        for section in keys::SECTIONS {
            let rows = if section == "nodes" { self.nodes() } else { self.section(section)? };
            if !rows.is_empty() {
                text += &format!("\n[{section}]\n{}", layout::render(&rows));
            }
        }
        match file::parse(&text, FILE_NAME) {
            Ok(read) if read == self.spec => Ok(text),
            Ok(_) => Err(Error::failed(format!("writing {FILE_NAME}")).because("the spec would read back differently")),
            Err(error) => Err(Error::failed(format!("writing {FILE_NAME}")).because(error)),
        }
    }

    fn section(&self, section: &'static str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for key in keys::KEYS.iter().filter(|key| key.section == section) {
            let path = format!("{section}.{}", key.name);
            let reason = self.why.get(&path);
            let Some(value) = self.value(&path, reason.is_some())? else { continue };
            let comment = reason.map_or(key.meaning, String::as_str).to_owned();
            let choices = if reason.is_some() { key.values.join(" | ") } else { String::new() };
            rows.push(Row { key: key.name.to_owned(), value, comment, choices });
        }
        Ok(rows)
    }

    /// The key's value as TOML; `None` for one that is left out.
    fn value(&self, path: &str, has_reason: bool) -> Result<Option<String>> {
        let spec = &self.spec;
        Ok(Some(match path {
            "cluster.name" => quoted(&spec.name),
            "cluster.user" => quoted(&spec.user),
            "cluster.head" => quoted(spec.head.as_str()),
            "cluster.set_host_names" if spec.set_host_names || has_reason => spec.set_host_names.to_string(),
            "ssh.config" => match &spec.ssh_config {
                None => return Ok(None),
                Some(path) => match path.to_str() {
                    Some(path) => quoted(path),
                    None => {
                        return Err(Error::failed(format!("writing {FILE_NAME}"))
                            .because(format!("the path {} is not UTF-8", path.display())));
                    }
                },
            },
            "share.kind" => quoted(word(&SHARE_KINDS, spec.share.kind)),
            "share.path" => quoted(&spec.share.path),
            "mpi.flavour" => quoted(word(&FLAVOURS, spec.flavour)),
            "mpi.source" => quoted(word(&SOURCES, spec.source)),
            "python.requirements" => {
                layout::list(&spec.requirements.iter().map(|line| quoted(line)).collect::<Vec<_>>())
            }
            _ => return Ok(None),
        }))
    }

    fn nodes(&self) -> Vec<Row> {
        let reason = |node: &NodeSpec| self.why.get(&format!("nodes.{}", node.name));
        let alike = |a: &NodeSpec, b: &NodeSpec| {
            a.slots == b.slots
                && reason(a) == reason(b)
                && shape(a.name.as_str()) == shape(b.name.as_str())
                && shape(&a.address.to_string()) == shape(&b.address.to_string())
        };
        let mut rows = Vec::new();
        for run in self.spec.nodes.chunk_by(alike) {
            let comment = |node: &NodeSpec| reason(node).cloned().unwrap_or_else(|| default_reason(node));
            match folded(run) {
                Some((key, value)) => rows.push(Row { key, value, comment: comment(&run[0]), choices: String::new() }),
                None => rows.extend(run.iter().map(|node| Row {
                    key: toml_key(node.name.as_str()),
                    value: node_value(Some(&node.address.to_string()), node.slots),
                    comment: comment(node),
                    choices: String::new(),
                })),
            }
        }
        rows
    }
}

fn default_reason(node: &NodeSpec) -> String {
    match (&node.address, node.slots) {
        (Address::Local, _) => "this machine".to_owned(),
        (_, Some(1)) => "room for 1 process".to_owned(),
        (_, Some(slots)) => format!("room for {slots} processes"),
        (_, None) => "room for as many processes as it has cores".to_owned(),
    }
}

/// Many nodes as one line, if their names and their addresses are one set each.
fn folded(run: &[NodeSpec]) -> Option<(String, String)> {
    if run.len() <= FOLD_ABOVE {
        return None;
    }
    let names = nodeset::fold_in_order(run.iter().map(|node| node.name.as_str()));
    let addresses = nodeset::fold_in_order(run.iter().map(|node| node.address.to_string()));
    let one_term = |set: &str| nodeset::terms(set).is_ok_and(|terms| terms.len() == 1);
    let value = node_value(Some(&addresses), run[0].slots);
    (one_term(&names) && one_term(&addresses) && names.len() + value.len() < 90).then(|| (toml_key(&names), value))
}

/// A text with its numbers taken out: what members of a set have in common.
fn shape(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| word)
}

/// A node's value as TOML. Without an address, its name is one.
pub(super) fn node_value(address: Option<&str>, slots: Option<u32>) -> String {
    match (address.map(quoted), slots) {
        (Some(address), None) => address,
        (Some(address), Some(slots)) => format!("{{ address = {address}, slots = {slots} }}"),
        (None, Some(slots)) => format!("{{ slots = {slots} }}"),
        (None, None) => "{}".to_owned(),
    }
}

/// `name`, in quotes where TOML asks for them.
pub(super) fn toml_key(name: &str) -> String {
    toml_edit::Key::new(name).display_repr().into_owned()
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
