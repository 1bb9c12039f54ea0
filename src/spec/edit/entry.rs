//! Where the nodes stand in the text.

use std::ops::Range;

use toml_edit::{Document, Item, Value};

use crate::{
    error::{Context, Error, Result},
    spec::{Address, NodeName, find::FILE_NAME, nodeset},
};

/// How a node or a set of nodes is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `key = value` below `[nodes]`: changed in the text itself.
    Line,
    /// `[nodes.key]`
    Table,
    /// Within an inline table, or with dots in its key.
    Other,
}

pub(super) struct Entry {
    /// As it stands to the left of `=`, without quotes.
    pub key: String,
    pub style: Style,
    /// Whether the value is a text, not a table.
    pub is_text: bool,
    /// Each name, with its address where the file gives one.
    pub members: Vec<(String, Option<String>)>,
    pub slots: Option<u32>,
    pub key_span: Range<usize>,
    pub value_span: Range<usize>,
    /// Key and value.
    pub whole: Range<usize>,
}

impl Entry {
    /// The address of the first member.
    pub fn address(&self) -> Option<&str> {
        self.members.first().and_then(|(_, address)| address.as_deref())
    }
}

/// The entries of `[nodes]`, in the order of the file, of a text that is a spec.
pub(super) fn all(text: &str) -> Result<Vec<Entry>> {
    let editing = || format!("editing {FILE_NAME}");
    let document = Document::parse(text).context(editing)?;
    let Some(nodes) = document.get("nodes") else { return Ok(Vec::new()) };
    let below_header = nodes.as_table().is_some_and(|table| !table.is_dotted());
    let Some(table) = nodes.as_table_like() else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    for (key, item) in table.iter() {
        let value_span = item.span().unwrap_or(0..0);
        let key_span = table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
        let style = match item {
            Item::Value(_) if below_header => Style::Line,
            Item::Table(table) if !table.is_dotted() => Style::Table,
            _ => Style::Other,
        };
        let address = match item {
            Item::Value(Value::String(text)) => Some(text.value().clone()),
            other => other.get("address").and_then(Item::as_str).map(str::to_owned),
        };
        let names = nodeset::expand_in_order(key).context(editing)?;
        let addresses: Vec<Option<String>> = match address {
            None => vec![None; names.len()],
            Some(set) => Address::parse_set(&set).context(editing)?.iter().map(|one| Some(one.to_string())).collect(),
        };
        entries.push(Entry {
            key: key.to_owned(),
            style,
            is_text: item.is_str(),
            members: names.into_iter().zip(addresses).collect(),
            slots: item.get("slots").and_then(Item::as_integer).and_then(|slots| u32::try_from(slots).ok()),
            whole: key_span.start..value_span.end,
            key_span,
            value_span,
        });
    }
    Ok(entries)
}

/// The entry that has a node.
pub(super) fn of<'a>(entries: &'a [Entry], name: &NodeName) -> Result<&'a Entry> {
    let has = |entry: &&Entry| entry.members.iter().any(|(member, _)| member == name.as_str());
    entries.iter().find(has).ok_or_else(|| Error::usage(format!("{FILE_NAME} has no node `{name}`")))
}

/// Where the line of `offset` ends, and how this file ends its lines.
pub(super) fn end_of_line(text: &str, offset: usize) -> (usize, &'static str) {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let end = text[offset..].find(newline).map_or(text.len(), |at| offset + at);
    (end, newline)
}
