//! An account of the cluster's name that somebody has already: what would keep its person, and so MPI's launcher, from
//! logging in. It is not mpiup's to change: each sentence says what to type.

use crate::{
    error::{Error, Result},
    facts::{Facts, accounts::Account},
    spec::{NodeName, Spec, names},
};

/// Shells that end a log-in at once.
const NO_SHELLS: [&str; 3] = ["nologin", "false", "true"];

/// The account that is there can be logged in to with a key and written into.
pub fn check(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    let Some(account) = &facts.user else { return Ok(()) };
    let Account { name, home, .. } = account;
    let asks_pam = facts.sshd.as_ref().and_then(|sshd| sshd.get("usepam")).is_some_and(|value| value == "yes");
    let wrong = match () {
        () if let Some(odd) = odd_in(home) => Some((
            format!("has the home {home}, and MPI's launchers fail over paths with {odd}"),
            format!("usermod -m -d /home/{name} {name}"),
        )),
        () if NO_SHELLS.iter().any(|shell| account.shell.ends_with(&format!("/{shell}"))) => Some((
            format!("has {} as its shell, which lets nobody log in", account.shell),
            format!("chsh -s /bin/bash {name}"),
        )),
        () if facts.user_has_expired => Some(("has expired".to_owned(), format!("chage -E -1 {name}"))),
        // Without PAM, sshd lets nobody in whose password is locked, by whatever means; `*` is none that could be.
        () if facts.user_is_locked && facts.sshd.is_some() && !asks_pam => {
            Some(("is locked, and sshd there does not ask PAM".to_owned(), format!("usermod -p '*' {name}")))
        }
        () if facts.user_must_change && asks_pam => Some((
            "has to change its password at the next log-in, so that no command gets through".to_owned(),
            format!("chage -d $(date +%F) {name}"),
        )),
        () => match facts.file("~/.") {
            None => Some((
                format!("has no home: there is no folder {home}"),
                format!("install -d -o {name} -g {} -m 755 {home}", account.gid),
            )),
            Some(folder) if folder.owner != *name => {
                Some((format!("has a home, {home}, that belongs to {}", folder.owner), format!("chown {name} {home}")))
            }
            Some(_) => open_to_others(facts, account),
        },
    };
    let Some((what, command)) = wrong else { return Ok(()) };
    Err(Error::failed(format!("the account {name}, which is there already, {what}")).on(node).hinted(format!(
        "As root on {node}: `{command}`. Or choose another name for the cluster's account: `user` in [cluster], now \"{}\".",
        spec.user
    )))
}

/// The first character of a path that a launcher would not hand on as it is: Open MPI and MPICH put their own paths unquoted
/// into commands for other nodes' shells, and into lists with `:` between.
fn odd_in(path: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@,=".contains(c);
    path.chars().find(|c| !is_plain(*c)).map(names::character)
}

/// sshd accepts no key of somebody in whose files others could put one (StrictModes). Debian's sshd, and those of its
/// children, let a group write that has no other member, as theirs are.
fn open_to_others(facts: &Facts, account: &Account) -> Option<(String, String)> {
    let is_strict = facts.sshd.as_ref().and_then(|sshd| sshd.get("strictmodes")).is_none_or(|value| value != "no");
    let refused = if facts.os.family().is_some_and(|family| family.name == "apt") { 0o002 } else { 0o022 };
    let below = ["~/.", "~/.ssh", "~/.ssh/authorized_keys"].into_iter();
    let mut open = below.filter(|name| {
        let mode = facts.file(name).and_then(|file| u32::from_str_radix(&file.mode, 8).ok());
        mode.is_some_and(|mode| mode & refused != 0)
    });
    let name = open.next().filter(|_| is_strict)?;
    let path = name.replacen('~', &account.home, 1);
    let path = path.trim_end_matches("/.");
    Some((
        format!("can be written into by others ({path}), so that sshd accepts none of its keys"),
        format!("chmod go-w {path}"),
    ))
}
