//! What may be a name: of a node, a cluster, a user; and what may be the share's path or a requirement.
//!
//! Each rule is a pure function that says what is wrong with a text and what is allowed instead. Names that pass are
//! safe as a word of a shell, a hostfile, `/etc/hosts`, an ssh configuration and a file name.

use std::fmt;

/// A text that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it, naming it.
    pub what: String,
    /// The rule, as a whole sentence.
    pub allowed: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.allowed.trim_end_matches('.'))
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for crate::error::Error {
    fn from(refused: Refused) -> Self {
        Self::usage(refused.what).hinted(refused.allowed)
    }
}

/// The rule of [`super::NodeName`].
///
/// # Errors
/// When `name` breaks it.
pub fn node(name: &str) -> Result<(), Refused> {
    let refuse = |what: &str| {
        Err(Refused {
            what: format!("`{name}` is not a node's name: {what}"),
            allowed: "A node's name has 1 to 63 letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit.",
        })
    };
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > 63 {
        return refuse("it is longer than 63 characters");
    }
    if let Some(bad) = name.chars().find(|&c| !(c.is_ascii_alphanumeric() || "-_.".contains(c))) {
        return refuse(&format!("it has {}", character(bad)));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return refuse("it begins or ends with a punctuation mark");
    }
    if name.contains("..") {
        return refuse("it has two dots together");
    }
    // getaddrinfo takes `5` for 0.0.0.5 and `10.1` for 10.0.0.1, so that `ssh 5` would never ask for a name.
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()) || part.starts_with("0x");
    if name.split('.').all(number) {
        return refuse("the resolver would take it for an address");
    }
    if name.eq_ignore_ascii_case("localhost") {
        return refuse("on every machine it means that machine itself");
    }
    if HOSTFILE_WORDS.contains(&name) {
        return refuse("it is a keyword of Open MPI's hostfiles");
    }
    Ok(())
}

/// Words that Open MPI's hostfile lexer never takes for a host: `hostfile_lex.l` of Open MPI 4.1 and PRRTE 3.
const HOSTFILE_WORDS: [&str; 12] =
    ["boards", "cores", "count", "cpu", "cpu_set", "port", "rank", "slot", "slots", "sockets", "username", "user_name"];

/// The rule of `[cluster] name`.
///
/// # Errors
/// When `name` breaks it.
pub fn cluster(name: &str) -> Result<(), Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= 32 && name.chars().all(fits) {
        return Ok(());
    }
    Err(Refused {
        what: format!("`{}` is not a cluster's name", shown(name)),
        allowed: "A cluster's name has 1 to 32 letters, digits, `-` and `_`, and begins with a letter or digit.",
    })
}

/// The rule of `[cluster] user`: POSIX's portable user names (letters, digits, `.`, `_`, `-`, not beginning with `-`),
/// within what Debian's useradd(8) takes (at most 32 characters, not digits alone), and not `root`, because Open MPI
/// refuses to run programs as root.
///
/// # Errors
/// When `name` breaks it.
pub fn user(name: &str) -> Result<(), Refused> {
    let refuse = |what: &str| {
        Err(Refused {
            what: format!("`{}` is not a user's name: {what}", shown(name)),
            allowed: "A user's name has 1 to 32 letters, digits, `-`, `_` and `.`; it begins with a letter, a digit or `_`, and is not digits alone.",
        })
    };
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name == "root" {
        return Err(Refused {
            what: "the cluster's user cannot be `root`: MPI programs run as an ordinary user".to_owned(),
            allowed: "Name an ordinary account; mpiup makes it where it is missing. To log in as root, write it into the addresses: \"root@192.168.1.11\".",
        });
    }
    if let Some(bad) = name.chars().find(|&c| !(c.is_ascii_alphanumeric() || "-_.".contains(c))) {
        return refuse(&format!("it has {}", character(bad)));
    }
    if name.starts_with(['-', '.']) {
        return refuse("it begins with a punctuation mark");
    }
    if name.len() > 32 {
        return refuse("it is longer than 32 characters");
    }
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return refuse("it would be taken for a user's number");
    }
    Ok(())
}

/// The rule of `[python] requirements`: one line of a requirements file that names a package, never an option, because
/// an option such as `--index-url` would change where all packages come from.
///
/// # Errors
/// When `line` breaks it.
pub fn requirement(line: &str) -> Result<(), Refused> {
    let refuse = |what: String| {
        Err(Refused {
            what,
            allowed: "A requirement is one package as pip takes it: \"numpy\", \"mpi4py>=4\", \"scipy==1.14.*\".",
        })
    };
    let line = line.trim_start();
    if line.trim_end().is_empty() {
        return refuse("a requirement is empty".to_owned());
    }
    if line.starts_with('-') {
        return refuse(format!("`{}` is an option of pip, not a package", shown(line)));
    }
    if line.starts_with('#') {
        return refuse(format!("`{}` is a comment, not a package", shown(line)));
    }
    if let Some(bad) = line.chars().find(|c| c.is_control()) {
        return refuse(format!("the requirement `{}` has {}", shown(line), character(bad)));
    }
    Ok(())
}

/// A share's path in its shortest form: without trailing or doubled slashes and without `.` parts.
///
/// # Errors
/// When it could lead out of its place, or when sharing that folder would break the nodes or carry private keys.
pub fn share_path(path: &str) -> Result<String, Refused> {
    let refuse = |what: &str| {
        Err(Refused {
            what: format!("`{}` cannot be the shared folder: {what}", shown(path)),
            allowed: "A share's path is relative, under the home of the cluster's user (\"MPI\"), or absolute (\"/srv/mpi\"), without `..`.",
        })
    };
    if let Some(bad) = path.chars().find(|c| c.is_control()) {
        return refuse(&format!("it has {}", character(bad)));
    }
    if path.starts_with('~') {
        return refuse("a path without `/` at its beginning is under the home already");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return refuse("it has `..`");
    }
    let short = parts.join("/");
    match (path.starts_with('/'), parts.first()) {
        (true, None) => refuse("it is the root of the file system"),
        (false, None) => refuse("it is the whole home, with its keys and settings"),
        (true, Some(&first)) => {
            if SYSTEM.contains(&first) || (parts.len() == 1 && TOP.contains(&first)) {
                return refuse("it belongs to the system");
            }
            Ok(format!("/{short}"))
        }
        (false, Some(&first)) if PRIVATE.contains(&first) => refuse("private keys never travel between machines"),
        (false, Some(_)) => Ok(short),
    }
}

/// Folders of the system in which nothing is shared.
const SYSTEM: [&str; 12] =
    ["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys"];
/// Folders that are not shared as a whole.
const TOP: [&str; 9] = ["home", "media", "mnt", "opt", "root", "srv", "tmp", "usr", "var"];
/// Folders of a home that hold keys.
const PRIVATE: [&str; 2] = [".ssh", ".gnupg"];

/// How a message names a character that may be invisible.
pub(crate) fn character(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        '\t' => "a tab".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// `text` for a message: cut when long, and without characters that would act on the terminal.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if short.len() < text.len() && text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names() {
        for good in ["n", "master", "client1", "1node", "n001", "node-7_a", "login.example.org", "r1n1", "10gb"] {
            assert_eq!(node(good), Ok(()), "{good}");
        }
        let long = "n".repeat(64);
        for bad in ["", "-n", "n-", ".n", "n.", "a..b", "a b", "ñ", "a\nb", "n/1", "n:1", "n@1", "n;1", "5", "10.1"] {
            assert!(node(bad).is_err(), "{bad}");
        }
        for bad in ["192.168.1.10", "0x7f", "localhost", "LocalHost", "slots", long.as_str()] {
            assert!(node(bad).is_err(), "{bad}");
        }
        assert_eq!(
            node("a b").unwrap_err().to_string(),
            "`a b` is not a node's name: it has a space (A node's name has 1 to 63 letters, digits, `-`, `_` and `.`, \
             and begins and ends with a letter or digit)"
        );
    }

    #[test]
    fn user_names() {
        for good in ["mpi", "_mpi", "maria.lopez", "Ubuntu", "1abc", "a-b"] {
            assert_eq!(user(good), Ok(()), "{good}");
        }
        for bad in ["", "root", "-mpi", ".mpi", "1000", "a b", "a:b", "a/b", "~a", "+a", "ñandu", "a$(id)", "a\n"] {
            assert!(user(bad).is_err(), "{bad}");
        }
        assert!(user(&"u".repeat(33)).is_err());
    }

    #[test]
    fn cluster_names() {
        for good in ["aula", "lab-2", "A_1"] {
            assert_eq!(cluster(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a b", "a/b", "..", "a.b", "año"] {
            assert!(cluster(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn share_paths() {
        assert_eq!(share_path("MPI").unwrap(), "MPI");
        assert_eq!(share_path("./aula//MPI/").unwrap(), "aula/MPI");
        assert_eq!(share_path("/srv/mpi/").unwrap(), "/srv/mpi");
        assert_eq!(share_path("..hidden/a b").unwrap(), "..hidden/a b");
        for bad in ["", ".", "/", "a/../b", "..", "~/MPI", "a\nb", "/etc/mpi", "/home", "/usr/", ".ssh", "./.ssh/x"] {
            assert!(share_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn requirements() {
        for good in ["mpi4py", "numpy>=2", "x[extra]==1; python_version < '3.12'", "git+https://example.org/x"] {
            assert_eq!(requirement(good), Ok(()), "{good}");
        }
        for bad in ["", "  ", "-r other.txt", " --index-url=http://x", "# x", "numpy\n--pre"] {
            assert!(requirement(bad).is_err(), "{bad}");
        }
    }
}
