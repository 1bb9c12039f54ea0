//! Holds the house of `docs/architecture.md` together: who may use whom, how large a file may grow, and a few lines
//! that must not stand anywhere in the code.

#![allow(clippy::unwrap_used, reason = "a test that cannot look has failed")]

#[path = "house/circles.rs"]
mod circles;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use circles::Sources;

/// Uses within one group of `src/lib.rs`, which otherwise know nothing of each other.
const NEIGHBOURS: &[(&str, &str)] = &[("node", "process"), ("node", "spec"), ("ui", "error")];

/// Beyond this a file holds more than one idea.
const LONGEST: usize = 500;

#[test]
fn dependencies_point_downwards() {
    let groups = groups(&read(Path::new("src/lib.rs")));
    let place = |module: &str| groups.iter().position(|group| group.iter().any(|name| name == module));
    let mut wrong = String::new();
    for path in files("src", &["rs"]) {
        let Some(module) = module_of(&path) else { continue };
        let Some(from) = place(&module) else {
            writeln!(wrong, "{}: src/lib.rs does not list the module `{module}`", path.display()).unwrap();
            continue;
        };
        for (line, used) in uses(&read(&path)) {
            let Some(to) = place(&used) else { continue };
            let neighbour = NEIGHBOURS.contains(&(module.as_str(), used.as_str()));
            if used != module && to <= from && !(to == from && neighbour) {
                let way = if to < from { "stands above it" } else { "stands beside it" };
                writeln!(wrong, "{}:{line}: `{module}` uses `{used}`, which {way} in src/lib.rs", path.display())
                    .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "a module uses only those below it (and {NEIGHBOURS:?}):\n{wrong}");
}

#[test]
fn files_of_a_module_use_each_other_one_way() {
    let wrong: Vec<String> = ["src", "xtask/src"].into_iter().flat_map(|root| Sources::below(root).circles()).collect();
    assert!(wrong.is_empty(), "what both need stands in a third file, or is passed in:\n{}", wrong.join("\n"));
}

#[test]
fn paths_begin_at_the_crate_or_next_door() {
    // `super::super::x` would slip past the tests above, and a reader has to count.
    let wrong = lines_with(&files("src", &["rs"]), |line| line.contains("super::super::"));
    assert!(wrong.is_empty(), "write `crate::…` instead:\n{wrong}");
}

#[test]
fn files_stay_small() {
    let mut wrong = String::new();
    for path in files("src", &["rs"]) {
        let count = read(&path).lines().count();
        if count > LONGEST {
            writeln!(wrong, "{}: {count} lines, {LONGEST} at most", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "split by idea, not by length:\n{wrong}");
}

#[test]
fn every_file_says_what_it_is() {
    let mut wrong = String::new();
    for path in [files("src", &["rs"]), files("xtask/src", &["rs"])].concat() {
        let text = read(&path);
        let header = text.lines().next().and_then(|line| line.strip_prefix("//!"));
        if header.is_none_or(|header| header.trim().is_empty()) {
            writeln!(wrong, "{}:1: no `//!` header", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "the first line says what the module guarantees:\n{wrong}");
}

#[test]
fn no_code_weakens_security() {
    let places = [
        files("src", &["rs", "sh", "py"]),
        files("xtask/src", &["rs"]),
        files("xtask/bench", &["py", "yml", "cfg", "txt"]),
        files("examples", &["rs", "sh", "py"]),
    ];
    let wrong = lines_with(&places.concat(), weakens);
    assert!(wrong.is_empty(), "host keys are pinned, and exports name the cluster's addresses only:\n{wrong}");
}

/// sudo looks in the directories of its secure_path only, and a fresh mpiup is in none of them: `lab::mpiup()` knows.
#[test]
fn nobody_is_told_to_type_what_sudo_does_not_find() {
    let pages =
        [files("docs", &["md"]), files("examples", &["md"]), vec!["README.md".into(), "CONTRIBUTING.md".into()]];
    let texts = [files("src", &["rs"]), pages.concat()].concat();
    let wrong = lines_with(&texts, |line| line.contains("sudo mpiup"));
    assert!(wrong.is_empty(), "say `lab::mpiup()`, or `sudo $(command -v mpiup)` in a page:\n{wrong}");
}

/// Whether a line of code switches host key checks off or exports to the whole world.
fn weakens(line: &str) -> bool {
    let line: String = line.to_lowercase().chars().filter(|c| !" \t\"'=,".contains(*c)).collect();
    let keys = [
        "stricthostkeycheckingno",
        "stricthostkeycheckingoff",
        "userknownhostsfile/dev/null",
        // Ansible's words for it.
        "host_key_checkingfalse",
        "host_key_checkingno",
    ];
    // An export line's client comes right before its options.
    let exports = ["0.0.0.0/0", "::/0(", "*(rw", "*(ro", "*(sync", "*(async"];
    // The system-wide file may be left out, since it is not where keys are pinned.
    let line = line.replace("globalknownhostsfile", "");
    keys.iter().chain(&exports).any(|word| line.contains(word))
}

/// The modules of `src/lib.rs`, highest first; between blank lines stand those of one height.
fn groups(lib: &str) -> Vec<Vec<String>> {
    let mut groups = vec![Vec::new()];
    for line in lib.lines() {
        match line.trim_start_matches("pub ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            Some(module) => groups.last_mut().unwrap().push(module.to_owned()),
            None if line.trim().is_empty() => groups.push(Vec::new()),
            None => {}
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The top module that a file of `src` belongs to; none for the two roots.
fn module_of(path: &Path) -> Option<String> {
    let first = path.components().nth(1)?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(module, "lib" | "main")).then(|| module.to_owned())
}

/// The top modules that a source names by `crate::`, with line numbers.
fn uses(source: &str) -> Vec<(usize, String)> {
    let paths = circles::paths(&without_comments(source)).into_iter();
    let paths = paths.filter(|path| path.words[0] == "crate" && path.words.len() > 1);
    let mut found: Vec<(usize, String)> = paths.map(|mut path| (path.line, path.words.swap_remove(1))).collect();
    found.dedup();
    found
}

/// The same lines without what comments say: they may name what they like.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| if is_comment(line) { "\n".into() } else { format!("{line}\n") }).collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// `file:line: text` of each line of code for which `wrong` holds. Unit tests may hold what is wrong, to look for it.
fn lines_with(files: &[PathBuf], wrong: impl Fn(&str) -> bool) -> String {
    let mut report = String::new();
    for path in files.iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = read(path);
        let code = without_tests(&text);
        let hash = path.extension().is_some_and(|kind| kind != "rs");
        for (number, line) in code.lines().enumerate() {
            let comment = if hash { line.trim_start().starts_with('#') } else { is_comment(line) };
            if !comment && wrong(line) {
                writeln!(report, "{}:{}: {}", path.display(), number + 1, line.trim()).unwrap();
            }
        }
    }
    report
}

fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Files below `folder` with one of these endings, in order; none when there is no such folder.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().and_then(|kind| kind.to_str()).is_some_and(|kind| endings.contains(&kind)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The tests above find nothing when they look wrongly: so these look at what is known.
mod looking {
    use super::*;

    #[test]
    fn finds_the_groups_of_the_crate() {
        let groups = groups("//! Text\n\npub mod commands;\n\npub mod lab;\npub mod sync;\n\n\npub mod error;\n");
        assert_eq!(groups, [vec!["commands"], vec!["lab", "sync"], vec!["error"]]);
        assert_eq!(module_of(Path::new("src/ui/progress/mod.rs")).as_deref(), Some("ui"));
        assert_eq!(module_of(Path::new("src/quote.rs")).as_deref(), Some("quote"));
        assert_eq!(module_of(Path::new("src/main.rs")), None);
    }

    #[test]
    fn finds_uses_in_every_form() {
        let source = "//! crate::commands\nuse crate::{\n    error::{Error, Result},\n    // crate::commands\n    quote,\n};\n\nfn f() { crate::lab::up(); mycrate::x(); }\nuse crate::spec::NodeName;\n";
        let found = uses(source);
        let found: Vec<(usize, &str)> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
        assert_eq!(found, [(3, "error"), (5, "quote"), (8, "lab"), (9, "spec")]);
    }

    #[test]
    fn finds_what_weakens() {
        for line in [
            "  StrictHostKeyChecking no",
            r#".args(["-o", "StrictHostKeyChecking=no"])"#,
            r#""UserKnownHostsFile", "/dev/null""#,
            "host_key_checking = False",
            "/home/mpi/MPI *(rw,sync)",
            "/home/mpi/MPI 0.0.0.0/0(rw)",
        ] {
            assert!(weakens(line), "{line}");
        }
        for line in ["StrictHostKeyChecking yes", "GlobalKnownHostsFile=/dev/null", "/home/mpi/MPI 10.0.0.2(rw,sync)"] {
            assert!(!weakens(line), "{line}");
        }
    }

    #[test]
    fn finds_the_sources() {
        assert!(files("src", &["rs"]).len() > 10);
        assert!(files("xtask/bench", &["py", "yml", "cfg"]).len() > 2);
    }
}
