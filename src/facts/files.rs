//! Files and folders that steps ask about, as they are now.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Permission bits in octal, as `stat -c %a` prints them.
    pub mode: String,
    pub owner: String,
    /// `None`: it is a folder.
    pub content: Option<String>,
}

/// By the name that was asked for: absolute, or `~/…` for the home of the cluster's user.
pub type Files = BTreeMap<String, File>;

/// A frame named `file MODE OWNER NAME` (its content ends in an `x` that keeps the last newlines) or `dir MODE OWNER NAME`.
pub fn file(frame: &str, content: &str) -> Option<(String, File)> {
    let mut words = frame.splitn(4, ' ');
    let kind = words.next()?;
    let (mode, owner, name) = (words.next()?.to_owned(), words.next()?.to_owned(), words.next()?.to_owned());
    let content = match kind {
        "file" => Some(content.strip_suffix('x').unwrap_or(content).to_owned()),
        "dir" => None,
        _ => return None,
    };
    Some((name, File { mode, owner, content }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_newlines() {
        let (name, hosts) = file("file 644 root /etc/a b", "one\n\nx").unwrap();
        assert_eq!((name.as_str(), hosts.content.as_deref()), ("/etc/a b", Some("one\n\n")));
        assert_eq!(file("dir 755 mpi ~/MPI", "").unwrap().1.content, None);
        assert_eq!(file("os", ""), None);
    }
}
