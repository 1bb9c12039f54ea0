//! Which files a node lacks, from what stands there. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::LocalFile;

/// What a node is to get.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Paths of files that are missing there or differ, sorted.
    pub files: BTreeSet<String>,
    /// Paths that somebody else put there or changed: left as they are.
    pub theirs: Vec<String>,
}

/// A node's answer, as `ask.sh` prints it: `sha256sum`'s lines, `== kinds`, `stat`'s, `== noted`, the list of the journal.
#[derive(Debug, Default)]
pub struct Seen {
    hashes: HashMap<String, String>,
    /// The mode as stat(2) has it, file type included.
    modes: HashMap<String, u32>,
    /// Hash and path of everything that mpiup ever put there.
    noted: HashSet<(String, String)>,
}

/// The bits of a mode that tell the type, and those of a regular file (inode(7)).
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

impl Seen {
    /// None when the answer was cut off.
    pub fn parse(answer: &str) -> Option<Seen> {
        let mut seen = Seen::default();
        let mut lines = answer.lines();
        for line in lines.by_ref().take_while(|line| *line != "== kinds") {
            // `\HASH  PATH` when backslashes of the path are doubled.
            let (line, escaped) = line.strip_prefix('\\').map_or((line, false), |rest| (rest, true));
            let (hash, path) = line.split_once("  ")?;
            let path = if escaped { path.replace("\\\\", "\\") } else { path.to_owned() };
            seen.hashes.insert(path, hash.to_owned());
        }
        for line in lines.by_ref().take_while(|line| *line != "== noted") {
            let (mode, path) = line.split_once(' ')?;
            seen.modes.insert(path.to_owned(), u32::from_str_radix(mode, 16).ok()?);
        }
        let mut ended = false;
        for line in lines {
            ended = line == "== end";
            if let Some((hash, path)) = line.split_once(' ') {
                seen.noted.insert((hash.to_owned(), path.to_owned()));
            }
        }
        ended.then_some(seen)
    }

    /// What this node is to get of `files`; with `force`, also in place of what is not ours.
    pub fn wants(&self, files: &[LocalFile], force: bool) -> Wanted {
        let mut wanted = Wanted::default();
        for file in files {
            match self.judge(file) {
                Verdict::Have => {}
                Verdict::Want => {
                    wanted.files.insert(file.path.clone());
                }
                Verdict::Theirs if force => {
                    wanted.files.insert(file.path.clone());
                }
                Verdict::Theirs => wanted.theirs.push(file.path.clone()),
            }
        }
        wanted
    }

    fn judge(&self, file: &LocalFile) -> Verdict {
        if parents(&file.path).any(|parent| self.is_theirs(parent)) {
            return Verdict::Theirs;
        }
        let Some(mode) = self.modes.get(&file.path) else { return Verdict::Want };
        if mode & TYPE != REGULAR {
            return Verdict::Theirs;
        }
        let same = self.hashes.get(&file.path) == Some(&file.sha256);
        if same && (mode & 0o100 != 0) == file.executable {
            return Verdict::Have;
        }
        if self.is_noted(&file.path) { Verdict::Want } else { Verdict::Theirs }
    }

    /// Something stands where a folder is to be, and it is not what mpiup put there.
    fn is_theirs(&self, parent: &str) -> bool {
        self.modes.get(parent).is_some_and(|mode| mode & TYPE != FOLDER) && !self.is_noted(parent)
    }

    /// What stands there is what mpiup put there at some time.
    fn is_noted(&self, path: &str) -> bool {
        self.hashes.get(path).is_some_and(|now| self.noted.contains(&(now.clone(), path.to_owned())))
    }
}

enum Verdict {
    Have,
    Want,
    Theirs,
}

/// `a/b/c` → `a`, `a/b`
pub fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, sha256: &str, executable: bool) -> LocalFile {
        LocalFile { path: path.into(), sha256: sha256.into(), bytes: 1, executable }
    }

    const ANSWER: &str = "aa  same.py\nbb  old.py\ncc  theirs.py\naa  tool\n\\dd  back\\\\slash\nee  was a file\n\
        == kinds\n81a4 same.py\n81a4 old.py\n81a4 theirs.py\n81a4 tool\n81a4 back\\slash\n81a4 was a file\n41ed folder\n81a4 blocked\n\
        == noted\naa same.py\nbb old.py\naa tool\nee was a file\n== end\n";

    #[test]
    fn each_file_is_judged() {
        let seen = Seen::parse(ANSWER).unwrap();
        let files = [
            file("same.py", "aa", false),
            file("old.py", "a1", false),
            file("theirs.py", "a2", false),
            file("new.py", "a3", false),
            file("tool", "aa", true),
            file("back\\slash", "dd", false),
            file("was a file/x", "a4", false),
            file("blocked/x", "a5", false),
            file("folder", "a6", false),
            file("folder/x", "a7", false),
        ];
        let wanted = seen.wants(&files, false);
        let expected = ["folder/x", "new.py", "old.py", "tool", "was a file/x"];
        assert_eq!(wanted.files.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        assert_eq!(wanted.theirs, ["theirs.py", "blocked/x", "folder"]);
        assert!(seen.wants(&files, true).files.contains("theirs.py"));
    }

    #[test]
    fn a_cut_off_answer_is_none() {
        let whole = "== kinds\n== noted\n== end\n";
        assert!(Seen::parse(whole).is_some());
        for end in [0, 5, 12, whole.len() - 2] {
            assert!(Seen::parse(&whole[..end]).is_none(), "{end}");
        }
    }
}
