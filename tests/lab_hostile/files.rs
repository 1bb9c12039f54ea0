//! Files of somebody else that are not as one would write them: what stands around the block is theirs, to the byte.

use crate::support::{Operator, TestLab, tree};

/// Latin-1, NUL bytes, ends of lines of another system, no last newline.
const ODD: &str = r"
useradd -m -u 1500 -s /bin/bash mpi
cd /home/mpi
mkdir -m 700 .ssh
printf '127.0.0.1 localhost\r\n10.9.9.8 caf\351\r\n# \000nul\000\n10.9.9.9 last' > /etc/hosts
printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJ caf\351\r\n# nul \000 here' > .ssh/authorized_keys
printf '# Latin \361 \n\nHost theirs\n  User x' > .ssh/config
printf '# \000\351\r\n:' > .bashrc
chmod 600 .ssh/*; chown -R mpi:mpi .";

/// Links: relative, absolute, to a folder, to nowhere, and a file with a second name.
const LINKS: &str = r"
useradd -m -u 1500 -s /bin/bash mpi
cd /home/mpi
mkdir -m 700 .ssh dot
echo '# theirs' > dot/keys; ln dot/keys dot/hard
ln -s ../dot/keys .ssh/authorized_keys
ln -s /home/mpi/dot/nowhere .ssh/config
mv .bashrc dot/bashrc; ln -s /home/mpi/dot/bashrc .bashrc
rm .profile
chmod 600 dot/keys; chown -hR mpi:mpi .
mv /etc/hosts /etc/hosts.real; ln -s hosts.real /etc/hosts";

/// Marks that somebody broke, an empty file, a very long line, another cluster's block, modes that are nobody's default.
const MARKS: &str = r"
useradd -m -u 1500 -s /bin/bash mpi
cd /home/mpi
mkdir -m 700 .ssh
printf '# >>> mpiup aula >>>\n10.9.9.9 lost\n' >> /etc/hosts
printf '# >>> mpiup other >>>\n# theirs\n# <<< mpiup other <<<\n' > .ssh/authorized_keys
: > .ssh/config
{ printf '# '; head -c 300000 /dev/zero | tr '\0' x; } > .bashrc
printf '# <<< mpiup aula <<<\n' > .profile
chmod 600 .ssh/*; chmod 640 .bashrc; chmod 775 .; chown -R mpi:mpi .";

/// A group of that name with another number, and the first free numbers taken.
const NUMBERS: &str = "groupadd -g 4321 mpi; useradd -m -u 1000 otro; useradd -m -u 1501 otra";

const WATCHED: &str = "/etc/hosts /home/mpi/.ssh/authorized_keys /home/mpi/.ssh/config /home/mpi/.bashrc";

#[test]
fn what_stands_around_a_block_is_kept_whatever_it_is() {
    let lab = lab!(5);
    for (node, script) in [("client1", ODD), ("client2", LINKS), ("client3", MARKS), ("client4", NUMBERS)] {
        lab.inside(node, script);
    }
    let operator = Operator::new(&lab, "wheels");
    let before = tree::look(&lab);
    let hashes = |lab: &TestLab, without_block: bool| -> Vec<String> {
        let cut = if without_block { "sed '/^# >>> mpiup aula >>>$/,/^# <<< mpiup aula <<<$/d'" } else { "cat" };
        ["client1", "client2"]
            .iter()
            .map(|node| {
                lab.inside(
                    node,
                    &format!(
                        "for file in {WATCHED}; do [ ! -e $file ] || tr '\\0' 0 < $file | {cut} | awk 1 | cksum; done"
                    ),
                )
            })
            .collect()
    };
    let theirs = hashes(&lab, false);

    operator.up();
    let now = hashes(&lab, true);
    assert_eq!(now[0], theirs[0], "the bytes that are theirs");
    assert_eq!(
        lab.says("client2", "readlink /etc/hosts /home/mpi/.ssh/authorized_keys /home/mpi/.bashrc"),
        "hosts.real\n../dot/keys\n/home/mpi/dot/bashrc"
    );
    assert_eq!(lab.says("client3", "grep -c lost /etc/hosts"), "1");
    assert_eq!(lab.says("client3", "stat -c '%a %U' /home/mpi/.bashrc /home/mpi"), "640 mpi\n775 mpi");
    assert_eq!(lab.says("client4", "id -gn mpi; id -g mpi"), "mpi\n4321");
    operator.mpiup(&["sync"]).succeeded();
    let said = lab.says("mpi@client3", "cd MPI && mpiexec -hostfile hosts python ejemplo.py");
    assert!(said.contains("10 procesos en 5 máquinas"), "{said}");
    assert_eq!(operator.up()["changes"], 0);

    operator.down(&[]);
    let after = tree::look(&lab);
    for ((node, before), after) in lab.nodes().iter().zip(&before).zip(&after) {
        before.assert_restored(node, after, |_| false);
    }
}
