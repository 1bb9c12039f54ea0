//! Reads `mpiup.toml`: text in, [`Spec`] out, or one error that points at line and column and says what is allowed.
//!
//! Guarantee: a `Spec` from here keeps every promise of the types' comments: the head is one of the nodes, names and
//! addresses are unique, every name is safe as a word of a shell. Not checked here: anything that needs a machine or
//! another file, such as whether `[ssh] config` exists.
//!
//! The reference of the file for people is docs/mpiup.toml.md.

mod nodes;
mod section;

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use toml_edit::{Document, Item, TableLike};

use super::{
    Flavour, NodeName, NodeSpec, Share, ShareKind, Source as MpiSource, Spec,
    keys::{self, listed},
    names, nodeset,
    place::Source,
    suggest::nearest,
};
use crate::error::{Context, Error, Result};
use section::{Section, Text};

/// Reads and parses the file.
///
/// # Errors
/// When it cannot be read within [`READING`], is larger than [`MAX_BYTES`], or [`parse`] refuses it.
pub fn load(path: &Path) -> Result<Spec> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let source = Source { name: &path.display().to_string(), text: &valid };
        source.error(valid.len()..valid.len(), "the text is not UTF-8").hinted("Save the file in the encoding UTF-8.")
    })?;
    parse(&text, path)
}

/// A larger file is no spec: 100,000 nodes on a line each fit.
pub const MAX_BYTES: u64 = 16 << 20;
/// A pipe into which nobody writes, or a file on a server that is gone, would keep a command for ever.
const READING: Duration = Duration::from_secs(10);

/// The whole file, which may be a pipe (`-C <(...)`).
fn read(path: &Path) -> Result<Vec<u8>> {
    let reading = || format!("the spec {} cannot be read", path.display());
    let (sender, receiver) = mpsc::channel();
    let own = path.to_owned();
    // Nothing ends a thread that hangs in the kernel but the end of the process.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = File::open(own).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        sender.send(read.map(|_| bytes))
    });
    let answer = receiver.recv_timeout(READING).map_err(|_| {
        Error::failed(reading()).because(format!("it did not come to its end within {} s", READING.as_secs())).hinted(
            format!(
                "`ls -l {}` shows what it is: mpiup reads a file, or a pipe into which something writes.",
                quoted(path)
            ),
        )
    })?;
    let bytes = answer.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => format!("`ls -l {}` shows who may read it.", quoted(path)),
            _ => "Name the file itself: -C FILE".to_owned(),
        };
        Error::failed(reading()).because(error).hinted(hint)
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::failed(reading())
            .because(format!("it has more than {MAX_BYTES} bytes"))
            .hinted("Name the file itself: -C FILE"));
    }
    Ok(bytes)
}

fn quoted(path: &Path) -> String {
    crate::quote::sh(&path.display().to_string())
}

/// The spec that `text` describes. `file` is the name that errors use; a relative `[ssh] config` begins at its folder.
///
/// # Errors
/// Of wrong use, with file, line, column, the line with a caret, and what is allowed there.
pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Spec> {
    let file = file.as_ref();
    let name = file.display().to_string();
    let source = Source { name: &name, text };
    let document = Document::parse(text).map_err(|error| not_toml(source, &error))?;
    let sections = Sections::of(&document, source)?;

    let nodes = nodes::read(&sections)?;
    let cluster = sections.section("cluster")?;
    let share = sections.section("share")?;
    let mpi = sections.section("mpi")?;
    Ok(Spec {
        name: checked(&cluster, "name", names::cluster)?.unwrap_or_else(|| keys::DEFAULT_NAME.to_owned()),
        user: checked(&cluster, "user", names::user)?.unwrap_or_else(|| keys::DEFAULT_USER.to_owned()),
        head: head(&cluster, &nodes)?,
        set_host_names: cluster.boolean("set_host_names")?.unwrap_or(false),
        ssh_config: ssh_config(&sections.section("ssh")?, file)?,
        nodes,
        share: Share {
            kind: share.choice("kind", &SHARE_KINDS)?.unwrap_or(ShareKind::Sync),
            path: match share.text("path")? {
                Some(text) => names::share_path(&text.value).map_err(|refused| share.refuse(&text, refused))?,
                None => keys::DEFAULT_SHARE_PATH.to_owned(),
            },
        },
        flavour: mpi.choice("flavour", &FLAVOURS)?.unwrap_or(Flavour::Openmpi),
        source: mpi.choice("source", &SOURCES)?.unwrap_or(MpiSource::Wheels),
        requirements: requirements(&sections.section("python")?)?,
    })
}

fn not_toml(source: Source<'_>, error: &toml_edit::TomlError) -> Error {
    let span = error.span().unwrap_or(0..0);
    let what: Vec<&str> = error.message().lines().filter(|line| *line != "expected nothing").collect();
    let line_start = source.text[..span.start.min(source.text.len())].rfind('\n').map_or(0, |at| at + 1);
    let line = source.text[line_start..].lines().next().unwrap_or_default().trim();
    let (left, right) = line.split_once('=').unwrap_or((line, ""));
    let error = source.error(span, format!("this is not TOML: {}", what.join(", ")));
    if !line.starts_with('[') && left.contains(['[', ',']) && !left.contains(['"', '\'']) {
        return error.hinted(format!("A node set stands in quotes: \"{}\" = ...", names::shown(left.trim())));
    }
    let bare = right.split('#').next().unwrap_or_default().trim();
    if !bare.is_empty() && !bare.contains(['"', '\'', '[', '{']) {
        return error.hinted(format!(
            "A text stands in quotes: {} = \"{}\"",
            names::shown(left.trim()),
            names::shown(bare)
        ));
    }
    error
}

/// The words of the file for each value; [`super::write`] uses them in the other direction.
pub(super) const SHARE_KINDS: [(&str, ShareKind); 3] =
    [("nfs", ShareKind::Nfs), ("sync", ShareKind::Sync), ("existing", ShareKind::Existing)];
pub(super) const FLAVOURS: [(&str, Flavour); 2] = [("openmpi", Flavour::Openmpi), ("mpich", Flavour::Mpich)];
pub(super) const SOURCES: [(&str, MpiSource); 3] =
    [("distro", MpiSource::Distro), ("wheels", MpiSource::Wheels), ("existing", MpiSource::Existing)];

/// The file's tables, none of them unknown.
struct Sections<'a> {
    document: &'a Document<&'a str>,
    source: Source<'a>,
}

impl<'a> Sections<'a> {
    fn of(document: &'a Document<&'a str>, source: Source<'a>) -> Result<Self> {
        for (name, item) in document.iter() {
            if keys::SECTIONS.contains(&name) {
                continue;
            }
            let span = document.key(name).and_then(toml_edit::Key::span).unwrap_or(0..0);
            return Err(unknown_at_top(
                source.error(span, format!("unknown {} `{}`", kind(item), names::shown(name))),
                name,
            ));
        }
        Ok(Self { document, source })
    }

    /// The section of that name; without it, one that has no keys.
    fn section(&self, name: &'static str) -> Result<Section<'a>> {
        let table = self.table(name)?.map(|(table, _)| table);
        Section::of(self.source, format!("[{name}]"), table, &keys::of_section(name))
    }

    fn table(&self, name: &'static str) -> Result<Option<(&'a dyn TableLike, std::ops::Range<usize>)>> {
        let Some((key, item)) = self.document.get_key_value(name) else { return Ok(None) };
        let span = item.span().or_else(|| key.span()).unwrap_or(0..0);
        match item.as_table_like() {
            Some(table) => Ok(Some((table, span))),
            None => Err(self
                .source
                .error(span, format!("`{name}` is a section, not {}", section::kind(item)))
                .hinted(format!("Begin it with a line `[{name}]`."))),
        }
    }
}

fn kind(item: &Item) -> &'static str {
    if item.is_table() || item.is_array_of_tables() { "section" } else { "key" }
}

/// A key that somebody wrote above the first section belongs into one.
fn unknown_at_top(error: Error, name: &str) -> Error {
    if let Some(key) = keys::KEYS.iter().find(|key| key.name == name) {
        return error.hinted(format!("`{name}` belongs into the section [{}].", key.section));
    }
    let error = match nearest(name, keys::SECTIONS) {
        Some(section) => error.hinted(format!("Did you mean [{section}]?")),
        None => error,
    };
    error.hinted(format!("The sections are {}.", listed(keys::SECTIONS.map(|s| s), '`')))
}

fn checked(section: &Section<'_>, key: &str, rule: fn(&str) -> Result<(), names::Refused>) -> Result<Option<String>> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    rule(&text.value).map_err(|refused| section.refuse(&text, refused))?;
    Ok(Some(text.value))
}

/// The head as the file names it; without that, the first node.
fn head(cluster: &Section<'_>, nodes: &[NodeSpec]) -> Result<NodeName> {
    let Some(Text { value, span }) = cluster.text("head")? else {
        // nodes::read refuses a file without nodes.
        return nodes.first().map(|node| node.name.clone()).ok_or_else(|| Error::usage("the spec names no node"));
    };
    if let Some(node) = nodes.iter().find(|node| node.name.as_str() == value) {
        return Ok(node.name.clone());
    }
    let error = cluster.source.error(span, format!("the head `{}` is not one of the nodes", names::shown(&value)));
    let error = match nearest(&value, nodes.iter().map(|node| node.name.as_str())) {
        Some(name) => error.hinted(format!("Did you mean \"{name}\"?")),
        None => error,
    };
    let all = nodeset::fold(nodes.iter().map(|node| node.name.as_str()));
    Err(error.hinted(format!("The nodes are {}.", names::shown(&all))))
}

fn ssh_config(ssh: &Section<'_>, file: &Path) -> Result<Option<PathBuf>> {
    let Some(Text { value, span }) = ssh.text("config")? else { return Ok(None) };
    if value.is_empty() || value.contains(char::is_control) {
        return Err(ssh.source.error(span, "this is not the path of a file").hinted(
            "Name a file that `ssh -F` takes: \"ssh_config\" (beside this file), \"~/.ssh/lab\", \"/etc/ssh/lab\".",
        ));
    }
    if let Some(rest) = value.strip_prefix("~/") {
        let home = etcetera::home_dir().context(|| format!("finding the home for `{value}` in {}", file.display()))?;
        return Ok(Some(home.join(rest)));
    }
    Ok(Some(file.parent().unwrap_or(Path::new("")).join(value)))
}

fn requirements(python: &Section<'_>) -> Result<Vec<String>> {
    let Some(lines) = python.texts("requirements")? else {
        return Ok(keys::DEFAULT_REQUIREMENTS.map(str::to_owned).to_vec());
    };
    for line in &lines {
        names::requirement(&line.value).map_err(|refused| python.refuse(line, refused))?;
    }
    Ok(lines.into_iter().map(|line| line.value.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests;
