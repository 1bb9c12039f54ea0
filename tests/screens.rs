//! Whole screens, as a person sees them on a terminal of 80 columns without colour: each verb on nodes that were recorded
//! from real ones, which answer as `changes/sh` does.

#![allow(clippy::unwrap_used, reason = "a test that cannot look has failed")]

#[path = "support/nodes.rs"]
mod nodes;
#[path = "support/stage.rs"]
mod stage;

use std::process::{Command, Stdio};

use mpiup::{
    changes::text::public_key_of,
    error::Error,
    node::FakeRecord,
    steps::{Cluster, plan},
};
use nodes::{Report, after, agree, bare, recorded, spec, spec_of};
use stage::{Play, Stage, screen};

/// Bare nodes that have the environment already: what it brings is another test's matter.
fn prepared() -> Vec<Report> {
    let cluster = agree(&spec(""), &bare()).unwrap();
    bare().into_iter().zip(&cluster.members).map(|(report, member)| report.with("env_stamp", &member.env_key)).collect()
}

/// The same nodes when all is done.
fn set_up() -> Vec<Report> {
    let cluster = agree(&spec(""), &prepared()).unwrap();
    after(&cluster, &plan(&cluster), &prepared())
}

fn unreachable() -> Error {
    Error::failed("the machine at 10.77.0.3 does not answer")
        .because("ssh: connect to host 10.77.0.3 port 22: Connection timed out")
        .hinted("Is it switched on, and on the network? `ping 10.77.0.3`")
}

#[test]
fn plan_of_bare_nodes() {
    let mut reports = prepared();
    // One node is somebody's already.
    reports[1] = recorded("zsh-client1").with("boot_id", "1").with("env_stamp", "old");
    screen("plan_of_bare_nodes", Stage::of(reports).play(Play::Plan));
}

#[test]
fn plan_with_packages() {
    let rest = "[mpi]\nsource = \"distro\"\n";
    let apt = "Inst libevent-core-2.1-7 (2.1.12-stable-8 Debian:12.11/stable [amd64])\nInst libpmix2 [4.2.2-1] (4.2.2-1+deb12u1 Debian:12.11/stable [amd64])\nInst libhwloc15 (2.9.0-1 Debian:12.11/stable [amd64])\nInst openmpi-common (4.1.4-3 Debian:12.11/stable [all])\nInst openmpi-bin (4.1.4-3+b1 Debian:12.11/stable [amd64])\nInst libopenmpi-dev (4.1.4-3+b1 Debian:12.11/stable [amd64])";
    let reports = set_up().into_iter().map(|report| report.with("apt", apt)).collect();
    screen("plan_with_packages", Stage::of(reports).spec(spec(rest)).play(Play::Plan));
}

/// It answers, and cannot be used: its reason is said once, and nobody is told to bring it back.
#[test]
fn plan_where_the_head_node_cannot_export() {
    let rest = "[share]\nkind = \"nfs\"\n";
    screen("plan_where_the_head_node_cannot_export", Stage::of(set_up()).spec(spec(rest)).play(Play::Plan));
}

/// All nodes stand in one text: whoever runs it as it stands changes nothing, and is told what to run.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test starts a shell as a person does")]
fn the_shell_of_a_plan_is_not_run_as_a_whole() {
    let shown = Stage::of(prepared()).play(Play::PlanSh);
    let (head, parts) = shown.split_once("\n# ---- master, wave 1 ----\n").unwrap();
    assert!(parts.contains("\n# ---- client2, wave 2 ----\n"));
    let (_, script) = head.split_once("#!/bin/sh\n").unwrap();
    let mut shell = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(std::mem::take(&mut shell.stderr)).unwrap();
    assert_eq!((shell.status.code(), said.contains("Nothing was done")), (Some(1), true), "{said}");
    let words: Vec<&str> = script.lines().take_while(|line| line.starts_with('#')).collect();
    insta::assert_snapshot!(words.join("\n"), @r"
    # What `mpiup up` does, node by node: to be read, to be signed, not to be run as it stands. By hand, on a node and as the
    # user whom mpiup becomes there (root, or who logs in):
    # * run what stands above the first line that begins with `# ----`, and behind it that node's own part. `wave 1` comes on all
    #   nodes before `wave 2` on any. The part of a node that left stands alone.
    # * put the text of each node's `.ssh/mpiup_CLUSTER.pub`, which wave 1 made in the home of the cluster's user, in the place of
    #   its `⟨public key of NODE⟩`.
    # * The Python environment is not in here: `up` sends it over standard input, into the folder that `do_tree` notes.
    # * What is `guarded` goes back after 30 s unless somebody confirms it: see `Under guard` in docs/journal.md.
    ");
}

/// Each with a firewall of its own.
#[test]
fn plan_behind_firewalls() {
    let mut reports = set_up();
    reports[0] = reports[0].clone().with("ufw", "DEFAULT_INPUT_POLICY=\"DROP\"\n");
    let chain = "table inet filter {\nchain input {\ntype filter hook input priority 0; policy drop;\ntcp dport 22 accept\n}\n}\n";
    reports[1] = reports[1].clone().with("nft", chain);
    let zones = "public\n\npublic (active)\n  target: default\n  interfaces: eth0\n  rich rules:\n";
    reports[2] = reports[2].clone().with("firewalld", zones);
    screen("plan_behind_firewalls", Stage::of(reports).play(Play::Plan));
}

const NFS: &str = "[share]\nkind = \"nfs\"\n";

/// Machines whose share comes over NFS, before and after.
fn over_nfs() -> (Vec<Report>, Vec<Report>) {
    let before: Vec<Report> = prepared().into_iter().map(Report::machine).collect();
    let cluster = agree(&spec(NFS), &before).unwrap();
    let after = after(&cluster, &plan(&cluster), &before);
    (before, after)
}

#[test]
fn plan_with_nfs() {
    let (_, mut reports) = over_nfs();
    // As where all else is there already.
    for report in &mut reports {
        let known = report.facts().journal.into_iter().map(|entry| entry.key);
        let of_nfs =
            known.filter(|key| ["exports", "nfs-server", "mount /", "fstab"].iter().any(|word| key.contains(word)));
        for key in of_nfs {
            *report = report.clone().replacing("journal", &format!("\tyes\t{key}\t"), &format!("\tno\t{key}\t"));
        }
        *report = report
            .clone()
            .with("packages", "")
            .gone("/etc/exports.d")
            .gone("/etc/exports.d/mpiup-aula.exports")
            .file("/etc/fstab", "644", "root", "UUID=0a3407de / ext4 errors=remount-ro 0 1\n");
    }
    let apt = "Inst libnfsidmap1 (1:2.6.2-4+deb12u1 Debian:12.11/stable [amd64])\nInst rpcbind (1.2.6-6+b1 Debian:12.11/stable [amd64])\nInst nfs-common (1:2.6.2-4+deb12u1 Debian:12.11/stable [amd64])";
    let server = "\nInst nfs-kernel-server (1:2.6.2-4+deb12u1 Debian:12.11/stable [amd64])";
    for (number, report) in reports.iter_mut().enumerate() {
        *report = report.clone().with("apt", &format!("{apt}{}", if number == 0 { server } else { "" }));
    }
    screen("plan_with_nfs", Stage::of(reports).spec(spec(NFS)).play(Play::Plan));
}

#[test]
fn up_with_nfs() {
    let (before, after) = over_nfs();
    screen("up_with_nfs", Stage::of(before).spec(spec(NFS)).then(after).answer("y").play(Play::Up));
}

/// One node has something else mounted where the share should be: the others go on without it.
#[test]
fn up_where_one_node_sees_other_files() {
    let (_, after) = over_nfs();
    let without = |report: Report| report.file("~/MPI/hosts", "644", "mpi", "master slots=2\nclient2 slots=2\n");
    let stage = Stage::of(after).spec(spec(NFS)).then_each(without);
    let stage = stage.says("client1", 1, "what master writes is not seen there");
    screen("up_where_one_node_sees_other_files", stage.answer("y").play(Play::Up));
}

#[test]
fn status_with_nfs() {
    let (_, mut reports) = over_nfs();
    reports[1] = reports[1].clone().with("share_mounts", "ext4\t/\t/dev/vda1");
    reports[2] = reports[2].clone().with("share_silent", "no answer within 15 s");
    screen("status_with_nfs", Stage::of(reports).spec(spec(NFS)).play(Play::Status));
}

#[test]
fn plan_of_a_cluster_that_is_set_up() {
    screen("plan_of_a_cluster_that_is_set_up", Stage::of(set_up()).play(Play::Plan));
}

/// On the wire, the log-in's greeting comes before: two round trips in all. That there is one log-in is counted on real machines.
#[test]
fn what_is_as_it_should_be_is_asked_about_once() {
    for (play, proofs) in [(Play::Plan, 0), (Play::Up, 1)] {
        let requests = Stage::of(set_up()).requests(play);
        let counts: Vec<usize> = requests.iter().map(Vec::len).collect();
        assert_eq!(counts, [1 + proofs, 1, 1]);
        assert!(requests.iter().all(|scripts| scripts[0].contains("what is seen on a node")));
        // Only the head node has more to do, and only in `up`.
        assert!(requests[0][1..].iter().all(|script| script.contains("mpiexec ")));
    }
}

/// Mode and owner of what is mpiup's own are part of it.
#[test]
fn plan_after_somebody_changed_modes_and_owners() {
    let mut reports = set_up();
    reports[1] = reports[1]
        .clone()
        .file("~/.ssh/mpiup_aula", "644", "mpi", "")
        .file("~/.mpiup/node", "600", "root", "client1\n")
        .folder("~/.mpiup", "777", "mpi");
    // A key that somebody else has in hand is made anew.
    reports[2] = reports[2].clone().file("~/.ssh/mpiup_aula", "600", "ana", "");
    screen("plan_after_somebody_changed_modes_and_owners", Stage::of(reports).play(Play::Plan));
}

#[test]
fn plan_without_one_node() {
    screen("plan_without_one_node", Stage::of(set_up()).lost("client2", unreachable()).play(Play::Plan));
}

#[test]
fn plan_without_the_head_node() {
    screen("plan_without_the_head_node", Stage::of(set_up()).lost("master", unreachable()).play(Play::Plan));
}

/// What could lock somebody out says how it goes back.
#[test]
fn plan_with_a_change_under_guard() {
    let mut reports = set_up();
    reports[1] = reports[1].clone().replacing("sshd", "pubkeyauthentication yes", "pubkeyauthentication no");
    screen("plan_with_a_change_under_guard", Stage::of(reports).play(Play::Plan));
}

/// The change of sshd's file, which is under guard, and how client1's last one ended.
fn guarded(unconfirmed: &str) -> Stage {
    let off = |report: Report| report.replacing("sshd", "pubkeyauthentication yes", "pubkeyauthentication no");
    let mut reports = set_up();
    reports[1] = off(reports[1].clone()).with("unconfirmed", unconfirmed);
    Stage::of(reports).then(set_up())
}

const SSHD: &str = "/etc/ssh/sshd_config.d/10-mpiup.conf";

/// Nobody was there to be told when it did: the next command tells it, once, where the same comes up again.
#[test]
fn a_change_that_went_back_by_itself() {
    let told = format!("back make file {SSHD}");
    screen("up_after_a_change_went_back_by_itself", guarded(&told).answer("y").play(Play::Up));
    let warnings = |screen: String| screen.matches("warning: client1: the last change of ").count();
    for play in [Play::Plan, Play::Status] {
        assert_eq!(warnings(guarded(&told).play(play)), 1);
    }
    assert_eq!(warnings(guarded("back make file /etc/other").play(Play::Plan)), 0, "it does not come up again");
    assert_eq!(warnings(guarded(&told).play(Play::Down)), 0, "there is nothing of it to take back");
}

/// A power cut: the node's next script takes it back, and then it is made again.
#[test]
fn a_change_that_nobody_confirmed_still_stands() {
    let mut reports = set_up_but_hosts();
    reports[1] = reports[1].clone().with("unconfirmed", &format!("stands make file {SSHD}"));
    screen("plan_with_a_change_that_nobody_confirmed", Stage::of(reports.clone()).play(Play::Plan));
    let up = Stage::of(reports).answer("y").play(Play::Up);
    assert_eq!(up.matches("client1: block in /etc/hosts").count(), 2, "made again, and not for ever: {up}");
    assert!(up.contains("was made, and is not there any more"), "{up}");
}

#[test]
fn down_after_a_removal_went_back_by_itself() {
    let told = "back undo block /etc/hosts";
    let reports = set_up().into_iter().map(|report| report.with("unconfirmed", told)).collect();
    let screen = Stage::of(reports).answer("n").play(Play::Down);
    let said = "warning: master,client[1-2]: the last `mpiup down` could not take /etc/hosts\n\
        \x20        back, since it or its connection ended before a new log-in got through\n\
        \x20        without it; this one tries again\n";
    assert!(screen.contains(said), "{screen}");
}

#[test]
fn up_the_first_time() {
    screen("up_the_first_time", Stage::of(prepared()).then(set_up()).answer("y").play(Play::Up));
}

#[test]
fn up_the_second_time() {
    screen("up_the_second_time", Stage::of(set_up()).play(Play::Up));
}

#[test]
fn up_and_the_answer_is_no() {
    screen("up_and_the_answer_is_no", Stage::of(set_up_but_hosts()).answer("n").play(Play::Up));
}

/// Nobody can be asked: a script has to say `--yes`.
#[test]
fn up_without_a_terminal() {
    screen("up_without_a_terminal", Stage::of(set_up_but_hosts()).play(Play::Up));
}

fn set_up_but_hosts() -> Vec<Report> {
    let mut reports = set_up();
    let hosts = bare()[1].text("/etc/hosts").unwrap();
    reports[1] = reports[1].clone().file("/etc/hosts", "644", "root", &hosts);
    reports
}

/// A change fails on one node: the others go on without it.
#[test]
fn up_where_one_node_fails() {
    let why = "mv: cannot move '/etc/hosts.mpiup.client1' to '/etc/hosts': Read-only file system";
    let without = |report: Report| report.file("~/MPI/hosts", "644", "mpi", "master slots=2\nclient2 slots=2\n");
    let then = set_up().into_iter().map(without).collect();
    let stage = Stage::of(set_up_but_hosts()).fails("client1", "block /etc/hosts", why).then(then);
    screen("up_where_one_node_fails", stage.answer("y").play(Play::Up));
}

/// What is written there is overwritten by somebody else, again and again.
#[test]
fn up_that_does_not_last() {
    screen("up_that_does_not_last", Stage::of(set_up_but_hosts()).answer("y").play(Play::Up));
}

#[test]
fn up_where_the_job_fails() {
    let said = "A process or daemon was unable to complete a TCP connection\nto another process:\n  Local host:    client1\n  Remote host:   master\nThis is usually caused by a firewall on the remote host.";
    screen("up_where_the_job_fails", Stage::of(set_up()).job_fails(said).play(Play::Up));
}

/// The set-up nodes without client2, which is no longer in the spec; what they say once they have forgotten it; and itself.
fn one_left() -> (Stage, Report) {
    let spec = spec_of(&[("master", "10.77.0.1"), ("client1", "10.77.0.2")], "");
    let [master, client1, client2] = set_up().try_into().unwrap();
    let note = "master 10.77.0.1 head\nclient1 10.77.0.2\nclient2 ana@10.77.0.3\n";
    let reports = vec![master.with("members", note), client1.with("members", note)];
    let cluster = agree(&spec, &reports).unwrap();
    let then = after(&cluster, &plan(&cluster), &reports);
    (Stage::of(reports).spec(spec).then(then), client2)
}

#[test]
fn plan_when_a_node_leaves() {
    let (stage, client2) = one_left();
    screen("plan_when_a_node_leaves", stage.left("client2", "ana@10.77.0.3", Some(client2)).play(Play::Plan));
}

#[test]
fn up_when_a_node_leaves() {
    let (stage, client2) = one_left();
    let stage = stage.left("client2", "ana@10.77.0.3", Some(client2)).keeps(
        "client2",
        "dir /home/mpi/MPI",
        "/home/mpi/MPI holds files that mpiup did not put there",
    );
    screen("up_when_a_node_leaves", stage.answer("y").play(Play::Up));
}

#[test]
fn up_when_a_node_has_left_that_cannot_be_reached() {
    let (stage, _) = one_left();
    let stage = stage.left("client2", "ana@10.77.0.3", None).answer("y");
    screen("up_when_a_node_has_left_that_cannot_be_reached", stage.play(Play::Up));
}

/// The same where the share comes over NFS.
fn one_left_over_nfs() -> Stage {
    let spec = spec_of(&[("master", "10.77.0.1"), ("client1", "10.77.0.2")], NFS);
    let [master, client1, client2] = over_nfs().1.try_into().unwrap();
    let reports = vec![master.with("members", NOTE), client1.with("members", NOTE)];
    let cluster = agree(&spec, &reports).unwrap();
    let then = after(&cluster, &plan(&cluster), &reports);
    Stage::of(reports).spec(spec).then(then).left("client2", "10.77.0.3", Some(client2))
}

const NOTE: &str = "master 10.77.0.1 head\nclient1 10.77.0.2\nclient2 10.77.0.3\n";
const MOUNT: &str = "mount /home/mpi/MPI";

/// The head goes on exporting to it, and nothing else changes: what it writes would be lost.
#[test]
fn up_when_a_node_leaves_that_uses_the_share() {
    let in_use = "/home/mpi/MPI stays mounted, because it is in use by python3 (4711 of mpi): end that on this node, then `mpiup down` goes on";
    let stage = || one_left_over_nfs().holds("client2", MOUNT, in_use).answer("y");
    screen("up_when_a_node_leaves_that_uses_the_share", stage().play(Play::Up));
    let is_changed = |scripts: &Vec<String>| scripts.iter().any(|script| script.contains("\nbegin "));
    assert!(!stage().requests(Play::Up).iter().any(is_changed));
    // The same where nobody knows: it could not be taken back so far, or somebody else is at work on it.
    let stage = || one_left_over_nfs().answer("y");
    for (why, stage) in [("fails", stage().fails("client2", MOUNT, "no")), ("in use", stage().in_use("client2"))] {
        let (screen, records) = stage.played(Play::Up);
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains("nothing changes on the other nodes") && screen.ends_with("[exit code 1]"), "{screen}");
        assert!(!records.iter().map(FakeRecord::scripts).any(|scripts| is_changed(&scripts)), "{why}: {screen}");
    }
    // What failed later has no mount any more.
    let screen = one_left_over_nfs().fails("client2", "block /etc/fstab", "no").answer("y").play(Play::Up);
    assert!(screen.contains("aula is ready"), "{screen}");
}

/// It is found again as long as something of the cluster is on it that can go one day; what is somebody's own is no such thing.
#[test]
fn up_when_a_node_leaves_that_is_not_finished() {
    let runs = "account mpi stays: it still runs sleep (4711); `mpiup down` goes on once that has ended";
    let own =
        "account mpi and /home/mpi stay: the home holds files of its own (notes); `mpiup down --purge` removes them";
    let held = one_left_over_nfs().holds("client2", "user mpi", runs);
    let kept = one_left_over_nfs().keeps("client2", "user mpi", own);
    for (stage, code, note) in [(held, 1, None), (kept, 0, Some("master 10.77.0.1 head\nclient1 10.77.0.2\n"))] {
        let (screen, records) = stage.answer("y").played(Play::Up);
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains("aula is ready") && screen.ends_with(&format!("[exit code {code}]")), "{screen}");
        assert_eq!(screen.contains("but client2 was not taken back"), code == 1, "{screen}");
        assert!(!screen.contains("`mpiup down` goes on"), "that is for the others: {screen}");
        for scripts in records.iter().map(FakeRecord::scripts) {
            let begin = scripts.iter().find(|script| script.contains("\nbegin ")).unwrap();
            let noted = begin.split_once("\nnote_members <<'END' || exit 1\n").map(|(_, noted)| noted);
            assert_eq!(
                noted.map(|noted| noted.split_once("END\n").unwrap().0),
                note,
                "it stands there already: {screen}"
            );
        }
    }
}

/// What the head is told of who has the share mounted: its export and its firewall stay while somebody has.
#[test]
fn down_asks_who_has_the_share_before_it_goes() {
    let reports = || over_nfs().1.into_iter().map(|report| report.with("members", NOTE)).collect::<Vec<_>>();
    let stage = || Stage::of(reports()).spec(spec(NFS)).answer("y");
    let told = |stage: Stage, play: Play| {
        let (screen, records) = stage.played(play);
        let scripts = records[0].scripts();
        let script = scripts.iter().rev().find(|script| script.contains("\nundo_all ")).expect(&screen);
        let call = script.lines().rev().find_map(|line| line.strip_prefix("undo_all /var/lib/mpiup/aula no "));
        (call.unwrap().to_owned(), script.contains("\nmpiup_unasked=yes\n"))
    };
    let told_by = |stage: Stage| told(stage, Play::Down);
    assert_eq!(told_by(stage()), ("''".into(), false));
    assert_eq!(told_by(stage().keeps("client1", MOUNT, "it is in use")), ("client1".into(), false));
    // Not taken back so far; taken back, and something else failed; in use by another operator; and off, who is not waited for.
    assert_eq!(told_by(stage().fails("client2", MOUNT, "no")), ("client2".into(), false));
    assert_eq!(told_by(stage().fails("client2", "block /etc/fstab", "no")), ("''".into(), false));
    assert_eq!(told_by(stage().in_use("client1").answer("y")), ("client1".into(), false));
    assert_eq!(told_by(stage().lost("client2", unreachable())), ("''".into(), false));
    // The head alone, by hand.
    let alone = || Stage::of(reports()[..1].to_vec()).spec(spec_of(&[("master", "10.77.0.1")], NFS)).answer("y");
    assert_eq!(told(alone(), Play::DownByNodes(None)), ("''".into(), true));
}

/// The head node leaves, and only one node stays.
#[test]
fn plan_when_the_head_leaves() {
    let [master, client1, _] = set_up().try_into().unwrap();
    let client1 = client1.with("members", "master 10.77.0.1 head\nclient1 10.77.0.2\n");
    let stage = Stage::of(vec![client1]).spec(spec_of(&[("client1", "10.77.0.2")], ""));
    screen("plan_when_the_head_leaves", stage.left("master", "10.77.0.1", Some(master)).play(Play::Plan));
}

/// The head node exports what the others have mounted: it cannot simply go.
#[test]
fn up_when_the_head_of_a_share_over_nfs_leaves() {
    let [master, client1, _] = set_up().try_into().unwrap();
    let client1 = client1.with("members", "master 10.77.0.1 head\nclient1 10.77.0.2\n");
    let spec = spec_of(&[("client1", "10.77.0.2")], "[share]\nkind = \"nfs\"\n");
    let stage = Stage::of(vec![client1]).spec(spec).left("master", "10.77.0.1", Some(master));
    screen("up_when_the_head_of_a_share_over_nfs_leaves", stage.play(Play::Up));
}

/// Another name for the same machine is no leaving, and what a leaver's journal does not hold is not taken back.
#[test]
fn a_node_that_was_renamed_has_not_left() {
    let (stage, _) = one_left();
    let again = set_up().remove(1);
    let text = stage.left("pc1", "pc1.lan", Some(again)).play(Play::Plan);
    assert!(!text.contains("taken back"), "{text}");
    let (stage, _) = one_left();
    let text = stage.left("client2", "10.77.0.3", Some(bare().remove(2))).play(Play::Plan);
    assert!(!text.contains("taken back"), "{text}");
}

/// `down` takes all of it back: also what the spec names no more.
#[test]
fn down_when_a_node_has_left() {
    let (stage, client2) = one_left();
    let stage = stage.left("client2", "ana@10.77.0.3", Some(client2)).answer("y");
    screen("down_when_a_node_has_left", stage.play(Play::Down));
}

/// Three machines that somebody made a cluster by a guide.
#[test]
fn plan_of_a_cluster_that_was_built_by_hand() {
    let stage = Stage::of(nodes::by_hand()).spec(nodes::spec_by_hand());
    screen("plan_of_a_cluster_that_was_built_by_hand", stage.play(Play::Plan));
}

#[test]
fn status_of_bare_nodes() {
    screen("status_of_bare_nodes", Stage::of(bare()).play(Play::Status));
}

#[test]
fn status_of_a_cluster_that_is_set_up() {
    screen("status_of_a_cluster_that_is_set_up", Stage::of(set_up()).play(Play::Status));
}

#[test]
fn status_when_things_differ() {
    let mut reports = set_up_but_hosts();
    reports[0] = reports[0].clone().file("~/MPI/hosts", "644", "mpi", "master slots=1\n");
    screen("status_when_things_differ", Stage::of(reports).lost("client2", unreachable()).play(Play::Status));
}

#[test]
fn status_where_nodes_cannot_agree() {
    let mut reports = bare();
    reports[0] = reports[0].clone().with("passwd_user", "mpi:x:1000:1000::/home/mpi:/bin/bash");
    reports[2] = reports[2].clone().with("passwd_user", "mpi:x:1000:1000::/export/home/mpi:/bin/bash");
    screen("status_where_nodes_cannot_agree", Stage::of(reports).play(Play::Status));
}

/// Four nodes that are set up, and what became of two of them since.
fn worn(one: impl Fn(Report) -> Report, other: impl Fn(Report) -> Report) -> Stage {
    let nodes = [("master", 1), ("client1", 2), ("client2", 3), ("client3", 4)];
    let nodes = nodes.map(|(name, number)| (name, format!("10.77.0.{number}")));
    let spec = spec_of(&nodes.each_ref().map(|(name, address)| (*name, address.as_str())), "");
    let last = recorded("bare-client2").with("boot_id", "boot-3").replacing("addresses", "10.77.0.3", "10.77.0.4");
    let all = [bare(), vec![last]].concat();
    let key = agree(&spec, &all).unwrap().members[0].env_key.clone();
    let all: Vec<Report> = all.into_iter().map(|report| report.with("env_stamp", &key)).collect();
    let cluster = agree(&spec, &all).unwrap();
    let mut reports = after(&cluster, &plan(&cluster), &all);
    reports[2] = one(reports[2].clone());
    reports[3] = other(reports[3].clone());
    Stage::of(reports).spec(spec)
}

/// Equal reasons are said once, and the names of the nodes are those of the spec's order.
#[test]
fn up_without_python_on_two_nodes() {
    let gone = |report: Report| report.without("python");
    let without = |report: Report| report.file("~/MPI/hosts", "644", "mpi", "master slots=2\nclient1 slots=2\n");
    screen("up_without_python_on_two_nodes", worn(gone, gone).then_each(without).answer("y").play(Play::Up));
}

#[test]
fn status_with_a_full_disk_and_a_wrong_clock() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let full = |report: Report| report.with("state_free", "overlay 61255492 61255492 0 100% /");
    let late = |report: Report| report.with("clock", &(now - 10_950).to_string());
    let stage = worn(full, late);
    screen("status_with_a_full_disk_and_a_wrong_clock", stage.clocks(now).play(Play::Status));
}

#[test]
fn status_of_one_difference() {
    let mut reports = set_up();
    reports[1] = reports[1].clone().replacing("file 644 root /etc/hosts", "10.77.0.3", "10.77.0.9");
    screen("status_of_one_difference", Stage::of(reports).play(Play::Status));
}

/// The operator's own clock is the odd one: that is said, and nobody is left out.
#[test]
fn status_by_a_wrong_clock_of_the_operator() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let stage = worn(|report| report, |report| report);
    screen("status_by_a_wrong_clock_of_the_operator", stage.clocks(now + 10_950).play(Play::Status));
}

/// Most of them have one home: the other one is left out.
#[test]
fn plan_where_one_home_is_elsewhere() {
    let moved = |report: Report| report.with("passwd_user", "mpi:x:1000:1000::/export/mpi:/bin/bash");
    screen("plan_where_one_home_is_elsewhere", worn(moved, |report| report).play(Play::Plan));
}

#[test]
fn exec_folds_equal_answers() {
    let stage = Stage::of(set_up()).says("master", 0, "6.1.0-18-amd64\n").says("client1", 0, "6.1.0-18-amd64\n");
    screen("exec_folds_equal_answers", stage.says("client2", 0, "5.15.0-91-generic\n").play(Play::Exec("uname -r")));
}

#[test]
fn exec_that_fails_somewhere() {
    let stage = Stage::of(set_up()).says("client1", 1, "ls: cannot access '/data': No such file or directory\n");
    screen("exec_that_fails_somewhere", stage.lost("client2", unreachable()).play(Play::Exec("ls /data")));
}

#[test]
fn down_of_a_cluster() {
    screen("down_of_a_cluster", Stage::of(set_up()).answer("y").play(Play::Down));
}

#[test]
fn down_of_nothing() {
    screen("down_of_nothing", Stage::of(bare()).play(Play::Down));
}

#[test]
fn down_that_keeps_something() {
    let stage = Stage::of(set_up()).keeps(
        "client1",
        "dir /home/mpi/MPI",
        "/home/mpi/MPI holds files that mpiup did not put there",
    );
    screen("down_that_keeps_something", stage.lost("client2", unreachable()).answer("y").play(Play::Down));
}

/// The same is kept on all nodes, and nothing else is left: a second `down` says so.
#[test]
fn down_of_what_has_to_stay() {
    let only = "0001\tyes\tuser mpi\taccount mpi (uid 1000, home /home/mpi)";
    let reports = set_up().into_iter().map(|report| report.with("journal", only)).collect();
    let why = "account mpi and /home/mpi stay: it has jobs of cron or at (/var/spool/cron/crontabs/mpi); `mpiup down --purge` removes them";
    let stage = ["master", "client1", "client2"]
        .into_iter()
        .fold(Stage::of(reports), |stage, node| stage.keeps(node, "user mpi", why));
    screen("down_of_what_has_to_stay", stage.answer("y").play(Play::Down));
}

#[test]
fn down_without_a_spec() {
    screen("down_without_a_spec", Stage::of(set_up()).answer("y").play(Play::DownByNodes(None)));
    screen("down_without_a_spec_of_nothing", Stage::of(bare()).play(Play::DownByNodes(None)));
    let several = Stage::of(set_up()).other_cluster("client2", "lab").play(Play::DownByNodes(None));
    screen("down_without_a_spec_of_several_clusters", several);
    let chosen = Stage::of(set_up()).other_cluster("client2", "lab").answer("n").play(Play::DownByNodes(Some("aula")));
    screen("down_without_a_spec_of_a_named_cluster", chosen);
    let none = Stage::of(set_up()).lost("client1", unreachable()).play(Play::DownByNodes(Some("aule")));
    screen("down_without_a_spec_of_an_unknown_cluster", none);
    let anas = |cluster| {
        let stage = Stage::of(bare()).other_cluster("client1", "anas ana").other_cluster("client2", "anas ana");
        stage.play(Play::DownByNodes(cluster))
    };
    screen("down_without_a_spec_of_somebody_else", anas(None));
    assert_eq!(anas(Some("anas")), anas(None));
}

#[test]
fn wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mpiup.toml");
    let good = "[nodes]\nmaster = \"10.77.0.1\"\n\"client[1-2]\" = \"10.77.0.[2-3]\"\n";
    let typed = [
        ("a node that is not in the spec", good, vec!["exec", "--nodes", "client3", "true"]),
        ("a set that is none", good, vec!["exec", "--nodes", "client[3-1", "true"]),
        ("text that is not TOML", "[nodes]\nmaster = \"10.77.0.1\n", vec!["plan"]),
        ("a key that is misspelt", "[nodes]\nmaster = \"10.77.0.1\"\n[share]\nknd = \"sync\"\n", vec!["plan"]),
        ("a head that is no node", "[cluster]\nhead = \"mastr\"\n[nodes]\nmaster = \"10.77.0.1\"\n", vec!["up"]),
        ("a spec without nodes", "[cluster]\nname = \"aula\"\n", vec!["status"]),
        ("init over a spec", good, vec!["init", "10.77.0.1"]),
    ];
    let mut text = String::new();
    for (about, toml, words) in typed {
        std::fs::write(&file, toml).unwrap();
        text.push_str(&format!("# {about}: mpiup {}\n{}\n", words.join(" "), stage::typed(&file, &words)));
    }
    std::fs::remove_file(&file).unwrap();
    let words = ["init", "--add", "pc4"];
    text.push_str(&format!("# nothing to add to: mpiup {}\n{}\n", words.join(" "), stage::typed(&file, &words)));
    text.push_str(&format!("# nor for down: mpiup down\n{}\n", stage::typed(&file, &["down"])));
    text.push_str(&format!("# no such spec: mpiup plan\n{}\n", stage::typed(&file, &["plan"])));
    screen("wrong_use", text.replace(&folder.path().display().to_string(), "FOLDER"));
}

/// Placeholders are for the plan alone.
#[test]
fn a_node_that_is_set_up_holds_no_placeholder() {
    let cluster: Cluster = agree(&spec(""), &set_up()).unwrap();
    let keys = cluster.members[0].facts.text("~/.ssh/authorized_keys").unwrap();
    assert!(keys.contains("KEY-OF-client2") && !keys.contains(&public_key_of("client2")), "{keys}");
}
