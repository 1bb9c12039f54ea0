//! The Python interpreter of a node.

use serde::Serialize;

/// What `python3` on a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interpreter {
    /// The real path, links followed.
    pub path: String,
    /// Major and minor version.
    pub version: (u8, u8),
    /// The C library's version where it is glibc; wheels are chosen by it.
    pub glibc: Option<(u32, u32)>,
}

/// Three lines: path, `3.11`, `glibc 2.36`.
pub fn interpreter(text: &str) -> Option<Interpreter> {
    let mut lines = text.lines();
    let path = lines.next()?.to_owned();
    let (major, minor) = lines.next()?.split_once('.')?;
    let libc = lines.next().unwrap_or_default();
    let glibc = libc
        .strip_prefix("glibc ")
        .and_then(|version| version.split_once('.'))
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    Some(Interpreter { path, version: (major.parse().ok()?, minor.parse().ok()?), glibc })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_debian_and_alpine() {
        let debian = interpreter("/usr/bin/python3.11\n3.11\nglibc 2.36\n").unwrap();
        assert_eq!((debian.version, debian.glibc), ((3, 11), Some((2, 36))));
        assert_eq!(interpreter("/usr/bin/python3.12\n3.12\nother\n").unwrap().glibc, None);
        assert_eq!(interpreter(""), None);
    }
}
