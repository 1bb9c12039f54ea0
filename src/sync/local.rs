//! What lies in the operator's working directory, as far as it belongs on the nodes.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::error::{Context as _, Error, Result};

/// Never mirrored, wherever they lie: version control and caches, which belong to this machine.
const LEFT_OUT: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    "__pycache__",
    "node_modules",
    ".ipynb_checkpoints",
    ".cache",
    ".mypy_cache",
    ".pytest_cache",
];

/// Not mirrored where they lie in the mirrored folder itself: mpiup's own spec, and the hostfile that it writes there.
const OWN: &[&str] = &["mpiup.toml", "hosts"];

/// What makes a folder a Python environment or a cache, whatever its name (PEP 405; <https://bford.info/cachedir/>).
const MARKS: &[&str] = &["pyvenv.cfg", "CACHEDIR.TAG"];

/// More than this is no program but data, which wants a real shared folder.
const MOST_FILES: usize = 10_000;
const MOST_BYTES: u64 = 2 << 30;

/// A file that is to be on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Relative to the mirrored folder, with `/` between.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
    pub executable: bool,
}

/// The regular files below `root`, sorted. Links are followed, to files and to folders (not to one that they lie in);
/// hidden files are mirrored as well, empty folders are not.
///
/// # Errors
/// When the folder is a home or `/`, is too large, cannot be read, or holds a name with a newline.
pub fn files(root: &Path) -> Result<Vec<LocalFile>> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let root_itself = real(root);
    if root_itself == Path::new("/") || etcetera::home_dir().is_ok_and(|home| real(&home) == root_itself) {
        return Err(Error::usage(format!(
            "{} is no folder of programs: all of it would go to every node",
            root.display()
        ))
        .hinted("Go into the folder of your program (`cd my-project`) and type it again there."));
    }
    let mut found = Vec::new();
    walk(root, "", &mut vec![root_itself], &mut found)?;
    let bytes: u64 = found.iter().map(|file| file.bytes).sum();
    if bytes > MOST_BYTES {
        return Err(Error::usage(format!("{} holds {} MB, more than mpiup mirrors", root.display(), bytes >> 20))
            .hinted("Keep large data where every node can read it, and set `share.kind` to \"nfs\" or \"existing\"."));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// `above`: the real paths of the folders that this one lies in, and its own.
fn walk(folder: &Path, below: &str, above: &mut Vec<PathBuf>, found: &mut Vec<LocalFile>) -> Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).context(unreadable)? {
        let entry = entry.context(unreadable)?;
        let (name, path) = (entry.file_name(), entry.path());
        let left_out = |names: &[&str]| names.iter().any(|left_out| name == *left_out);
        // A link that leads nowhere is no file.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if left_out(LEFT_OUT) || (below.is_empty() && left_out(OWN)) || !(metadata.is_dir() || metadata.is_file()) {
            continue;
        }
        let Some(name) = name.to_str().filter(|name| !name.contains('\n')) else {
            return Err(Error::usage(format!("a file in {} has a name that is no text of one line", folder.display()))
                .hinted(format!("Rename it: {:?}", entry.path())));
        };
        let relative = format!("{below}{name}");
        if metadata.is_dir() {
            let real = fs::canonicalize(&path).context(|| format!("{} cannot be read", path.display()))?;
            if above.contains(&real) || MARKS.iter().any(|mark| path.join(mark).exists()) {
                continue;
            }
            above.push(real);
            walk(&path, &format!("{relative}/"), above, found)?;
            above.pop();
        } else {
            if found.len() == MOST_FILES {
                return Err(Error::usage(format!(
                    "there are more than {MOST_FILES} files below the working directory"
                ))
                .hinted("Go into the folder of your program and type it again there, or keep large data where every node can read it."));
            }
            let bytes = metadata.len();
            let executable = metadata.permissions().mode() & 0o100 != 0;
            found.push(LocalFile { path: relative, sha256: sha256(&path)?, bytes, executable });
        }
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).context(|| format!("{} cannot be read", path.display()))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        let read =
            std::io::Read::read(&mut file, &mut block).context(|| format!("{} cannot be read", path.display()))?;
        if read == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&block[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_programs_and_leaves_caches() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("data/__pycache__")).unwrap();
        fs::write(root.path().join("ejemplo ñ.py"), "print()").unwrap();
        fs::write(root.path().join("data/in.csv"), "1,2").unwrap();
        fs::write(root.path().join("data/__pycache__/x.pyc"), "").unwrap();
        fs::write(root.path().join("mpiup.toml"), "").unwrap();
        let found = files(root.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["data/in.csv", "ejemplo ñ.py"]);
        assert_eq!(found[0].sha256, "17f8af97ad4a7f7639a4c9171d5185cbafb85462877a4746c21bdb0a4f940ca0");
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("x"), "x").unwrap();
        fs::create_dir(root.path().join("sub")).unwrap();
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, root.path().join(name)).unwrap();
        link(outside.path(), "folder");
        link(&outside.path().join("x"), "file");
        link(Path::new("nowhere"), "dangling");
        link(root.path(), "sub/up");
        link(Path::new("loop"), "loop");
        let found = files(root.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["file", "folder/x"]);
    }

    #[test]
    fn environments_go_by_what_they_hold_and_only_our_own_hostfile_stays() {
        let root = tempfile::tempdir().unwrap();
        for (folder, file) in
            [("env311", "pyvenv.cfg"), ("target", "CACHEDIR.TAG"), ("data/target", "x"), ("data", "hosts")]
        {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join(file), "").unwrap();
        }
        fs::write(root.path().join("hosts"), "").unwrap();
        let found = files(root.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["data/hosts", "data/target/x"]);
    }

    #[test]
    fn a_name_of_two_lines_is_refused_with_a_sentence() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a\nb"), "").unwrap();
        let error = files(root.path()).unwrap_err();
        assert!(error.message().ends_with("has a name that is no text of one line"), "{error}");
        assert!(error.hints()[0].contains("a\\nb"), "{:?}", error.hints());
    }

    #[test]
    fn a_home_is_not_mirrored() {
        assert!(files(Path::new("/")).is_err());
    }
}
