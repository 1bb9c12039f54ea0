//! The programs that every node needs: said before the first change, where one is missing.

use super::packages::install;
use crate::{
    error::{Error, Result},
    facts::Facts,
    spec::{NodeName, Spec},
};

/// Where a program is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// mpiup is root, and the cluster's user another.
    Root,
    /// The account is still to be made.
    NoAccount,
}

/// Each with Debian's name of the package that has it.
const NEEDED: [(&str, &str, When); 14] = [
    ("ssh", "openssh-client", When::Always),
    ("ssh-keygen", "openssh-client", When::Always),
    ("tar", "tar", When::Always),
    ("awk", "mawk", When::Always),
    ("find", "findutils", When::Always),
    ("cmp", "diffutils", When::Always),
    ("sha256sum", "coreutils", When::Always),
    ("stat", "coreutils", When::Always),
    ("timeout", "coreutils", When::Always),
    ("flock", "util-linux", When::Always),
    ("runuser", "util-linux", When::Root),
    ("useradd", "passwd", When::NoAccount),
    ("groupadd", "passwd", When::NoAccount),
    ("userdel", "passwd", When::NoAccount),
];

/// What to look for on a node.
pub fn needed() -> Vec<&'static str> {
    NEEDED.iter().map(|(program, ..)| *program).collect()
}

/// All that are needed are there. All that are missing are named at once.
pub fn check(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    let applies = |when: When| match when {
        When::Always => true,
        When::Root => facts.is_root && facts.login.name != spec.user,
        When::NoAccount => facts.is_root && facts.user.is_none(),
    };
    let missing = NEEDED.iter().filter(|(program, _, when)| applies(*when) && facts.missing.contains(*program));
    let (programs, mut packages): (Vec<&str>, Vec<&str>) =
        missing.map(|(program, package, _)| (*program, *package)).unzip();
    packages.dedup();
    let what = match programs.as_slice() {
        [] => return Ok(()),
        [program] => format!("the program {program} is missing"),
        [all @ .., last] => format!("the programs {} and {last} are missing", all.join(", ")),
    };
    Err(Error::failed(what).on(node).hinted(install(facts, &packages)))
}
