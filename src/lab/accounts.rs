//! A node has the system's accounts of this computer, but no person's: those are taken out of its `/etc/passwd`,
//! `/etc/shadow`, `/etc/group`, `/etc/gshadow`, `/etc/subuid` and `/etc/subgid`.
//!
//! Pure functions from text to text; a line that is not understood stays as it is.

use std::collections::BTreeSet;

/// Debian's range of uids and gids for people (`FIRST_UID` and `LAST_UID` of adduser.conf).
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=59999;

/// Names in `/etc/passwd` or `/etc/group` whose number (third field) is a person's.
pub(super) fn people(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let number: u32 = fields.nth(1)?.parse().ok()?;
            PEOPLE.contains(&number).then(|| name.to_owned())
        })
        .collect()
}

/// The file without the lines whose first field is one of `names`.
pub(super) fn without_lines(text: &str, names: &BTreeSet<String>) -> String {
    let stays = |line: &&str| !names.contains(line.split(':').next().unwrap_or_default());
    text.lines().filter(stays).map(|line| format!("{line}\n")).collect()
}

/// `/etc/group` or `/etc/gshadow` without `names` in the lists of members, which are the last fields.
pub(super) fn without_members(text: &str, names: &BTreeSet<String>) -> String {
    text.lines()
        .map(|line| match line.rsplit_once(':') {
            Some((head, members)) => {
                let left: Vec<&str> = members.split(',').filter(|member| !names.contains(*member)).collect();
                format!("{head}:{}\n", left.join(","))
            }
            None => format!("{line}\n"),
        })
        .collect()
}

/// `/etc/shadow` in which root has no password, so that only a key logs in.
pub(super) fn root_without_password(shadow: &str) -> String {
    shadow
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(':').collect();
            if let ["root", password, ..] = fields.as_mut_slice() {
                *password = "*";
            }
            fields.join(":") + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nsshd:x:103:65534::/run/sshd:/usr/sbin/nologin\n\
                          ana:x:1000:1000:Ana,,,:/home/ana:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";

    #[test]
    fn takes_people_out_and_leaves_the_system() {
        let people = people(PASSWD);
        assert_eq!(people.iter().collect::<Vec<_>>(), ["ana"]);
        let left = without_lines(PASSWD, &people);
        assert!(!left.contains("ana") && left.contains("sshd") && left.ends_with("nologin\n"), "{left}");
    }

    #[test]
    fn takes_people_out_of_the_groups_they_are_in() {
        let names = BTreeSet::from(["ana".to_owned()]);
        assert_eq!(
            without_members("sudo:x:27:ana\nadm:x:4:syslog,ana,backup\nusers:x:100:\n", &names),
            "sudo:x:27:\nadm:x:4:syslog,backup\nusers:x:100:\n"
        );
    }

    #[test]
    fn root_keeps_its_line_but_not_its_password() {
        assert_eq!(
            root_without_password("root:$y$j9T$abc:19500:0:99999:7:::\nsshd:!:19500::::::\n"),
            "root:*:19500:0:99999:7:::\nsshd:!:19500::::::\n"
        );
    }
}
