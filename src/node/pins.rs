//! The host keys that the operator has pinned: under which name, in which file, and for another address.
//!
//! Guarantee: a key is pinned for a new address only where the same file has that very key for the old one. Nothing is
//! taken from the network here. Where machines took each other's addresses, none keeps a pin that is another one's now.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{Context as _, Error, Result},
    process::Command,
    spec::Address,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// How known_hosts names an address: with its port where that is not 22.
pub(super) fn name(address: &Address) -> Option<String> {
    match address {
        Address::Local => None,
        Address::Ssh { host, port: None | Some(22), .. } => Some(host.clone()),
        Address::Ssh { host, port: Some(port), .. } => Some(format!("[{host}]:{port}")),
    }
}

/// A machine's address of before, and the one that it has now.
pub(super) type Move<'a> = (&'a Address, &'a Address);

/// What becomes of one file.
#[derive(Default)]
struct Change {
    /// Names whose pins are those of machines that moved on.
    stale: Vec<String>,
    lines: String,
}

/// Pins the keys of each machine for its new address, in the file that has them for the old one.
pub(super) async fn carry(config: Option<&Path>, moves: &[Move<'_>]) -> Result<()> {
    let left: Vec<String> = moves.iter().filter_map(|(from, _)| name(from)).collect();
    let mut changes: BTreeMap<PathBuf, Change> = BTreeMap::new();
    for (from, to) in moves {
        let (Some(known), Some(new)) = (name(from), name(to)) else { continue };
        let (file, keys) = pinned(config, from, &known).await?;
        let change = changes.entry(file).or_default();
        change.lines.extend(keys.iter().map(|key| format!("{new} {key}\n")));
        if left.contains(&new) {
            change.stale.push(new);
        }
    }
    for (file, change) in changes {
        let unwritable = || format!("host keys cannot be pinned in {}", file.display());
        let written =
            if change.stale.is_empty() { append(&file, &change.lines) } else { replace(&file, &change).await };
        written.context(unwritable)?;
    }
    Ok(())
}

/// The keys of an address, and the file that has them.
async fn pinned(config: Option<&Path>, address: &Address, known: &str) -> Result<(PathBuf, Vec<String>)> {
    for file in files(config, address).await? {
        let lines = Command::new("ssh-keygen").args(["-F", known, "-f"]).arg(&file).deadline(DEADLINE).output().await?;
        let keys: Vec<String> = keys(&lines.stdout).collect();
        if !keys.is_empty() {
            return Ok((file, keys));
        }
    }
    Err(Error::failed(format!("no host key is pinned for {known}")))
}

fn append(file: &Path, lines: &str) -> std::io::Result<()> {
    // An editor may have left the last line open.
    let is_open = fs::read(file)?.last().is_some_and(|last| *last != b'\n');
    let lines = if is_open { format!("\n{lines}") } else { lines.to_owned() };
    OpenOptions::new().append(true).open(file)?.write_all(lines.as_bytes())
}

/// The whole file at once: between two steps, a machine would have no pin, or that of another one.
async fn replace(file: &Path, change: &Change) -> std::io::Result<()> {
    let file = fs::canonicalize(file)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    let folder = tempfile::Builder::new().prefix(".mpiup-").tempdir_in(folder)?;
    let draft = folder.path().join("known_hosts");
    fs::copy(&file, &draft)?;
    for name in &change.stale {
        let removed = Command::new("ssh-keygen").args(["-R", name, "-f"]).arg(&draft).deadline(DEADLINE).run().await;
        removed.map_err(|error| std::io::Error::other(error.to_string()))?;
    }
    append(&draft, &change.lines)?;
    let before = fs::metadata(&file)?;
    fs::set_permissions(&draft, before.permissions())?;
    // Root may be at work on somebody's file.
    if fs::metadata(&draft)?.uid() != before.uid() {
        chown(&draft, Some(before.uid()), Some(before.gid()))?;
    }
    fs::File::open(&draft)?.sync_all()?;
    fs::rename(&draft, &file)
}

/// Where ssh looks for the host's key, of the files that are the operator's.
async fn files(config: Option<&Path>, address: &Address) -> Result<Vec<PathBuf>> {
    let Address::Ssh { host, .. } = address else { return Ok(vec![]) };
    let config = config.into_iter().flat_map(|path| ["-F".into(), path.as_os_str().to_owned()]);
    let said = Command::new("ssh").arg("-G").args(config).args(["--", host]).deadline(DEADLINE).run().await?;
    let home = std::env::var("HOME").unwrap_or_default();
    Ok(known_hosts(&said.stdout, &home).into_iter().filter(|file| file.is_file()).collect())
}

/// The files of the line `userknownhostsfile` of `ssh -G`.
fn known_hosts(said: &str, home: &str) -> Vec<PathBuf> {
    let files = said.lines().find_map(|line| line.strip_prefix("userknownhostsfile ")).unwrap_or_default();
    let whole = |file: &str| match file.strip_prefix("~/") {
        Some(rest) => Path::new(home).join(rest),
        None => PathBuf::from(file),
    };
    files.split(' ').filter(|file| !file.is_empty()).map(whole).collect()
}

/// Type and key of each line that `ssh-keygen -F` found; authorities and revoked keys are no pins.
fn keys(found: &str) -> impl Iterator<Item = String> {
    let lines = found.lines().filter(|line| !line.starts_with(['#', '@']));
    lines.filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        Some(format!("{} {}", words.next()?, words.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_part_of_the_name_where_it_is_not_ssh_s_own() {
        let of = |text: &str| name(&Address::parse(text).unwrap());
        assert_eq!(of("ana@10.0.0.3").as_deref(), Some("10.0.0.3"));
        assert_eq!(of("10.0.0.3:22").as_deref(), Some("10.0.0.3"));
        assert_eq!(of("[2001:db8::7]:2222").as_deref(), Some("[2001:db8::7]:2222"));
        assert_eq!(of("local"), None);
    }

    /// The pins of the file after these moves, `FROM>TO`.
    async fn after(pins: &str, moves: &[&str]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let (known, config) = (folder.path().join("known_hosts"), folder.path().join("config"));
        fs::write(&known, pins).unwrap();
        fs::write(&config, format!("Host *\nUserKnownHostsFile {}\n", known.display())).unwrap();
        let address = |text: &str| Address::parse(text).unwrap();
        let moves: Vec<_> = moves.iter().map(|text| text.split_once('>').unwrap()).collect();
        let moves: Vec<_> = moves.iter().map(|(from, to)| (address(from), address(to))).collect();
        let moves: Vec<_> = moves.iter().map(|(from, to)| (from, to)).collect();
        let carried = carry(Some(&config), &moves).await;
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
        carried.map(|()| fs::read_to_string(&known).unwrap())
    }

    #[tokio::test]
    async fn a_pin_goes_along_and_no_machine_keeps_that_of_another() {
        const KEYS: [&str; 3] = [
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+q8cdKzU0uAHz2iMEtTMZU9rBxM8vTYm0Cq5SW0zIe",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB+q8cdKzU0uAHz2iMEtTMZU9rBxM8vTYm0Cq5SW0zIe",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+q8cdKzU0uAHz2iMEtTMZU9rBxM8vTYm0Cq5SW0zIe",
        ];
        let [one, two, other] = KEYS;
        let pins = format!("# mine\n10.0.0.9 {other}\n10.0.0.1 {one} ana@pc\n10.0.0.2 {two}\n");
        let moved = after(&pins, &["10.0.0.1>10.0.0.7"]).await.unwrap();
        assert_eq!(
            moved,
            format!("{pins}10.0.0.7 {one}\n"),
            "the old one costs nothing, and the file is only appended to"
        );
        let open = after(pins.trim_end(), &["10.0.0.1>10.0.0.7"]).await.unwrap();
        assert_eq!(open, moved, "a last line without its end stays one of its own");
        let swapped = after(&pins, &["10.0.0.1>10.0.0.2", "ana@10.0.0.2>ana@10.0.0.1"]).await.unwrap();
        assert_eq!(swapped, format!("# mine\n10.0.0.9 {other}\n10.0.0.2 {one}\n10.0.0.1 {two}\n"));
        let handed_on = after(&pins, &["10.0.0.1>10.0.0.2", "10.0.0.2>10.0.0.7"]).await.unwrap();
        assert_eq!(
            handed_on,
            format!("# mine\n10.0.0.9 {other}\n10.0.0.1 {one} ana@pc\n10.0.0.2 {one}\n10.0.0.7 {two}\n")
        );
        assert!(after(&pins, &["10.0.0.5>10.0.0.2"]).await.unwrap_err().message().contains("10.0.0.5"));
    }

    #[test]
    fn finds_files_and_keys_in_what_openssh_prints() {
        let said = "host 10.0.0.3\nuserknownhostsfile ~/.ssh/known_hosts /etc/lab/known_hosts\nport 22\n";
        let wanted = ["/home/ana/.ssh/known_hosts", "/etc/lab/known_hosts"].map(PathBuf::from);
        assert_eq!(known_hosts(said, "/home/ana"), wanted);
        let found = "# Host 10.0.0.3 found: line 4 \n|1|c2FsdA==|aGFzaA== ssh-ed25519 AAAAC3 a comment\n\
                     @cert-authority * ssh-rsa AAAAB3\n10.0.0.3 ecdsa-sha2-nistp256 AAAAE2\n";
        let keys: Vec<String> = keys(found).collect();
        assert_eq!(keys, ["ssh-ed25519 AAAAC3", "ecdsa-sha2-nistp256 AAAAE2"]);
    }
}
