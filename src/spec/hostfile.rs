//! Hostfiles as clusters have them already, and as mpiup writes them: Open MPI's and MPICH's.
//!
//! The two do not read each other's form: MPICH stops at `slots=` ("token slots not supported at this time"), and
//! Open MPI takes `n1:4` for a host of that name. So a file has one dialect, and a file of both is refused.
//!
//! What is read is what `mpiexec` would make of it, as far as a spec can hold it; what it cannot hold (bindings,
//! sockets, `max_slots`) is left out and named in [`Hostfile::notes`].
//!
//! Sources: `hostfile_lex.l` and `hostfile.c` of Open MPI 4.1 (orte/util/hostfile) and PRRTE 3 (src/util/hostfile,
//! for Open MPI 5); `HYDU_parse_hostfile` and `HYDU_process_mfile_token` of MPICH 4 (src/pm/hydra/lib/utils/args.c);
//! <https://github.com/pmodels/mpich/blob/main/doc/wiki/how_to/Using_the_Hydra_Process_Manager.md>.

mod line;
mod render;

use std::{collections::HashMap, ops::Range, path::Path};

pub use render::render;

use super::{Address, keys, names, place::Source};
use crate::error::Result;
use line::{Line, Signal};

/// Whose form a hostfile has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `n1 slots=4`
    OpenMpi,
    /// `n1:4`
    Mpich,
    /// Names alone, which both read.
    Plain,
}

/// A host of a hostfile.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HostEntry {
    pub host: String,
    /// How many processes the file lets run there; `None` where it leaves that to the host's cores.
    pub slots: Option<u32>,
    /// The login user, where the file names one.
    pub user: Option<String>,
    /// The port of ssh, which only Open MPI 5 knows (`port=2222`).
    pub port: Option<u16>,
}

impl HostEntry {
    /// How to reach it.
    pub fn address(&self) -> Address {
        Address::Ssh { user: self.user.clone(), host: self.host.clone(), port: self.port }
    }
}

/// What a hostfile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostfile {
    pub dialect: Dialect,
    /// Each host once, in the order in which they come first.
    pub entries: Vec<HostEntry>,
    /// What was left out, as whole sentences that name the line.
    pub notes: Vec<String>,
}

/// Reads a hostfile of either dialect. `file` is the name that errors use.
///
/// # Errors
/// Of wrong use, with line and column: at what neither dialect knows, where the dialects are mixed, for a rankfile,
/// and for a file without hosts.
pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Hostfile> {
    let name = file.as_ref().display().to_string();
    let source = Source { name: &name, text };
    let clean = without_comments(text);
    let mut reader = Reader { source, dialect: None, hosts: Vec::new(), index: HashMap::new(), notes: Vec::new() };
    let mut offset = 0;
    for line in clean.split('\n') {
        if let Some(line) = line::read(source, offset, line)? {
            reader.line(line)?;
        }
        offset += line.len() + 1;
    }
    if reader.hosts.is_empty() {
        return Err(source
            .error(0..0, "this hostfile names no host")
            .hinted("A hostfile has a host on each line: `client1 slots=4` (Open MPI) or `client1:4` (MPICH)."));
    }
    Ok(reader.finish())
}

struct Reader<'a> {
    source: Source<'a>,
    /// The first mark of a dialect, and where.
    dialect: Option<Signal>,
    hosts: Vec<Host>,
    index: HashMap<String, usize>,
    notes: Vec<String>,
}

/// A host and what its lines add up to.
struct Host {
    entry: HostEntry,
    lines: u32,
    counted: u32,
    given: bool,
}

impl Reader<'_> {
    fn line(&mut self, line: Line) -> Result<()> {
        for signal in line.signals {
            self.signal(signal)?;
        }
        let number = self.source.position(line.span.start).0;
        self.notes.extend(line.notes.into_iter().map(|note| format!("line {number}: {note}")));
        let Some(entry) = line.entry else { return Ok(()) };
        let key = entry.host.to_lowercase();
        let index = *self.index.entry(key).or_insert_with(|| {
            self.hosts.push(Host { entry: entry.clone(), lines: 0, counted: 0, given: false });
            self.hosts.len() - 1
        });
        let host = &mut self.hosts[index];
        if host.entry.user.is_some() && entry.user.is_some() && host.entry.user != entry.user {
            let message = format!("the host `{}` has two users", entry.host);
            return Err(self.source.error(line.span, message).hinted("Name the same user on each of its lines."));
        }
        host.entry.user = host.entry.user.take().or(entry.user);
        host.entry.port = host.entry.port.or(entry.port);
        host.lines += 1;
        // A line without a number is one more process, in both dialects.
        host.counted = host.counted.saturating_add(entry.slots.unwrap_or(1));
        host.given |= entry.slots.is_some();
        if host.counted > keys::MAX_SLOTS {
            let message = format!("the lines of `{}` are for {} processes together", entry.host, host.counted);
            return Err(self.source.error(line.span, message).hinted("A host has room for 65535 at most."));
        }
        Ok(())
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        let Some(first) = &self.dialect else {
            self.dialect = Some(signal);
            return Ok(());
        };
        if first.dialect == signal.dialect {
            return Ok(());
        }
        let name = |dialect| if dialect == Dialect::OpenMpi { "Open MPI" } else { "MPICH" };
        let text = |span: &Range<usize>| names::shown(self.source.text.get(span.clone()).unwrap_or_default());
        let (line, _) = self.source.position(first.span.start);
        let message = format!(
            "`{}` is {}'s form, but `{}` on line {line} is {}'s",
            text(&signal.span),
            name(signal.dialect),
            text(&first.span),
            name(first.dialect)
        );
        Err(self.source.error(signal.span, message).hinted(
            "Neither mpiexec reads a file of both. Write all lines as `client1 slots=4` (Open MPI) or as `client1:4` (MPICH).",
        ))
    }

    fn finish(self) -> Hostfile {
        let dialect = self.dialect.map_or(Dialect::Plain, |signal| signal.dialect);
        let entries = self.hosts.into_iter().map(|host| {
            // Open MPI takes the cores of a host that is listed once without a number; MPICH takes one.
            let known = host.given || host.lines > 1 || dialect == Dialect::Mpich;
            HostEntry { slots: known.then_some(host.counted), ..host.entry }
        });
        Hostfile { dialect, entries: entries.collect(), notes: self.notes }
    }
}

/// The text with blanks in place of comments, so that every character keeps its offset: `#` and `//` to the end of the
/// line, and `/* */` over lines, as Open MPI has them (MPICH has `#` alone).
fn without_comments(text: &str) -> String {
    let mut clean = text.as_bytes().to_vec();
    let mut at = 0;
    while at < clean.len() {
        let rest = &text.as_bytes()[at..];
        let length = if rest.starts_with(b"#") || rest.starts_with(b"//") {
            rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            rest.windows(2).skip(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4)
        } else {
            at += 1;
            continue;
        };
        clean[at..at + length].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
        at += length;
    }
    // Whole characters were overwritten: comments begin and end at ASCII characters.
    String::from_utf8_lossy(&clean).into_owned()
}

#[cfg(test)]
mod tests;
