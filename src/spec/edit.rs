//! Changes to an `mpiup.toml` that a person has written: their comments, order and blanks stay.
//!
//! Guarantee: each function returns a text that reads as the old spec with just that change, or an error; the file's
//! other lines are the same, byte for byte, where the node stands on a line of its own below `[nodes]`.
//! A comment at the end of a removed line goes with it; comments above it stay.

mod entry;

use toml_edit::{DocumentMut, Item, TableLike, value};

use super::{
    Address, NodeName, NodeSpec, Spec, file,
    find::FILE_NAME,
    nodeset,
    write::{node_value, toml_key},
};
use crate::error::{Context, Error, Result};
use entry::{Entry, Style};

/// The text with one more node, behind the others.
///
/// # Errors
/// When the text is no spec, or has a node of that name or address.
pub fn add_node(text: &str, node: &NodeSpec) -> Result<String> {
    let mut wanted = file::parse(text, FILE_NAME)?;
    wanted.nodes.push(node.clone());
    let address = node.address.to_string();
    let entries = entry::all(text)?;
    let last_line = entries.iter().filter(|entry| entry.style == Style::Line).max_by_key(|entry| entry.whole.end);
    let changed = match (last_line, entries.last()) {
        (Some(last), _) => {
            // The new line's `=` stands below the one above it.
            let column = text[last.key_span.start..last.value_span.start].find('=').unwrap_or(0);
            let name = format!("{:<width$}", toml_key(node.name.as_str()), width = column.saturating_sub(1));
            let line = format!("{name} = {}", node_value(Some(&address), node.slots));
            let (end, newline) = entry::end_of_line(text, last.whole.end);
            format!("{}{newline}{line}{}", &text[..end], &text[end..])
        }
        (None, last) => {
            let as_table = last.is_some_and(|entry| entry.style == Style::Table);
            with_nodes(text, |nodes| {
                let mut item = if as_table { Item::Table(toml_edit::Table::new()) } else { value(address.as_str()) };
                if as_table {
                    item["address"] = value(address.as_str());
                }
                match (as_table, node.slots) {
                    (true, Some(slots)) => item["slots"] = value(i64::from(slots)),
                    (false, Some(slots)) => item = inline(Some(&address), slots),
                    (_, None) => {}
                }
                nodes.insert(node.name.as_str(), item);
            })?
        }
    };
    checked(changed, &wanted)
}

/// The text with another number of slots for a node; `None` leaves it to the node's cores. A node of a set gets a line
/// of its own, between what comes before and after it in the set.
///
/// # Errors
/// When the text is no spec, or has no such node.
pub fn set_slots(text: &str, name: &NodeName, slots: Option<u32>) -> Result<String> {
    let mut wanted = file::parse(text, FILE_NAME)?;
    match wanted.nodes.iter_mut().find(|node| node.name == *name) {
        Some(node) if node.slots == slots => return Ok(text.to_owned()),
        Some(node) => node.slots = slots,
        None => return Err(unknown(&wanted, name)),
    }
    let entries = entry::all(text)?;
    let entry = entry::of(&entries, name)?;
    let changed = if let [_] = entry.members.as_slice() {
        single_slots(text, entry, slots)?
    } else {
        let at = entry.members.iter().position(|(member, _)| member == name.as_str()).unwrap_or(0);
        let (before, rest) = entry.members.split_at(at);
        split(text, entry, &[(before, entry.slots), (&rest[..1], slots), (&rest[1..], entry.slots)])?
    };
    checked(changed, &wanted)
}

/// The text with other addresses for some nodes, which may be each other's. A node of a set gets a line of its own, as with
/// [`set_slots`].
///
/// # Errors
/// When the text is no spec, has no such node, or has two at one address then.
pub fn set_addresses(text: &str, addresses: &[(&NodeName, &Address)]) -> Result<String> {
    let mut wanted = file::parse(text, FILE_NAME)?;
    let mut changed = text.to_owned();
    for (name, address) in addresses {
        let Some(node) = wanted.nodes.iter_mut().find(|node| node.name == **name) else {
            return Err(unknown(&wanted, name));
        };
        if node.address != **address {
            node.address = (*address).clone();
            changed = readdressed(&changed, name, address.to_string())?;
        }
    }
    checked(changed, &wanted)
}

fn readdressed(text: &str, name: &NodeName, address: String) -> Result<String> {
    let entries = entry::all(text)?;
    let entry = entry::of(&entries, name)?;
    if let [_] = entry.members.as_slice() {
        if entry.style == Style::Line && entry.is_text {
            let value = node_value(Some(&address), None);
            Ok(format!("{}{value}{}", &text[..entry.value_span.start], &text[entry.value_span.end..]))
        } else {
            with_nodes(text, |nodes| {
                let Some(table) = nodes.get_mut(&entry.key).and_then(Item::as_table_like_mut) else { return };
                match table.get_mut("address").and_then(Item::as_value_mut) {
                    Some(old) => {
                        let around = old.decor().clone();
                        *old = address.as_str().into();
                        *old.decor_mut() = around;
                    }
                    None => drop(table.insert("address", value(address.as_str()))),
                }
            })
        }
    } else {
        let at = entry.members.iter().position(|(member, _)| member == name.as_str()).unwrap_or(0);
        let (before, rest) = entry.members.split_at(at);
        let moved = [(name.to_string(), Some(address))];
        split(text, entry, &[(before, entry.slots), (&moved, entry.slots), (&rest[1..], entry.slots)])
    }
}

/// The text without a node.
///
/// # Errors
/// When the text is no spec or has no such node, or when the node is the head or the only one.
pub fn remove_node(text: &str, name: &NodeName) -> Result<String> {
    let mut wanted = file::parse(text, FILE_NAME)?;
    if wanted.node(name).is_none() {
        return Err(unknown(&wanted, name));
    }
    if wanted.is_head(name) {
        return Err(Error::usage(format!("`{name}` is the cluster's head and cannot be taken out"))
            .hinted(format!("Name another node as `head` in [cluster] of {FILE_NAME} first.")));
    }
    wanted.nodes.retain(|node| node.name != *name);
    let entries = entry::all(text)?;
    let entry = entry::of(&entries, name)?;
    let changed = if entry.members.len() > 1 {
        let others: Vec<_> = entry.members.iter().filter(|(member, _)| member != name.as_str()).cloned().collect();
        split(text, entry, &[(&others, entry.slots)])?
    } else if entry.style == Style::Line {
        let start = text[..entry.whole.start].rfind('\n').map_or(0, |at| at + 1);
        let (end, newline) = entry::end_of_line(text, entry.whole.end);
        format!("{}{}", &text[..start], text[end..].strip_prefix(newline).unwrap_or(&text[end..]))
    } else {
        with_nodes(text, |nodes| {
            nodes.remove(&entry.key);
        })?
    };
    checked(changed, &wanted)
}

fn single_slots(text: &str, entry: &Entry, slots: Option<u32>) -> Result<String> {
    if entry.style == Style::Line && entry.is_text {
        let value = node_value(entry.address(), slots);
        return Ok(format!("{}{value}{}", &text[..entry.value_span.start], &text[entry.value_span.end..]));
    }
    with_nodes(text, |nodes| {
        let Some(item) = nodes.get_mut(&entry.key) else { return };
        match (item.as_table_like_mut(), slots) {
            (Some(table), Some(slots)) => match table.get_mut("slots").and_then(Item::as_value_mut) {
                Some(old) => {
                    // The comment at the end of the line is part of the value's surroundings.
                    let around = old.decor().clone();
                    *old = i64::from(slots).into();
                    *old.decor_mut() = around;
                }
                None => {
                    table.insert("slots", value(i64::from(slots)));
                    tidy(item);
                }
            },
            (Some(table), None) => {
                table.remove("slots");
                tidy(item);
            }
            (None, Some(slots)) => *item = inline(entry.address(), slots),
            (None, None) => {}
        }
    })
}

/// Sets the blanks of an inline table anew, unless it has lines, and so perhaps comments, of its own.
fn tidy(item: &mut Item) {
    if let Some(inline) = item.as_inline_table_mut()
        && !inline.to_string().contains('\n')
    {
        inline.fmt();
    }
}

/// Members of a set with their addresses.
type Members = [(String, Option<String>)];

/// A set's line as several, each with the comment at the set's end.
fn split(text: &str, entry: &Entry, parts: &[(&Members, Option<u32>)]) -> Result<String> {
    if entry.style != Style::Line {
        return Err(Error::usage(format!("the node set `{}` is not on a line of its own", entry.key))
            .hinted(format!("Write it below [nodes] in {FILE_NAME}: \"{}\" = \"ADDRESSES\"", entry.key)));
    }
    let (end, newline) = entry::end_of_line(text, entry.whole.end);
    let comment = &text[entry.whole.end..end];
    let indent = &text[text[..entry.whole.start].rfind('\n').map_or(0, |at| at + 1)..entry.whole.start];
    let line = |(members, slots): &(&Members, Option<u32>)| {
        let names = nodeset::fold_in_order(members.iter().map(|(name, _)| name));
        let addresses: Option<Vec<&String>> = members.iter().map(|(_, address)| address.as_ref()).collect();
        let addresses = addresses.map(nodeset::fold_in_order);
        format!("{indent}{} = {}{comment}", toml_key(&names), node_value(addresses.as_deref(), *slots))
    };
    let lines: Vec<String> = parts.iter().filter(|(members, _)| !members.is_empty()).map(line).collect();
    Ok(format!("{}{}{}", &text[..entry.whole.start - indent.len()], lines.join(newline), &text[end..]))
}

fn inline(address: Option<&str>, slots: u32) -> Item {
    let mut table = toml_edit::InlineTable::new();
    if let Some(address) = address {
        table.insert("address", address.into());
    }
    table.insert("slots", i64::from(slots).into());
    value(table)
}

/// The text after a change to the table of the nodes, through the TOML library.
fn with_nodes(text: &str, change: impl FnOnce(&mut dyn TableLike)) -> Result<String> {
    let mut document: DocumentMut = text.parse().context(|| format!("editing {FILE_NAME}"))?;
    match document.get_mut("nodes").and_then(Item::as_table_like_mut) {
        Some(nodes) => change(nodes),
        None => return Err(Error::failed(format!("editing {FILE_NAME}")).because("it has no [nodes]")),
    }
    document.get_mut("nodes").into_iter().for_each(tidy);
    Ok(document.to_string())
}

/// The changed text, if it says what it should.
fn checked(changed: String, wanted: &Spec) -> Result<String> {
    let by_name = |spec: &Spec| {
        let mut spec = spec.clone();
        spec.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        spec
    };
    let read = file::parse(&changed, FILE_NAME)?;
    if by_name(&read) == by_name(wanted) {
        return Ok(changed);
    }
    Err(Error::failed(format!("editing {FILE_NAME}"))
        .because("the change would alter more than this node")
        .hinted(format!("Make the change in {FILE_NAME} by hand, then run `mpiup plan`.")))
}

fn unknown(spec: &Spec, name: &NodeName) -> Error {
    let all = nodeset::fold(spec.nodes.iter().map(|node| node.name.as_str()));
    Error::usage(format!("{FILE_NAME} has no node `{name}`")).hinted(format!("The nodes are {all}."))
}

#[cfg(test)]
mod tests;
