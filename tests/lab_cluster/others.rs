//! Undo among changes by others: `down` takes what is mpiup's, keeps what is not, says so, and goes on later, with no spec too.

use std::fs;

use serde_json::Value;

use crate::support::{Operator, TestLab, plan::array, tree};

#[test]
fn down_takes_ours_keeps_theirs_and_goes_on_without_a_spec() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    let before = tree::look(&lab);
    operator.up();
    wrong_modes_are_mended(&operator);

    // Theirs on master: a key among ours, a line in a block that lost its first mark, a file replaced, a mount in the share.
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJ a person";
    lab.inside("master", &format!("sed -i '/^# >>> mpiup/a {key}' /home/mpi/.ssh/authorized_keys"));
    lab.inside(
        "master",
        "sed -i '/^# >>> mpiup/d' /home/mpi/.bashrc && echo 'alias ll=\"ls -l\"' >> /home/mpi/.bashrc",
    );
    lab.inside("master", "echo 'mpi_show_mca_params = 0' > /home/mpi/.openmpi/mca-params.conf");
    let mount =
        "mkdir /home/mpi/MPI/data && mount -t tmpfs tmpfs /home/mpi/MPI/data && echo 42 > /home/mpi/MPI/data/result";
    lab.inside("master", mount);
    // On client1 the account became somebody's: another shell, and a job of cron.
    lab.inside("client1", "usermod -s /bin/sh mpi && mkdir -p /var/spool/cron/crontabs");
    lab.inside(
        "client1",
        "echo '0 3 * * * true' > /var/spool/cron/crontabs/mpi && chown mpi /var/spool/cron/crontabs/mpi",
    );
    // client2 is away.
    lab.inside("client2", "service ssh stop");

    let ran = operator.mpiup(&["down", "--yes", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("client2 could not be finished"), "{}", ran.stderr);
    let mounted = "mounted at /home/mpi/MPI/data";
    assert!(kept(&ran.json(), "master", "folder /home/mpi/MPI").contains(mounted), "{}", ran.stdout);
    assert!(kept(&ran.json(), "client1", "account mpi").contains("somebody changed the account"), "{}", ran.stdout);
    assert_eq!(lab.says("master", "cat /home/mpi/.ssh/authorized_keys"), key);
    let bashrc = lab.says("master", "cat /home/mpi/.bashrc");
    assert!(bashrc.ends_with("alias ll=\"ls -l\"") && !bashrc.contains("mpiup"), "{bashrc}");
    assert_eq!(lab.says("master", "cat /home/mpi/.openmpi/mca-params.conf"), "mpi_show_mca_params = 0");
    assert_eq!(lab.says("client1", "ls -A /home/mpi | tr '\n' ' '"), ".bash_logout .bashrc .profile ");

    // The spec is lost. What is left is in the nodes' own journals.
    fs::remove_file(operator.work().join("mpiup.toml")).unwrap();
    lab.inside("client2", "service ssh start");
    let down = ["down", "--lab", &lab.name, "--yes", "--json"];
    let report = operator.mpiup(&down).succeeded().json();
    assert_eq!(report["cluster"], "aula");
    assert_eq!(lab.says("client2", "id mpi 2>&1 || ls /var/lib | grep mpiup || true"), "id: 'mpi': no such user");
    let again = operator.mpiup(&down).succeeded();
    assert!(again.stderr.contains("Nothing more of aula can be taken back"), "{}", again.stderr);
    lab.inside("client1", "usermod -s /bin/bash mpi");
    let report = operator.mpiup(&down).succeeded().json();
    assert!(kept(&report, "client1", "account mpi").contains("/var/spool/cron/crontabs/mpi"), "{report}");

    let purge = ["down", "--lab", &lab.name, "--yes", "--purge", "--json", "master", "client1"];
    let report = operator.mpiup(&purge).succeeded().json();
    assert!(kept(&report, "master", "account mpi").contains(mounted), "not even a purge empties it: {report}");
    assert_eq!(lab.says("master", "cat /home/mpi/MPI/data/result"), "42");
    assert_eq!(lab.says("client1", "id mpi 2>&1; ls -A /var/spool/cron/crontabs"), "id: 'mpi': no such user");
    lab.inside("master", "umount /home/mpi/MPI/data");
    operator.mpiup(&purge).succeeded();
    let nothing = operator.mpiup(&["down", "--lab", &lab.name]).succeeded();
    assert!(nothing.stderr.contains("There is nothing of mpiup to take back"), "{}", nothing.stderr);
    let after = tree::look(&lab);
    // The account tools keep their last version beside each file, sshd began anew, and the person made a folder for cron.
    let theirs = |path: &str| {
        path.starts_with("/etc/") && path.ends_with('-')
            || path.starts_with("/run/")
            || path.starts_with("/var/spool/cron")
    };
    for (number, node) in ["master", "client1", "client2"].into_iter().enumerate() {
        before[number].assert_restored(node, &after[number], theirs);
    }
}

/// What mpiup wrote is as mpiup wrote it, or `plan` says so and `up` mends it.
fn wrong_modes_are_mended(operator: &Operator<'_>) {
    let lab: &TestLab = operator.lab;
    lab.inside("client1", "cd /home/mpi && chmod 644 .ssh/mpiup_aula && chmod 777 .mpiup && chown root .mpiup/node");
    let plan = operator.plan();
    let what = plan.node("client1").what();
    let wanted =
        ["folder /home/mpi/.mpiup", "key /home/mpi/.ssh/mpiup_aula, made on the node", "file /home/mpi/.mpiup/node"];
    assert_eq!(what, wanted);
    operator.up();
    let now = "cd /home/mpi && stat -c '%a %U' .ssh/mpiup_aula .mpiup .mpiup/node";
    assert_eq!(lab.says("client1", now), "600 mpi\n755 mpi\n644 mpi");
    assert_eq!(operator.plan().changes, 0);
}

fn kept(report: &Value, node: &str, what: &str) -> String {
    let all = array(&report["kept"]);
    let is = |kept: &&Value| kept["node"] == node && kept["what"].as_str().unwrap().starts_with(what);
    let kept = all.iter().find(is).unwrap_or_else(|| panic!("{what} on {node}: {report}"));
    kept["why"].as_str().unwrap().to_owned()
}
