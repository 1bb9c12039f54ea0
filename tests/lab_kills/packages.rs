//! Killed while apt and dpkg are at work: mpiup, the connection, the node's shell, or apt and dpkg themselves. What was begun
//! comes to its end or is mended by the next command; somebody else's packages stay as they are.
//!
//! The packages are two small ones in a folder on the node, whose scripts stand still on demand; nothing is downloaded but
//! Open MPI itself, once for all labs.

use std::time::Duration;

use crate::{
    DOWN, UP, is_whole,
    stop::{Kill, Stop, end},
    support::{Operator, TestLab, child::wait_until, tree},
};

/// A repository with `libopenmpi-dev`, for which `mpiup-lab-part` comes along, and `mpiup-lab-other` of somebody else.
const REPOSITORY: &str = r#"
set -eu
mkdir -p /kill/repository; cd /kill
script='#!/bin/sh
name=SCRIPT.PACKAGE
[ ! -e /kill/fails ] || [ "$name" != postinst.mpiup-lab-other ] || exit 1
[ "$(cat /kill/armed 2>/dev/null)" = "$name" ] || exit 0
rm /kill/armed
group=$(ps -o pgid= -p $$ | tr -d " ")
printf "%s\n%s\n%s\n%s\n" "$name" "$group" "$(ps -o ppid= -p "$group" | tr -d " ")" $$ > /kill/writing
mv /kill/writing /kill/stopped
read -r _ < /kill/go'
package() {
    mkdir -p "$1/DEBIAN" "$1/usr/share/$1"
    echo "$1" > "$1/usr/share/$1/content"
    printf 'Package: %s\nVersion: 99.0-1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n%sDescription: for a test\n' \
        "$1" "$2" > "$1/DEBIAN/control"
    for name in preinst postinst prerm postrm; do
        printf '%s\n' "$script" | sed "s/SCRIPT/$name/; s/PACKAGE/$1/" > "$1/DEBIAN/$name"
        chmod 755 "$1/DEBIAN/$name"
    done
    dpkg-deb -Znone --build "$1" "repository/$1.deb" >/dev/null
    cat "$1/DEBIAN/control"
    printf 'Filename: ./%s.deb\nSize: %s\nSHA256: %s\n\n' "$1" "$(stat -c %s "repository/$1.deb")" "$(sha256sum < "repository/$1.deb" | cut -d' ' -f1)"
}
{
    package libopenmpi-dev 'Depends: mpiup-lab-part
'
    package mpiup-lab-part ''
    package mpiup-lab-other ''
} > repository/Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/kill/repository ./' > /etc/apt/sources.list
apt-get update -qq
"#;

const UNPACKS: [&str; 2] = ["preinst.mpiup-lab-part", "preinst.libopenmpi-dev"];
const CONFIGURES: [&str; 2] = ["postinst.mpiup-lab-part", "postinst.libopenmpi-dev"];
const REMOVES: [&str; 4] =
    ["prerm.libopenmpi-dev", "postrm.libopenmpi-dev", "prerm.mpiup-lab-part", "postrm.mpiup-lab-part"];
const ENDS: [Kill; 5] = [Kill::Mpiup, Kill::Connection, Kill::Shell, Kill::Ssh, Kill::Manager];

/// What is on one node of packages that are not whole, and of dpkg's own journal.
const INTERRUPTED: &str = "dpkg --audit; ls /var/lib/dpkg/updates; dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | grep -v '^ii' || true";

struct Scene<'a> {
    operator: Operator<'a>,
    stops: Vec<Stop<'a>>,
    before: Vec<tree::Snapshot>,
    /// What each node had of it before: this computer's dpkg may know removed packages.
    whole: Vec<String>,
}

fn lab(turn: crate::support::turn::Turn) -> TestLab {
    TestLab::with(turn, 2, &["openmpi-bin"])
}

impl<'a> Scene<'a> {
    fn on(lab: &'a TestLab) -> Self {
        let stops: Vec<Stop<'a>> = lab.nodes().iter().map(|node| Stop::on(lab, node)).collect();
        for node in lab.nodes() {
            lab.script(&node, REPOSITORY);
        }
        let whole = lab.nodes().iter().map(|node| lab.inside(node, INTERRUPTED)).collect();
        Self { operator: Operator::new(lab, "distro"), stops, before: tree::look(lab), whole }
    }

    /// Starts a command, and ends it in this way where this package's script runs on this node.
    fn killed(&self, stop: &Stop<'_>, command: &[&str], point: &str, kill: Kill) {
        eprintln!("{} on {}: {kill:?} at {point}", command[0], stop.node());
        stop.at(point);
        let mut mpiup = self.operator.start(command);
        let stopped = stop.wait(&mut mpiup).unwrap_or_else(|| panic!("{point} did not come"));
        stop.kill(kill, &stopped, &mut mpiup);
        let ran = end(mpiup);
        let left = self.operator.lab.inside(stop.node(), INTERRUPTED);
        match kill {
            Kill::Shell | Kill::Manager => assert_ne!(self.whole_of(stop), left, "{kill:?} at {point} interrupts"),
            // Nobody listens any more, and what apt began it ended.
            _ => assert_eq!(self.whole_of(stop), left, "{kill:?} at {point}"),
        }
        let said = ran.as_ref().map(|ran| ran.stderr.as_str());
        match kill {
            Kill::Mpiup => assert_eq!(said, None),
            Kill::Manager => {
                let said = said.unwrap();
                assert!(
                    said.contains("apt did not install libopenmpi-dev") || said.contains("apt did not remove "),
                    "{said}"
                );
            }
            _ => assert!(said.unwrap().contains("ended during"), "{kill:?} at {point}: {ran:?}"),
        }
    }

    fn whole_of(&self, stop: &Stop<'_>) -> &str {
        &self.whole[self.stops.iter().position(|other| other.node() == stop.node()).unwrap()]
    }

    fn is_ready(&self) {
        self.operator.up();
        is_whole(&self.operator);
        for (stop, whole) in self.stops.iter().zip(&self.whole) {
            assert_eq!(self.operator.lab.inside(stop.node(), INTERRUPTED), *whole);
        }
    }

    fn is_as_before(&self) {
        self.operator.down(&[]);
        let lab = self.operator.lab;
        for ((node, before), after) in lab.nodes().iter().zip(&self.before).zip(&tree::look(lab)) {
            before.assert_restored(node, after, tree::stays_after_apt);
            assert_eq!(lab.inside(node, "dpkg --audit"), "");
        }
    }
}

/// One way each: all ends, every script of the packages, both nodes, and both ways to go on.
#[test]
fn killed_while_packages_come_and_go() {
    let lab = lab(turn!());
    let scene = Scene::on(&lab);
    let [head, client] = &scene.stops[..] else { panic!("two nodes") };

    somebody_elses_stay(&scene, client);
    somebody_at_work_is_waited_for(&scene, client);
    scene.killed(client, UP, UNPACKS[1], Kill::Shell);
    scene.killed(client, UP, CONFIGURES[0], Kill::Shell);
    scene.killed(client, UP, CONFIGURES[1], Kill::Connection);
    scene.is_ready();

    scene.killed(head, DOWN, REMOVES[0], Kill::Shell);
    scene.killed(head, DOWN, REMOVES[1], Kill::Manager);
    scene.is_ready();
    scene.killed(head, DOWN, REMOVES[2], Kill::Manager);
    scene.killed(head, DOWN, REMOVES[3], Kill::Ssh);
    scene.is_as_before();

    scene.killed(client, UP, UNPACKS[0], Kill::Shell);
    scene.is_as_before();
    scene.killed(head, UP, CONFIGURES[0], Kill::Mpiup);
    scene.is_as_before();
}

/// dpkg is in the middle of a package of somebody's own: `up` says so and does nothing there.
fn somebody_elses_stay(scene: &Scene<'_>, client: &Stop<'_>) {
    let (lab, node) = (scene.operator.lab, client.node());
    lab.inside(node, "touch /kill/fails; dpkg -i /kill/repository/mpiup-lab-other.deb >/dev/null 2>&1; rm /kill/fails");
    let theirs =
        || lab.inside(node, "dpkg-query -W -f '${db:Status-Abbrev}' mpiup-lab-other; ls /var/lib/dpkg/updates");
    assert_eq!(theirs(), "iF ");
    let ran = scene.operator.mpiup(UP);
    let said = ran.said();
    assert!(
        ran.code == 1
            && said.contains("dpkg was interrupted at packages that are not mpiup's (mpiup-lab-other), which stay"),
        "{ran:?}"
    );
    assert_eq!(theirs(), "iF ");
    assert_eq!(lab.inside(node, "ls -d /usr/share/libopenmpi-dev 2>/dev/null || true"), "");
    lab.inside(node, "dpkg --purge mpiup-lab-other >/dev/null 2>&1");
}

/// Another program has dpkg's lock: mpiup says which, waits, and goes on when it has ended.
fn somebody_at_work_is_waited_for(scene: &Scene<'_>, client: &Stop<'_>) {
    let (lab, node) = (scene.operator.lab, client.node());
    let holds = "import fcntl, os, time; f = open('/var/lib/dpkg/lock-frontend', 'a'); fcntl.lockf(f, fcntl.LOCK_EX)\n\
                 open('/kill/holder', 'w').write(str(os.getpid())); time.sleep(600)";
    lab.inside(node, &format!("setsid -f /usr/bin/python3 -c \"{holds}\" </dev/null >/dev/null 2>&1"));
    wait_until("it is held", Duration::from_secs(30), || {
        !lab.inside(node, "cat /kill/holder 2>/dev/null || true").is_empty()
    });
    client.at(UNPACKS[0]);
    let mut up = scene.operator.start(UP);
    wait_until("mpiup waits", Duration::from_secs(60), || {
        lab.inside(node, "grep -c 'held by process' /var/lib/mpiup/aula/manager/errors 2>/dev/null || true") == "1"
    });
    let holder = lab.inside(node, "cat /kill/holder; kill $(cat /kill/holder); rm /kill/holder");
    let stopped = client.wait(&mut up).unwrap();
    client.kill(Kill::Manager, &stopped, &mut up);
    let ran = end(up).unwrap();
    let waits = format!("waits for process {holder} (python3), which is at work on the packages here");
    assert!(ran.said().contains(&waits), "{waits}: {ran:?}");
}

/// Each script of the packages with each end, on both nodes, from the bare tree and back to it: `MPIUP_KILLS=1/4` is the second
/// quarter.
#[test]
#[ignore = "takes half an hour; `cargo test --test lab_kills packages -- --ignored --nocapture`"]
fn killed_at_every_script_of_the_packages_in_every_way() {
    let lab = lab(turn!());
    let scene = Scene::on(&lab);
    let points = UNPACKS.iter().chain(&CONFIGURES).map(|point| (UP, *point));
    let points: Vec<_> = points.chain(REMOVES.iter().map(|point| (DOWN, *point))).collect();
    let all = scene.stops.iter().flat_map(|stop| points.iter().map(move |point| (stop, point)));
    let all: Vec<_> = all.flat_map(|(stop, point)| ENDS.map(|kill| (stop, point, kill))).collect();
    for (number, (stop, (command, point), kill)) in crate::part_of(all) {
        if *command == DOWN {
            scene.operator.up();
        }
        scene.killed(stop, command, point, kill);
        if number % 2 == 0 {
            scene.is_ready();
        }
        scene.is_as_before();
    }
}
