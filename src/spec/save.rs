//! Writes mpiup.toml anew, whole or not at all: a full disk or a power cut must not cost what a person wrote into it.

use std::{fs, io::Write as _, path::Path};

use crate::error::{Context as _, Result};

/// Puts `text` into the place of the file at `path`, which keeps its mode; a link to it stays one.
///
/// # Errors
/// When it cannot be written: a file that was there is then as it was.
pub fn save(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    if !path.is_file() {
        return fs::write(path, text).context(failed);
    }
    let file = fs::canonicalize(path).context(failed)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new().prefix(".mpiup.toml.").tempfile_in(folder).context(failed)?;
    draft.write_all(text.as_bytes()).context(failed)?;
    draft.as_file().set_permissions(fs::metadata(&file).context(failed)?.permissions()).context(failed)?;
    draft.as_file().sync_all().context(failed)?;
    draft.persist(&file).map_err(|error| error.error).context(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn the_file_keeps_its_mode_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.toml"), folder.path().join("mpiup.toml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.toml", &link).unwrap();
        save(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn a_full_disk_is_named() {
        let error = save(Path::new("/dev/full"), "new").unwrap_err();
        assert!(error.to_string().starts_with("/dev/full cannot be written: No space left"), "{error}");
    }
}
