//! What lies in the operator's working directory, as far as it belongs on the nodes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use sha2::{Digest as _, Sha256};

use crate::error::{Context as _, Error, Result};

/// Never mirrored: version control, caches and environments, which belong to this machine, and mpiup's own spec.
const LEFT_OUT: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    "__pycache__",
    ".venv",
    "venv",
    "node_modules",
    "target",
    ".ipynb_checkpoints",
    ".cache",
    "mpiup.toml",
    "hosts",
];

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

/// The regular files below `root`, sorted. Links are followed to files within; hidden files are mirrored as well.
///
/// # Errors
/// When the folder is a home or `/`, is too large, cannot be read, or holds a name with a newline.
pub fn files(root: &Path) -> Result<Vec<LocalFile>> {
    let home = etcetera::home_dir().ok();
    if root == Path::new("/") || home.as_deref() == Some(root) {
        return Err(Error::usage(format!(
            "{} is no folder of programs: all of it would go to every node",
            root.display()
        ))
        .hinted("Go into the folder of your program (`cd my-project`) and type it again there."));
    }
    let mut found = Vec::new();
    walk(root, "", &mut found)?;
    let bytes: u64 = found.iter().map(|file| file.bytes).sum();
    if bytes > MOST_BYTES {
        return Err(Error::usage(format!("{} holds {} MB, more than mpiup mirrors", root.display(), bytes >> 20))
            .hinted("Keep large data where every node can read it, and set `share.kind` to \"nfs\" or \"existing\"."));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn walk(folder: &Path, below: &str, found: &mut Vec<LocalFile>) -> Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).context(unreadable)? {
        let entry = entry.context(unreadable)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.contains('\n')) else {
            return Err(Error::usage(format!("a file in {} has a name that is no text", folder.display()))
                .hinted(format!("Rename it: {}", entry.path().display())));
        };
        if LEFT_OUT.contains(&name) {
            continue;
        }
        let (path, relative) = (entry.path(), format!("{below}{name}"));
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if metadata.is_dir() && !is_link {
            walk(&path, &format!("{relative}/"), found)?;
        } else if metadata.is_file() {
            if found.len() == MOST_FILES {
                return Err(Error::usage(format!(
                    "there are more than {MOST_FILES} files below the working directory"
                ))
                .hinted("Go into the folder of your program and type it again there."));
            }
            let bytes = metadata.len();
            let executable = metadata.permissions().mode() & 0o100 != 0;
            let sha256 = sha256(&path)?;
            found.push(LocalFile { path: relative, sha256, bytes, executable });
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
    fn a_home_is_not_mirrored() {
        assert!(files(Path::new("/")).is_err());
    }
}
