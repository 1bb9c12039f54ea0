//! Promise 3 where somebody lives already: an account with files of its own keeps them, to the byte.

use std::collections::BTreeSet;

use crate::{
    plain,
    support::{Operator, TestLab, plan::array, tree},
};

/// The account as its person has it on client1: no last newlines, other modes, old times.
const THEIRS: &str = r#"
set -e
useradd -m -u 1500 -s /bin/bash mpi
cd /home/mpi
mkdir -m 700 .ssh
mkdir .openmpi
printf 'case $- in *i*) ;; *) return ;; esac\nalias ll="ls -l"' > .bashrc
printf 'ServerAliveInterval 17\nHost theirs\n    HostName 192.0.2.9' > .ssh/config
printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJ a person' > .ssh/authorized_keys
printf 'elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJ\n' > .ssh/known_hosts
printf 'mpi_show_mca_params = 0' > .openmpi/mca-params.conf
chmod 640 .bashrc
chmod 644 .ssh/config
touch -d '2001-02-03 04:05:06' .bashrc .ssh/* .openmpi/mca-params.conf
chown -R mpi:mpi .
"#;

const TIMES: &str = "cd /home/mpi && stat -c '%n %Y' .bashrc .ssh/config .ssh/authorized_keys .ssh/known_hosts .openmpi/mca-params.conf";

#[test]
fn an_account_that_was_there_keeps_all_its_files_and_what_its_person_wrote_stays() {
    let lab = lab!(3);
    lab.script("client1", THEIRS);
    let times = lab.says("client1", TIMES);
    let operator = Operator::new(&lab, "wheels");
    let before = tree::look(&lab);
    operator.up();
    operator.mpiup(&["sync"]).succeeded();
    plain::commands_work(&lab);
    theirs_still_counts(&lab);

    // What a person does with a cluster: results, notes, and a line in a file that mpiup wrote into as well.
    for node in ["master", "client1"] {
        lab.says(&format!("mpi@{node}"), "echo 42 > MPI/result.txt; echo remember > notes.txt");
    }
    lab.says("mpi@client1", "echo 'EDITOR=vi' >> .profile");
    let profile = lab.says("client1", "cat /etc/skel/.profile") + "\nEDITOR=vi";

    let report = operator.down(&[]);
    let kept: BTreeSet<(&str, &str)> = array(&report["kept"])
        .iter()
        .map(|kept| (kept["node"].as_str().unwrap(), kept["what"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("client1", "folder /home/mpi/MPI"),
        ("master", "account mpi (uid 1500, home /home/mpi)"),
        ("master", "folder /home/mpi/MPI"),
    ];
    assert_eq!(kept, wanted.into());
    let remarks: Vec<&str> = array(&report["remarks"]).iter().map(|remark| remark.as_str().unwrap()).collect();
    let cut_out = "client1: /home/mpi/.profile was edited by somebody else: only the block of mpiup was taken out";
    assert_eq!(remarks, [cut_out]);
    let after = tree::look(&lab);
    let written = ["/home/mpi/MPI", "/home/mpi/MPI/result.txt", "/home/mpi/notes.txt"];
    let journal = |path: &str| path == "/var/lib/mpiup" || path.starts_with("/var/lib/mpiup/");
    let edited = |path: &str| path == "/home/mpi/.profile";
    before[1].assert_restored("client1", &after[1], |path| written.contains(&path) || edited(path) || journal(path));
    assert_eq!(lab.says("client1", TIMES), times);
    assert_eq!(lab.says("client1", "cat /home/mpi/.profile"), profile);
    assert_eq!(lab.says("client1", "stat -c '%a %U' /home/mpi/.profile"), "644 mpi");
    before[2].assert_restored("client2", &after[2], |_| false);
    for node in ["master", "client1"] {
        let said = lab.says(node, "cat /home/mpi/MPI/result.txt /home/mpi/notes.txt; ls -A /home/mpi/MPI");
        assert_eq!(said, "42\nremember\nresult.txt", "{node}");
    }

    operator.down(&["--purge"]);
    let after = tree::look(&lab);
    before[0].assert_restored("master", &after[0], |_| false);
    before[1].assert_restored("client1", &after[1], |path| path == "/home/mpi/notes.txt" || edited(path));
    before[2].assert_restored("client2", &after[2], |_| false);
}

/// The person's own settings say what they said before.
fn theirs_still_counts(lab: &TestLab) {
    let effective = |host: &str, word: &str| lab.says("mpi@client1", &format!("ssh -G {host} | grep -i '^{word} '"));
    assert_eq!(effective("theirs", "hostname"), "hostname 192.0.2.9");
    assert_eq!(effective("elsewhere", "serveraliveinterval"), "serveraliveinterval 17");
    assert_eq!(lab.says("client1", "head -n 1 /home/mpi/.ssh/authorized_keys | cut -d' ' -f3-"), "a person");
    assert_eq!(lab.says("client1", "grep -c '^mpi_show_mca_params = 0$' /home/mpi/.openmpi/mca-params.conf"), "1");
    assert_eq!(lab.says("client1", "stat -c '%a %U' /home/mpi/.bashrc /home/mpi/.ssh/config"), "640 mpi\n644 mpi");
    assert_eq!(lab.says("mpi@client1", "id -u"), "1500");
}
