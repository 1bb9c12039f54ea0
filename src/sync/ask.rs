//! Asks a node what it has.

use std::{collections::BTreeSet, time::Duration};

use super::{
    LocalFile, Share,
    compare::{Seen, Wanted, parents},
};
use crate::{
    error::{Error, Result},
    node::Probe,
    quote,
};

/// Ten thousand files on a slow disk take their time to be read.
const DEADLINE: Duration = Duration::from_secs(300);

/// What the node is to get of `files`; with `force`, also in place of what others put there.
///
/// # Errors
/// When the share cannot be looked at.
pub async fn ask(files: &[LocalFile], share: &Share<'_>, force: bool, probe: Probe<'_>) -> Result<Wanted> {
    if files.is_empty() {
        return Ok(Wanted::default());
    }
    let output = probe.read(&script(files, share), DEADLINE).await?;
    let output = output
        .success_or(format!("the shared folder {} cannot be read", share.path))
        .map_err(|error| error.on(probe.name()).hinted("`mpiup status` shows how the node stands."))?;
    let seen = Seen::parse(&output.text()).ok_or_else(|| {
        Error::failed("the node did not say all that it has of the files")
            .on(probe.name())
            .because(output.stderr_text())
            .hinted("xargs, sha256sum and stat are needed there.")
    })?;
    Ok(seen.wants(files, force))
}

fn script(files: &[LocalFile], share: &Share<'_>) -> String {
    let folders: BTreeSet<&str> = files.iter().flat_map(|file| parents(&file.path)).collect();
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).chain(folders).collect();
    let mut end = String::from("END");
    while names.contains(&end.as_str()) {
        end.push('_');
    }
    format!(
        "# the comparison of the files\nshare={} synced={}\nlist() {{\ncat <<'{end}'\n{}\n{end}\n}}\n{}",
        quote::sh(share.path),
        quote::sh(&share.list()),
        names.join("\n"),
        include_str!("ask.sh"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Command;

    #[test]
    fn the_script_answers_for_every_kind_of_name() {
        let folder = tempfile::tempdir().unwrap();
        let (share, state) = (folder.path().join("a share"), folder.path().join("state"));
        std::fs::create_dir_all(share.join("sub dir")).unwrap();
        std::fs::create_dir_all(state.join("synced")).unwrap();
        let names = ["-n", "it's \"q\"", "ñandú €", "sub dir/x", "back\\slash", "END", "$HOME", " lead", "trail "];
        let mut files = Vec::new();
        let mut list = String::new();
        for (number, name) in names.iter().enumerate() {
            std::fs::write(share.join(name), "x").unwrap();
            let sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881".to_owned();
            list.push_str(&format!("{sha256} {name}\n"));
            // Every other one is to be replaced.
            let sha256 = if number % 2 == 0 { sha256 } else { "new".into() };
            files.push(LocalFile { path: (*name).into(), sha256, bytes: 1, executable: false });
        }
        std::fs::write(state.join("synced/list"), list).unwrap();
        let (path, state) = (share.to_string_lossy(), state.to_string_lossy());
        let share = Share { path: &path, state: &state, user: "u", is_root: false };
        let answer = Command::new("sh").args(["-c", &script(&files, &share)]).run_blocking().unwrap();
        let wanted = Seen::parse(&answer.stdout).unwrap().wants(&files, false);
        assert_eq!(wanted.theirs, Vec::<String>::new());
        let expected: BTreeSet<String> = names.iter().skip(1).step_by(2).map(|name| (*name).to_owned()).collect();
        assert_eq!(wanted.files, expected);
    }
}
