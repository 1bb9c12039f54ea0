//! Accounts that are there already, as administrators make them: a home elsewhere, other groups, files with second names and
//! access lists; and what becomes of the ones that mpiup made when somebody goes on using them.

use crate::support::{Operator, TestLab, plan::array, tree};

/// Another path for homes, another group, an access list, an attribute, and second names for files that mpiup writes into.
const ELSEWHERE: &str = r"
groupadd -g 777 alumnos
mkdir /srv/homes
useradd -m -d /srv/homes/mpi -u 1500 -g alumnos -s /bin/bash mpi
usermod -L mpi
cd /srv/homes/mpi
mkdir -m 700 .ssh
printf 'Host theirs\n  User x' > .ssh/config
chmod 600 .ssh/config
chown -R mpi: .
ln .bashrc second.bashrc
ln /etc/hosts /etc/hosts.second";
const LISTS: &str = "cd /srv/homes/mpi && setfacl -m u:www-data:r .ssh/config .bashrc /etc/hosts && setfattr -n user.note -v theirs .bashrc";
const SEEN: &str = "cd /srv/homes/mpi; LC_ALL=C; getfacl -p .ssh/config .bashrc /etc/hosts; getfattr --only-values -n user.note .bashrc; \
    stat -c '%n %h %a %U:%G %Y' .ssh/config .bashrc /etc/hosts; stat -c '%i' .bashrc second.bashrc /etc/hosts /etc/hosts.second";

#[test]
fn an_account_elsewhere_is_adopted_and_one_in_use_stays_until_it_is_not() {
    let lab = lab!(3);
    lab.inside("client1", ELSEWHERE);
    let has_lists = lab.lab.run_in_node("client1", &["sh", "-c", LISTS]).is_ok_and(|ran| ran.status.success());
    // A person has to give it another password first: no command gets through.
    lab.inside("client2", "useradd -m -d /srv/homes/mpi -u 1777 -s /bin/bash mpi 2>/dev/null; chage -d 0 mpi");
    let operator = Operator::new(&lab, "wheels");
    let before = tree::look(&lab);
    let seen = |lab: &TestLab| lab.inside("client1", &format!("{SEEN} 2>/dev/null || {has_lists}"));
    let theirs = seen(&lab);

    let up = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!(up.code, 1, "{}", up.stderr);
    let why = &up.json()["left_out"];
    assert_eq!(array(&up.json()["ready"]).len(), 2, "{}", up.stderr);
    assert!(why["client2"].as_str().unwrap().contains("has to change its password"), "{why}");
    assert_eq!(lab.says("master", "getent passwd mpi | cut -d: -f6"), "/srv/homes/mpi");
    let names = "cd /srv/homes/mpi && cmp .bashrc second.bashrc && cmp /etc/hosts /etc/hosts.second && grep -c '^# >>> mpiup aula' second.bashrc";
    assert_eq!(lab.says("client1", names), "1", "both names are of one file");

    // On master somebody works as mpi.
    lab.inside("master", "runuser -u mpi -- sleep 600 </dev/null >/dev/null 2>&1 & echo $!");
    let report = operator.down(&[]);
    let kept = array(&report["kept"]);
    assert_eq!(kept.len(), 1, "{report}");
    let why = kept[0]["why"].as_str().unwrap();
    assert!(why.starts_with("account mpi stays: it still runs sleep (") && !why.contains(','), "{why}");
    assert_eq!(lab.says("master", "ps -o comm= -u mpi"), "sleep", "it lives");
    assert_eq!(seen(&lab), theirs);

    lab.inside("master", "kill $(ps -o pid= -u mpi)");
    operator.down(&[]);
    let after = tree::look(&lab);
    for ((node, before), after) in lab.nodes().iter().zip(&before).zip(&after) {
        before.assert_restored(node, after, |_| false);
    }
}
