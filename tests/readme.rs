//! What the documents tell people to type exists: verbs, options, links, shell; and what needs no machine is run.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts programs as a user does"
)]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::{CommandFactory as _, Parser as _};
use mpiup::{
    commands::Cli,
    spec::keys::{KEYS, NODE_KEYS},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Programs of others that the documents may name at a prompt.
const OTHERS: &[&str] = &["cd", "mpiexec", "ssh"];

/// Every page that people read, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let named = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md"];
    let mut pages: Vec<PathBuf> = named.iter().map(|name| Path::new(ROOT).join(name)).collect();
    pages.extend(docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    pages.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// Kind and content of every fenced block.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((kind, content.join("\n")));
        }
    }
    found
}

/// What is typed at the prompts of a block, without comments.
fn typed(block: &str) -> Vec<Vec<String>> {
    let command = |line: &str| line.strip_prefix("$ ").or(line.split_once("$ ").map(|(_, command)| command)).map(words);
    block.lines().filter_map(command).collect()
}

/// A line of shell as its words, up to a comment. Only single quotes, as the documents use them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() => break,
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What is wrong with a command, as far as it is ours.
fn fault(argv: &[String]) -> Option<String> {
    let argv: Vec<&str> = argv.iter().map(String::as_str).skip_while(|word| *word == "sudo").collect();
    let whole = argv.join(" ");
    match argv.as_slice() {
        ["mpiup", ..] => Cli::try_parse_from(&argv).err().map(|error| error.to_string()),
        ["./hello", ..] => None,
        ["cargo", "run", "--release", "--", rest @ ..] => {
            Cli::try_parse_from([&["mpiup"], rest].concat()).err().map(|error| error.to_string())
        }
        ["cargo", "xtask", verb, ..] => {
            let verbs = fs::read_to_string(Path::new(ROOT).join("xtask/src/main.rs")).unwrap();
            let known = verbs.contains(&format!("(\"{verb}\", ")) || verbs.contains(&format!("\"{verb}\",\n"));
            (!known).then(|| format!("xtask has no verb {verb}"))
        }
        ["cargo", "build" | "install", ..] => None,
        [program, ..] if OTHERS.contains(program) => None,
        _ => Some(format!("nobody knows this command: {whole}")),
    }
}

#[test]
fn every_command_at_a_prompt_can_be_typed() {
    let mut count = 0;
    for (page, text) in pages() {
        for (_, block) in blocks(&text).iter().filter(|(kind, _)| *kind == "console") {
            for argv in typed(block) {
                count += 1;
                assert_eq!(fault(&argv), None, "{}: {}", page.display(), argv.join(" "));
            }
        }
    }
    assert!(count > 25, "{count} commands were found");
}

#[test]
fn every_verb_and_option_in_running_text_exists() {
    let cli = Cli::command();
    let mut count = 0;
    for (page, text) in pages() {
        for code in text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("mpiup ")) {
            let mut command = &cli;
            for word in code.split(' ').skip(1) {
                if let Some(verb) = command.find_subcommand(word) {
                    command = verb;
                } else if let Some(option) = word.strip_prefix("--") {
                    let name = option.split('=').next().unwrap();
                    let known = command.get_arguments().chain(cli.get_arguments());
                    let known: Vec<&str> = known.filter_map(clap::Arg::get_long).chain(["help", "version"]).collect();
                    assert!(known.contains(&name), "{}: `{code}`: no option --{name}", page.display());
                } else {
                    let is_verb = command.has_subcommands() && word != "VERB" && word != "…";
                    assert!(!is_verb, "{}: `{code}`: no verb {word}", page.display());
                    // From here on it is the program's own, or a value.
                    break;
                }
            }
            count += 1;
        }
    }
    assert!(count > 20, "{count} commands were found");
}

/// `mpi` is the account that mpiup makes: who follows an example logs in as somebody else.
#[test]
fn no_example_logs_in_as_the_account_that_init_has_yet_to_hear_of() {
    let mut init = Cli::command().find_subcommand("init").unwrap().clone();
    let helps = [Cli::command().render_long_help().to_string(), init.render_long_help().to_string()];
    let mut count = 0;
    for text in pages().into_iter().map(|(_, text)| text).chain(helps) {
        for line in text.lines().filter(|line| line.contains("mpiup init ")) {
            count += 1;
            assert!(!line.contains("mpi@"), "{line}");
        }
    }
    assert!(count > 8, "{count} examples were found");
}

/// `key = value` in running text, as a reader would write it into mpiup.toml.
#[test]
fn every_key_in_running_text_exists() {
    let mut count = 0;
    for (page, text) in pages() {
        let running: Vec<&str> = text.split("```").step_by(2).collect();
        for code in running.iter().flat_map(|text| text.split('`').skip(1).step_by(2)) {
            let Some((name, value)) = code.split_once(" = ").filter(|_| !code.starts_with('{')) else { continue };
            count += 1;
            let place = format!("{}: `{code}`", page.display());
            if NODE_KEYS.contains(&name) {
                continue;
            }
            let key = KEYS.iter().find(|key| key.name == name);
            let key = key.unwrap_or_else(|| panic!("{place}: no key {name}"));
            let is_value = key.values.is_empty() || key.values.contains(&value.trim_matches('"'));
            assert!(is_value, "{place}: {name} takes {:?}", key.values);
        }
    }
    assert!(count > 10, "{count} keys were found");
}

/// The table of modules goes from top to bottom, as `src/lib.rs` does, whose order is held by `tests/house.rs`.
#[test]
fn the_architecture_lists_the_modules_in_their_order() {
    let lib = fs::read_to_string(Path::new(ROOT).join("src/lib.rs")).unwrap();
    let modules: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let page = fs::read_to_string(Path::new(ROOT).join("docs/architecture.md")).unwrap();
    let (_, table) = page.split_once("| `main.rs` |").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with("| `"));
    let listed: Vec<&str> = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert_eq!(listed, modules);
}

/// Whoever looks at a journal finds nothing in it that its page does not name.
#[test]
fn every_file_of_a_journal_is_described() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/journal.md")).unwrap();
    let mut count = 0;
    for script in fs::read_dir(Path::new(ROOT).join("src/changes/sh")).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&script).unwrap();
        for folder in ["$draft/", "$entry/", "$mpiup_state/"] {
            for rest in text.split(folder).skip(1) {
                let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_' || c == '.')).unwrap_or(rest.len());
                // `words.$$`: the number of a process follows.
                let name = rest[..end].trim_end_matches('.');
                if name.is_empty() {
                    continue;
                }
                count += 1;
                let is_there = page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}/`"));
                assert!(is_there, "{}: {folder}{name} does not stand in docs/journal.md", script.display());
            }
        }
    }
    assert!(count > 80, "{count} names were found");
}

#[test]
fn shell_in_the_documents_is_shell() {
    let mut count = 0;
    for (page, text) in pages() {
        for (_, block) in blocks(&text).iter().filter(|(kind, _)| *kind == "sh") {
            let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
            shell.stdin.take().unwrap().write_all(block.as_bytes()).unwrap();
            assert!(shell.wait().unwrap().success(), "{}:\n{block}", page.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn links_lead_somewhere() {
    for (page, text) in pages() {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            if path.contains("://") {
                continue;
            }
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link}", page.display());
            if let Some(anchor) = anchor {
                let text = fs::read_to_string(&target).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(headings.any(|heading| slug(heading) == anchor), "{}: {link}", page.display());
            }
        }
    }
}

/// As GitHub makes an anchor of a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// README's "On this computer alone": its commands are run as they stand, one after the other.
#[test]
fn what_needs_no_machine_is_run() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with("On this computer alone")).unwrap();
    let commands: Vec<Vec<String>> = blocks(section).iter().flat_map(|(_, block)| typed(block)).collect();
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(ROOT).join("examples"), &folder.path().join("examples"));
    let mut ran = 0;
    for argv in commands.iter().filter(|argv| argv[0] == "mpiup") {
        let output = Command::new(env!("CARGO_BIN_EXE_mpiup")).args(&argv[1..]).current_dir(folder.path()).output();
        let output = output.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {}\n{out}{err}", argv.join(" "), output.status);
        ran += 1;
    }
    assert!(ran >= 3, "{commands:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn words_are_split_as_a_shell_would() {
    assert_eq!(words("mpiup exec 'df -h | tail'  # all nodes"), ["mpiup", "exec", "df -h | tail"]);
    assert_eq!(words("a#b ''"), ["a#b", ""]);
}
