//! Which file of a crate uses which other one, and where that goes round in a circle.
//!
//! Seen are paths, however they are written. Not seen: methods of a type whose `impl` stands in another file than the type.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use super::{files, read, without_comments, without_tests};

/// A place in the tree of modules: `["lab", "vm", "image"]`; that of the crate's root is empty.
type Place = Vec<String>;

/// The files that each one uses, and where it does so first.
type Uses = BTreeMap<Place, BTreeMap<Place, String>>;

/// All files of one crate.
pub struct Sources {
    all: Vec<Source>,
    places: BTreeSet<Place>,
    /// What `use` makes known in a file, by the name that it has there. In a parent its children see it too.
    names: BTreeMap<Place, BTreeMap<String, Place>>,
}

struct Source {
    place: Place,
    file: PathBuf,
    text: String,
}

impl Sources {
    /// Those in a folder, without tests: they may look at everything.
    pub fn below(root: &str) -> Self {
        let paths = files(root, &["rs"]).into_iter().filter(|path| !path.to_string_lossy().ends_with("tests.rs"));
        let read = |file: PathBuf| Source { place: place_of(&file, root), text: read(&file), file };
        Self::of(paths.map(read).collect())
    }

    fn of(mut all: Vec<Source>) -> Self {
        for source in &mut all {
            source.text = without_comments(without_tests(&source.text));
        }
        let places = all.iter().map(|source| source.place.clone()).collect();
        let mut sources = Self { all, places, names: BTreeMap::new() };
        for source in &sources.all {
            let used = paths(&source.text).into_iter().filter(|path| path.is_use);
            let meant = |path: Named| Some((path.name, sources.absolute(&source.place, &path.words)?));
            let names: BTreeMap<String, Place> = used.filter_map(meant).collect();
            sources.names.entry(source.place.clone()).or_default().extend(names);
        }
        sources
    }

    /// A module and what is below it count as one: that they use each other is no news.
    fn uses(&self) -> Uses {
        let mut found = Uses::new();
        for Source { place, file, text } in &self.all {
            for path in paths(text) {
                let Some(used) = self.absolute(place, &path.words).map(|path| self.file_of(&path, 0)) else { continue };
                if !place.starts_with(&used) && !used.starts_with(place) {
                    let first = || format!("{}:{}", file.display(), path.line);
                    found.entry(place.clone()).or_default().entry(used).or_insert_with(first);
                }
            }
        }
        found
    }

    /// A few lines for each circle.
    pub fn circles(&self) -> Vec<String> {
        let uses = self.uses();
        let mut found = BTreeMap::new();
        for circle in uses.keys().filter_map(|start| circle(start, &uses)) {
            let mut members = circle.clone();
            members.sort();
            let next = circle.iter().cycle().skip(1);
            let steps = circle
                .iter()
                .zip(next)
                .map(|(from, to)| format!("{}: `{}` uses `{}`", uses[*from][*to], from.join("::"), to.join("::")));
            found.entry(members).or_insert_with(|| steps.collect::<Vec<_>>().join("\n    "));
        }
        found.into_values().collect()
    }

    /// The path from the root of the crate; none where it leads out of it.
    fn absolute(&self, from: &[String], words: &[String]) -> Option<Place> {
        let (first, rest) = words.split_first()?;
        let start = match first.as_str() {
            "crate" => vec![],
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            _ => {
                let child = [from, std::slice::from_ref(first)].concat();
                let named = || self.names.get(from)?.get(first).cloned();
                if self.places.contains(&child) { child } else { named()? }
            }
        };
        Some([&start, rest].concat())
    }

    /// The file in which that stands which a path from the root means.
    fn file_of(&self, path: &[String], depth: usize) -> Place {
        let mut at = Place::new();
        for (index, word) in path.iter().enumerate() {
            let below = [at.as_slice(), std::slice::from_ref(word)].concat();
            if self.places.contains(&below) {
                at = below;
                continue;
            }
            // Handed on by a `use` there; two that hand on to each other do not compile.
            let meant = self.names.get(&at).and_then(|names| names.get(word)).filter(|_| depth < 8);
            return meant.map_or(at, |meant| self.file_of(&[meant, &path[index + 1..]].concat(), depth + 1));
        }
        at
    }
}

/// The shortest way from this one back to itself.
fn circle<'a>(start: &'a Place, uses: &'a Uses) -> Option<Vec<&'a Place>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for to in uses.get(way[way.len() - 1]).into_iter().flat_map(BTreeMap::keys) {
            if to == start {
                return Some(way);
            }
            if seen.insert(to) {
                ways.push_back([way.as_slice(), &[to]].concat());
            }
        }
    }
    None
}

fn place_of(file: &Path, root: &str) -> Place {
    let path = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let words = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    words.filter(|word| !matches!(word.as_str(), "mod" | "lib" | "main")).collect()
}

/// A path in a source; of `{…}` one for each member.
#[derive(Debug)]
pub struct Named {
    pub line: usize,
    pub words: Vec<String>,
    /// How a `use` calls it from then on.
    name: String,
    is_use: bool,
}

/// All paths of two words and more, and what `use` names.
pub fn paths(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let (mut at, mut line, mut is_use) = (0, 1, false);
    while let Some(c) = code[at..].chars().next() {
        let word = word(&code[at..]);
        if word.is_empty() {
            line += usize::from(c == '\n');
            at += c.len_utf8();
        } else if word == "use" {
            is_use = true;
            at += word.len();
        } else {
            let (length, tree) = tree(&code[at..], is_use);
            let tree = tree.into_iter().filter(|path| is_use || path.words.len() > 1);
            found.extend(tree.map(|path| Named { line: line + path.line, ..path }));
            line += code[at..at + length].matches('\n').count();
            at += length;
            is_use = false;
        }
    }
    found
}

/// The length of what begins here, and its paths; lines are counted from here.
fn tree(text: &str, is_use: bool) -> (usize, Vec<Named>) {
    if text.starts_with('{') {
        return group(text);
    }
    let first = word(text);
    let rest = &text[first.len()..];
    let goes_on = |next: &&str| !word(next).is_empty() || (is_use && next.starts_with('{'));
    let Some(next) = rest.strip_prefix("::").filter(goes_on) else {
        let alias = rest.strip_prefix(" as ").filter(|_| is_use).map(word);
        let length = first.len() + alias.map_or(0, |alias| " as ".len() + alias.len());
        let name = alias.unwrap_or(first).to_owned();
        return (length, vec![Named { line: 0, words: vec![first.to_owned()], name, is_use }]);
    };
    let (length, mut below) = tree(next, is_use);
    for path in &mut below {
        if path.words == ["self"] {
            path.words.clear();
            if path.name == "self" {
                path.name = first.to_owned();
            }
        }
        path.words.insert(0, first.to_owned());
    }
    (first.len() + "::".len() + length, below)
}

/// The same of a `{…}`.
fn group(text: &str) -> (usize, Vec<Named>) {
    let (mut at, mut found) = (1, Vec::new());
    while let Some(c) = text[at..].chars().next() {
        if c == '}' {
            at += 1;
            break;
        }
        if word(&text[at..]).is_empty() {
            at += c.len_utf8();
            continue;
        }
        let line = text[..at].matches('\n').count();
        let (length, below) = tree(&text[at..], true);
        found.extend(below.into_iter().map(|path| Named { line: line + path.line, ..path }));
        at += length;
    }
    (at, found)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// A check that sees no uses finds no circles: so these look at what is known.
mod looking {
    use super::*;

    fn sources(all: &[(&str, &str)]) -> Sources {
        let source = |(file, text): &(&str, &str)| Source {
            place: place_of(Path::new(file), "src"),
            file: file.into(),
            text: (*text).to_owned(),
        };
        Sources::of(all.iter().map(source).collect())
    }

    #[test]
    fn finds_a_circle_however_it_is_written() {
        let root = ("src/m/mod.rs", "mod a;\nmod b;\npub use b::{X, run as run_b};\nuse b::Y;\n");
        let a = [
            "use super::b;",
            "use super::b::{self, X};",
            "use super::{b::X as Z};",
            "use crate::m::b::X;",
            "use crate::{\n    error::Result,\n    m::{\n        b::X,\n    },\n};",
            "fn f() -> super::b::X { todo() }",
            "fn f() { crate::m::b::run::<u8>() }",
            // By the name that the parent has for it.
            "use super::X;",
            "use crate::m::{X};",
            "use super::run_b;",
            "fn f(y: &super::Y) {}",
            // By a name for the parent.
            "use crate::m;\nfn f() { m::b::run() }",
            "use crate::m as all;\nfn f() { all::X::new() }",
        ];
        for a in a {
            let circles = sources(&[root, ("src/m/a.rs", a), ("src/m/b.rs", "\nuse super::a::x;\n")]).circles();
            assert_eq!(circles.len(), 1, "{a}: {circles:?}");
            assert!(circles[0].contains("src/m/b.rs:2: `m::b` uses `m::a`"), "{a}: {circles:?}");
        }
    }

    #[test]
    fn finds_a_circle_of_several_files_and_folders() {
        let circles = sources(&[
            ("src/lab/mod.rs", "mod vm;\nmod state;\nmod start;\n"),
            ("src/lab/vm/mod.rs", "mod boot;\npub use boot::run;\n"),
            ("src/lab/vm/boot.rs", "use crate::lab::{state, start};\n"),
            ("src/lab/state.rs", "use super::start::Cables;\n"),
            ("src/lab/start.rs", "fn f() { super::vm::run() }\n"),
        ])
        .circles();
        let two = "src/lab/start.rs:1: `lab::start` uses `lab::vm::boot`\n    src/lab/vm/boot.rs:1: `lab::vm::boot` uses `lab::start`";
        let three = "src/lab/state.rs:1: `lab::state` uses `lab::start`\n    src/lab/start.rs:1: `lab::start` uses `lab::vm::boot`\n    src/lab/vm/boot.rs:1: `lab::vm::boot` uses `lab::state`";
        assert_eq!(circles, [three, two]);
    }

    #[test]
    fn one_way_is_no_circle() {
        let circles = sources(&[
            ("src/m.rs", "mod a;\nmod b;\npub use b::X;\npub struct Own;\n"),
            ("src/m/a.rs", "use super::{X, Own, b};\nuse std::b::x;\n"),
            (
                "src/m/b.rs",
                "//! Of super::a::x\nuse super::Own;\n// super::a::x\n#[cfg(test)]\nmod tests {\n    use crate::m::a::x;\n}\n",
            ),
        ]);
        assert_eq!(circles.circles(), [""; 0]);
        assert_eq!(circles.uses().len(), 1, "{:?}", circles.uses());
    }

    #[test]
    fn sees_the_uses_of_the_crates() {
        let place = |path: &str| path.split("::").map(str::to_owned).collect::<Place>();
        for (root, from, to) in [
            ("src", "commands::session", "commands::prompter"),
            ("src", "commands::up::settle", "commands::session"),
            ("src", "lab::vm::image_build", "lab::vm::image"),
            // Through `pub use` of the module's own file.
            ("src", "steps::packages", "steps::cluster"),
            ("src", "provision::apply", "provision::fleet"),
            ("xtask/src", "test", "stages"),
        ] {
            let mut sources = Sources::below(root);
            assert!(sources.uses()[&place(from)].contains_key(&place(to)), "{from} uses {to}");
            // One line is enough to close a circle.
            let used = sources.all.iter_mut().find(|source| source.place == place(to)).unwrap();
            used.text.push_str(&format!("use crate::{from};\n"));
            let circles = sources.circles();
            let closed = |circle: &String| circle.contains(&format!("`{to}` uses `{from}`"));
            assert!(circles.iter().any(closed), "{to} and {from}: {circles:?}");
        }
    }
}
