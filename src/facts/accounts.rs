//! Lines of `/etc/passwd`.

use serde::Serialize;

/// An account of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
}

/// One line of passwd(5); `None` for an empty or broken one.
pub fn account(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.lines().next()?.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
    Some(Account {
        name: name.into(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: home.into(),
        shell: shell.into(),
    })
}

/// Whether `DAY TODAY`, in days since 1970 (shadow(5)), says that the account may not be used any more. A day of 0 means
/// the same as 1: chage writes it for an account that is closed at once. No day: it does not expire.
pub fn has_expired(days: &str) -> bool {
    let mut days = days.split(' ').map(|day| day.parse::<u64>().ok());
    matches!((days.next().flatten(), days.next().flatten()), (Some(last), Some(today)) if last <= today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_ends_with_its_day() {
        assert!(has_expired("11323 20000") && has_expired("0 20000") && has_expired("20000 20000"));
        assert!(!has_expired(" 20000") && !has_expired("") && !has_expired("20001 20000"));
    }

    #[test]
    fn reads_passwd_lines() {
        let mpi = account("mpi:x:1000:1001:Aula,,,:/home/mpi:/bin/bash\n").unwrap();
        assert_eq!((mpi.uid, mpi.gid, mpi.home.as_str(), mpi.shell.as_str()), (1000, 1001, "/home/mpi", "/bin/bash"));
        assert_eq!(account(""), None);
        assert_eq!(account("mpi:x:abc:1001::/home/mpi:/bin/bash"), None);
    }
}
