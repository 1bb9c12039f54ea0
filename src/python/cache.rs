//! Where fetched things are kept: `$XDG_CACHE_HOME/mpiup`, or `~/.cache/mpiup`. All of it may be deleted at any time.

use std::{fs, path::PathBuf};

use etcetera::BaseStrategy as _;

use crate::error::{Context as _, Error, Result};

/// This user's cache folder for `name`, made if missing.
///
/// # Errors
/// When there is no home folder, or the folder cannot be made.
pub fn cache_dir(name: &str) -> Result<PathBuf> {
    let elsewhere = |error: Error| error.hinted("Name another one: `XDG_CACHE_HOME=/a/folder/of/yours mpiup …`.");
    let strategy = etcetera::choose_base_strategy();
    let strategy = strategy.context(|| "cannot find the folder for caches").map_err(elsewhere)?;
    let directory = strategy.cache_dir().join("mpiup").join(name);
    fs::create_dir_all(&directory)
        .context(|| format!("cannot make the cache folder {}", directory.display()))
        .map_err(elsewhere)?;
    Ok(directory)
}
