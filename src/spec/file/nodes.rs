//! The section `[nodes]`: names or node sets on the left, addresses or sets of as many addresses on the right.

use std::{collections::HashMap, ops::Range};

use toml_edit::{Item, TableLike, Value};

use super::{
    Sections,
    section::{self, Section, Text},
};
use crate::{
    error::{Error, Result},
    spec::{
        Address, NodeName, NodeSpec, keys,
        names::shown,
        nodeset::{self, SyntaxError},
        place::Source,
    },
};

/// mpiup holds a connection to every node, each an ssh process of its own, and one head node launches all ranks: beyond
/// this a batch system is the tool, or several clusters.
const MAX_NODES: usize = 1000;

/// The nodes in the order of the file; at least one and at most [`MAX_NODES`], with unique names and addresses.
pub(super) fn read(sections: &Sections<'_>) -> Result<Vec<NodeSpec>> {
    let source = sections.source;
    let table = sections.table("nodes")?;
    let mut reader = Reader { source, nodes: Vec::new(), names: HashMap::new(), endpoints: HashMap::new() };
    if let Some((table, _)) = &table {
        for (name, item) in table.iter() {
            reader.entry(*table, name, item)?;
        }
    }
    if let Some((_, span)) = &table
        && reader.nodes.len() > MAX_NODES
    {
        let message = format!("[nodes] names {} nodes, and a cluster has {MAX_NODES} at most", reader.nodes.len());
        return Err(source
            .error(span.clone(), message)
            .hinted("Make several clusters of them, each with an mpiup.toml and a `name` of its own."));
    }
    if reader.nodes.is_empty() {
        let (span, message) = match table {
            Some((_, span)) => (span, "[nodes] names no node"),
            None => (0..0, "the section [nodes] is missing"),
        };
        return Err(source
            .error(span, message)
            .hinted("Write a line for each machine below [nodes]: client1 = \"192.168.1.11\"")
            .hinted("Or let mpiup look at the machines and write the file: mpiup init HOST ..."));
    }
    Ok(reader.nodes)
}

struct Reader<'a> {
    source: Source<'a>,
    nodes: Vec<NodeSpec>,
    /// Where a name stands, by its lower case: host names do not differ by case.
    names: HashMap<String, Range<usize>>,
    endpoints: HashMap<Endpoint, (usize, Range<usize>)>,
}

/// Host and port of an address; none for this machine.
type Endpoint = (Option<String>, Option<u16>);

impl Reader<'_> {
    fn entry(&mut self, table: &dyn TableLike, left: &str, item: &Item) -> Result<()> {
        let left_span = table.key(left).and_then(toml_edit::Key::span).unwrap_or(0..0);
        let names = nodeset::expand_in_order(left).map_err(|error| set_error(self.source, &left_span, left, error))?;
        if names.is_empty() {
            return Err(self.source.error(left_span, "a node has no name").hinted("Write a name to the left of `=`."));
        }
        let names = names
            .iter()
            .map(|name| NodeName::new(name))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|refused| self.source.error(left_span.clone(), refused.what).hinted(refused.allowed))?;

        let (right, slots) = self.value(left, item)?;
        let right = right.unwrap_or_else(|| Text { value: left.to_owned(), span: left_span.clone() });
        let addresses = Address::parse_set(&right.value)
            .map_err(|error| set_error(self.source, &right.span, &right.value, error))?;
        if names.len() != addresses.len() {
            return Err(different_sizes(self.source, left, names.len(), &right, addresses.len()));
        }
        for (name, address) in names.into_iter().zip(addresses) {
            self.node(NodeSpec { name, address, slots }, &left_span, &right.span)?;
        }
        Ok(())
    }

    /// The address and the slots of a node's value; without an address, its name is one.
    fn value(&self, left: &str, item: &Item) -> Result<(Option<Text>, Option<u32>)> {
        if let Item::Value(Value::String(text)) = item {
            return Ok((Some(Text { value: text.value().clone(), span: text.span().unwrap_or(0..0) }), None));
        }
        let Some(table) = item.as_table_like() else {
            let message = format!("the node `{}` is an address or a table, not {}", shown(left), section::kind(item));
            return Err(self
                .source
                .error(item.span().unwrap_or(0..0), message)
                .hinted("Write it as \"192.168.1.11\" or { address = \"192.168.1.11\", slots = 4 }."));
        };
        let title = format!("node `{}`", shown(left));
        let dotted = item.as_table().is_some_and(toml_edit::Table::is_dotted);
        let section = Section::of(self.source, title, Some(table), &keys::NODE_KEYS).map_err(|error| {
            if dotted {
                error.hinted("A name with dots stands in quotes: \"client1.example.org\" = \"192.168.1.11\"")
            } else {
                error
            }
        })?;
        let slots = match section.get("slots") {
            None => None,
            Some(Item::Value(Value::Integer(number))) => match u32::try_from(*number.value()) {
                Ok(slots @ 1..=keys::MAX_SLOTS) => Some(slots),
                _ => {
                    return Err(self
                        .source
                        .error(number.span().unwrap_or(0..0), format!("a node cannot have {} slots", number.value()))
                        .hinted(format!(
                            "`slots` is a number from 1 to {}; without it, the node's cores.",
                            keys::MAX_SLOTS
                        )));
                }
            },
            Some(other) => return Err(section.wrong_type("slots", other, "a number")),
        };
        Ok((section.text("address")?, slots))
    }

    fn node(&mut self, node: NodeSpec, left: &Range<usize>, right: &Range<usize>) -> Result<()> {
        if let Some(first) = self.names.insert(node.name.as_str().to_lowercase(), left.clone()) {
            let (line, _) = self.source.position(first.start);
            let message = if first == *left {
                format!("the set has the node `{}` twice", node.name)
            } else {
                format!("the node `{}` is named on line {line} already", node.name)
            };
            return Err(self
                .source
                .error(left.clone(), message)
                .hinted("Each node has one name, and upper and lower case make no difference in host names."));
        }
        let (host, port) = node.address.endpoint();
        let endpoint = (host.map(str::to_lowercase), port);
        if let Some((other, first)) = self.endpoints.get(&endpoint) {
            let (line, _) = self.source.position(first.start);
            let other = &self.nodes[*other].name;
            let message = format!("`{}` has the address of `{other}` (line {line}): {}", node.name, node.address);
            return Err(self.source.error(right.clone(), message).hinted(
                "Every node is a machine of its own. For more processes on one machine, give it more `slots`.",
            ));
        }
        self.endpoints.insert(endpoint, (self.nodes.len(), right.clone()));
        self.nodes.push(node);
        Ok(())
    }
}

/// Points at the character of a node set that is wrong, where the file spells the set without escapes.
fn set_error(source: Source<'_>, span: &Range<usize>, value: &str, error: SyntaxError) -> Error {
    let written = source.text.get(span.clone()).unwrap_or_default();
    let at = match written.find(value) {
        // The first character stands for the whole.
        Some(start) if error.offset > 0 => {
            let at = span.start + start + error.offset;
            at..at + 1
        }
        _ => span.clone(),
    };
    source.error(at, error.what).hinted(error.allowed)
}

fn different_sizes(source: Source<'_>, left: &str, names: usize, right: &Text, addresses: usize) -> Error {
    let count = |number: usize, one: &str, many: &str| {
        if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
    };
    let (left, value) = (shown(left), shown(&right.value));
    let message = format!(
        "`{left}` names {}, but \"{value}\" has {}",
        count(names, "node", "nodes"),
        count(addresses, "address", "addresses")
    );
    let error = source.error(right.span.clone(), message);
    match example(&right.value, names) {
        Some(example) if addresses == 1 => error.hinted(format!(
            "Every node is a machine of its own: write as many addresses as names, for example \"{example}\"."
        )),
        _ => error
            .hinted("The sets on both sides have the same number of members: the first name gets the first address."),
    }
}

/// `192.168.1.[12-19]` for 8 addresses from `192.168.1.12` on.
fn example(address: &str, count: usize) -> Option<String> {
    let start = address.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    let first: usize = address[start..].parse().ok()?;
    if address.contains(['[', ',']) || address[start..].starts_with('0') || address[..start].ends_with(':') {
        return None;
    }
    Some(format!("{}[{first}-{}]", &address[..start], first.checked_add(count)? - 1))
}
