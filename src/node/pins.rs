//! The host keys that the operator has pinned: under which name, in which file, and for one address more.
//!
//! Guarantee: a key is pinned for a new address only where the same file has that very key for the old one. Nothing is
//! taken from the network here.

use std::{
    fs::OpenOptions,
    io::Write as _,
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

/// Adds a line for `to` to the file that has keys for `from`, with the same keys.
pub(super) async fn copy(config: Option<&Path>, to: &Address, from: &Address) -> Result<()> {
    let (Some(known), Some(new)) = (name(from), name(to)) else { return Ok(()) };
    for file in files(config, from).await? {
        let lines =
            Command::new("ssh-keygen").args(["-F", &known, "-f"]).arg(&file).deadline(DEADLINE).output().await?;
        let pinned: String = keys(&lines.stdout).map(|key| format!("{new} {key}\n")).collect();
        if !pinned.is_empty() {
            let unwritable = || format!("the host key of {new} cannot be pinned in {}", file.display());
            let mut file = OpenOptions::new().append(true).open(&file).context(unwritable)?;
            return file.write_all(pinned.as_bytes()).context(unwritable);
        }
    }
    Err(Error::failed(format!("no host key is pinned for {known}")))
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
