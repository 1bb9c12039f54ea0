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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_passwd_lines() {
        let mpi = account("mpi:x:1000:1001:Aula,,,:/home/mpi:/bin/bash\n").unwrap();
        assert_eq!((mpi.uid, mpi.gid, mpi.home.as_str(), mpi.shell.as_str()), (1000, 1001, "/home/mpi", "/bin/bash"));
        assert_eq!(account(""), None);
        assert_eq!(account("mpi:x:abc:1001::/home/mpi:/bin/bash"), None);
    }
}
