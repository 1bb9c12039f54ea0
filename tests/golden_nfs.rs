//! A share over NFS: facts of real nodes in, changes out; and what is refused before anything is changed.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/nodes.rs"]
mod nodes;

use golden::{Show, golden, table};
use mpiup::{
    spec::Spec,
    steps::plan,
    ui::{Options, Ui},
};
use nodes::{Report, after, agree, bare, spec, spec_of};

const NFS: &str = "[share]\nkind = \"nfs\"\n";
const MPI: &str = "mpi:x:1500:1500::/home/mpi:/bin/bash";
const OF_NFS: Show = Show::Only(&["packages", "nfs-server", "export", "fstab", "mount", "/MPI"]);

fn machines() -> Vec<Report> {
    bare().into_iter().map(Report::machine).collect()
}

/// As `up` leaves them.
fn set_up(spec: &Spec) -> Vec<Report> {
    let cluster = agree(spec, &machines()).unwrap();
    after(&cluster, &plan(&cluster), &machines())
}

/// Packages come though MPI is made of wheels; the export is of an earlier wave than the mounts.
#[test]
fn first_up_with_nfs() {
    golden("first_up_with_nfs", &spec(NFS), &machines(), OF_NFS);
}

/// One transaction, by the names of each system.
#[test]
fn nfs_beside_packages_of_mpi() {
    let mut reports = machines();
    let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"Rocky Linux 9.4\"\n";
    reports[1] = reports[1].clone().with("os", rocky).replacing("tools", "apt-get", "dnf");
    golden(
        "nfs_beside_packages_of_mpi",
        &spec(&format!("{NFS}[mpi]\nsource = \"distro\"\n")),
        &reports,
        Show::Only(&["packages"]),
    );
}

/// A new node is added to the export, and nothing else changes for the others' mounts.
#[test]
fn nfs_and_a_node_is_added() {
    let two = spec_of(&[("master", "10.77.0.1"), ("client1", "10.77.0.2")], NFS);
    let cluster = agree(&two, &machines()[..2]).unwrap();
    let mut reports = after(&cluster, &plan(&cluster), &machines()[..2]);
    reports.push(machines().remove(2));
    golden("nfs_and_a_node_is_added", &spec(NFS), &reports, OF_NFS);
}

/// A line without clients would be one for everybody.
#[test]
fn nothing_is_exported_to_nobody() {
    let one = spec_of(&[("master", "10.77.0.1")], NFS);
    let table = table(&one, &machines()[..1], OF_NFS);
    assert!(!table.contains("export"), "{table}");
}

/// The guide's: a line in /etc/exports, and a mount by hand that the next reboot forgets.
#[test]
fn what_the_guide_set_up_is_adopted() {
    let mut reports = set_up(&spec(NFS));
    for report in &mut reports {
        let journal = report.facts().journal.into_iter().filter(|entry| {
            !["exports", "nfs-server", "mount", "fstab", "packages"].iter().any(|word| entry.key.contains(word))
        });
        let journal: String =
            journal.map(|entry| format!("{}\tyes\t{}\t{}\n", entry.number, entry.key, entry.what)).collect();
        *report =
            report.clone().with("journal", &journal).gone("/etc/exports.d").gone("/etc/exports.d/mpiup-aula.exports");
    }
    let line = "/home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw,sync,subtree_check)";
    reports[0] = reports[0].clone().with("exports", &format!("/etc/exports\t{line}"));
    let fstab = "UUID=0a3407de / ext4 errors=remount-ro 0 1\n";
    reports[1] = reports[1].clone().file("/etc/fstab", "644", "root", fstab);
    let theirs = format!("{fstab}10.77.0.1:/home/mpi/MPI /home/mpi/MPI nfs defaults 0 0\n");
    reports[2] = reports[2].clone().file("/etc/fstab", "644", "root", &theirs);
    golden("what_the_guide_set_up_is_adopted", &spec(NFS), &reports, Show::Everything);
}

/// The head has more names than the one in mpiup.toml. What is mounted is the share where the kernel asks the head for it; of a
/// line in fstab the node's own names tell.
#[test]
fn the_share_by_other_names_of_the_head() {
    let with = |change: &dyn Fn(Report) -> Report| {
        let mut reports = machines();
        reports[0] = reports[0].clone().with("host_name", "aula-srv").plus(
            "addresses",
            "\n2: eth0    inet6 fd00::1/64 scope global \n3: docker0    inet 172.17.0.1/16 scope global docker0\n",
        );
        let bridge = "\n3: docker0    inet 172.17.0.1/16 scope global docker0\n";
        reports[1] = change(reports[1].clone().plus("addresses", bridge));
        agree(&spec(NFS), &reports)
    };
    let mounted = |source: &str, asks: &str| {
        with(&|node| node.with("share_mounts", &format!("nfs4\t/home/mpi/MPI\t{source}{asks}")))
    };
    let listed = |source: &str| {
        let line = format!("{source} /home/mpi/MPI nfs defaults 0 0\n");
        with(&|node| {
            let hosts = node.text("/etc/hosts").unwrap() + "10.77.0.1 srv nfs.aula.lan\n10.9.9.9 master.elsewhere\n";
            node.file("/etc/hosts", "644", "root", &hosts).file("/etc/fstab", "644", "root", &line)
        })
    };
    for source in ["master.aula.lan:/home/mpi/MPI", "srv:/home/mpi/MPI/", "[fd00::1]:/home/mpi/MPI"] {
        let asks = if source.starts_with('[') { "\tfd00::1" } else { "\t10.77.0.1" };
        let cluster = mounted(source, asks).unwrap_or_else(|error| panic!("{source}: {error}"));
        let change = plan(&cluster).nodes[1].changes.iter().find(|change| change.key().starts_with("mount ")).cloned();
        assert_eq!(change.map(|change| change.why).as_deref(), Some("the same files on every node, by NFS 4.2"));
    }
    // Another master, another folder, and what the node serves to itself.
    for (source, asks) in [
        ("master.elsewhere:/home/mpi/MPI", "\t10.9.9.9"),
        ("master.aula.lan:/srv/MPI", "\t10.77.0.1"),
        ("srv:/home/mpi/MPI", "\t172.17.0.1"),
        ("localhost:/home/mpi/MPI", "\t127.0.0.1"),
        ("127.0.0.1:/home/mpi/MPI", "\t127.0.0.1"),
    ] {
        let error = mounted(source, asks).unwrap_err();
        assert!(error.message().contains("and not master:/home/mpi/MPI"), "{source}: {error}");
    }
    for host in ["master.aula.lan", "MASTER.aula.lan", "srv", "nfs.aula.lan", "aula-srv", "[fd00::1]", "10.77.0.1"] {
        assert!(listed(&format!("{host}:/home/mpi/MPI")).is_ok(), "{host}");
    }
    for host in ["nas", "master2", "masterly.lan", "master.elsewhere", "10.9.9.9"] {
        assert!(listed(&format!("{host}:/home/mpi/MPI")).is_err(), "{host}");
    }
}

/// nfsd goes by what names a client most closely, and so does the plan. What is more open than mpiup would have it is said.
#[test]
fn exports_of_others_are_read_as_nfsd_reads_them() {
    let told = |line: &str| {
        let mut reports = machines();
        reports[0] = reports[0].clone().with("exports", &format!("/etc/exports\t/home/mpi/MPI {line}"));
        let cluster = agree(&spec(NFS), &reports).unwrap();
        let is_export = |change: &&mpiup::changes::Change| change.key().ends_with("/mpiup-aula.exports");
        let own = plan(&cluster).nodes[0].changes.iter().find(is_export).and_then(|change| change.texts());
        let own = own.map_or("nothing".to_owned(), |(_, text)| text.lines().last().unwrap_or_default().to_owned());
        let kept = mpiup::steps::adopted(&cluster).into_iter().map(|adopted| format!("= {}\n", adopted.what));
        format!("== {line}\n{}+ {own}\n", kept.collect::<String>())
    };
    let lines = [
        "client1(rw,sync) client2(rw,sync)",
        "client1(rw,sync)",
        "10.77.0.0/16(rw,no_root_squash)",
        "*(rw,sync,no_root_squash)",
        "*(ro)",
        "*(rw) 10.77.0.0/16(ro)",
        "client1(rw,no_root_squash) 10.77.0.3(rw,root_squash)",
    ];
    kept("exports_of_others", &lines.map(told).concat());
}

/// Somebody unmounted it, or stopped the server.
#[test]
fn what_is_gone_is_planned_again() {
    let mut reports = set_up(&spec(NFS));
    reports[0] = reports[0].clone().replacing("nfs", "active active", "active failed");
    reports[2] = reports[2].clone().with("share_mounts", "autofs\t/home/mpi/MPI\tsystemd-1");
    golden("what_is_gone_is_planned_again", &spec(NFS), &reports, Show::Everything);
}

#[test]
fn what_was_interrupted_is_planned_again() {
    let spec = spec(NFS);
    let whole = set_up(&spec);
    let cluster = agree(&spec, &machines()).unwrap();
    for (number, node) in plan(&cluster).nodes.iter().enumerate() {
        for key in node.changes.iter().map(mpiup::changes::Change::key) {
            let mut reports = whole.clone();
            let done = format!("\tyes\t{key}\t");
            reports[number] = reports[number].clone().replacing("journal", &done, &done.replace("yes", "no"));
            let again = plan(&agree(&spec, &reports).unwrap());
            let keys: Vec<String> = again.nodes[number].changes.iter().map(mpiup::changes::Change::key).collect();
            assert_eq!((keys, again.count()), (vec![key], 1));
        }
    }
}

/// Its name, the number of the node, and what is wrong with that.
type Case = (&'static str, usize, fn(Report) -> Report);

/// The screens of what is refused, with the node of this number changed.
fn refused(rest: &str, cases: &[Case]) -> String {
    let mut screens = String::new();
    for (about, number, change) in cases {
        let mut reports = machines();
        reports[*number] = change(reports[*number].clone());
        let (ui, captured) = Ui::captured(Options::default());
        ui.error(&agree(&spec(rest), &reports).err().unwrap_or_else(|| panic!("{about}")));
        screens.push_str(&format!("== {about}\n{}", captured.err()));
    }
    screens
}

fn kept(name: &str, screens: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, screens);
    });
}

#[test]
fn machines_that_cannot_do_nfs() {
    let cases: &[Case] = &[
        ("a container", 1, |node| node.replacing("nfs", "container none", "container docker")),
        ("no systemd", 1, |node| node.replacing("nfs", "systemd yes\n", "")),
        ("no server in the kernel", 0, |node| node.replacing("nfs", "serves yes\n", "")),
        ("no client in the kernel", 2, |node| node.replacing("nfs", "mounts yes\n", "")),
        ("a masked service", 0, |node| node.replacing("nfs", "enabled \n", "enabled masked\n")),
        ("a system that is not known", 1, |node| node.replacing("tools", "apt-get", "nix-env")),
        ("no root", 1, |node| {
            node.with("id", "1500 mpi 1500").with("passwd_self", MPI).with("operator", "mpi").with("passwd_user", MPI)
        }),
    ];
    kept("machines_that_cannot_do_nfs", &refused(NFS, cases));
    // The server needs no client and the other way round.
    let mut reports = machines();
    reports[0] = reports[0].clone().replacing("nfs", "mounts yes\n", "");
    reports[1] = reports[1].clone().replacing("nfs", "serves yes\n", "");
    assert!(agree(&spec(NFS), &reports).is_ok());
}

const DISK_BELOW: &str = "\next4\t/home/mpi/MPI/data\t/dev/vdb1";

/// A cluster that works goes on, and is told; what is exported as well is seen by all.
#[test]
fn file_systems_below_a_share_that_is_exported() {
    let told = |exports: &[&str]| {
        let lines: Vec<String> = exports.iter().map(|line| format!("/etc/exports\t{line}")).collect();
        let mut reports = machines();
        reports[0] = reports[0].clone().plus("share_mounts", DISK_BELOW).with("exports", &lines.join("\n"));
        agree(&spec(NFS), &reports).map(|cluster| {
            let kept = mpiup::steps::adopted(&cluster).into_iter().map(|adopted| adopted.what);
            kept.filter(|what| what.contains("/dev/vdb1")).collect::<Vec<_>>()
        })
    };
    let (share, data) = ("/home/mpi/MPI client1(rw) client2(rw)", "/home/mpi/MPI/data client1(rw) client2(rw)");
    let hidden = "mounts below the share, empty folders on the other nodes unless they are exported too: /dev/vdb1 at /home/mpi/MPI/data";
    assert_eq!(told(&[share]).unwrap(), [hidden]);
    assert_eq!(told(&[share, data]).unwrap(), [""; 0]);
    assert_eq!(told(&[data]).unwrap(), [""; 0]);
    assert_eq!(told(&["/home/mpi/MPI *(rw,crossmnt)"]).unwrap(), [""; 0]);
    let linked =
        machines()[0].clone().with("share_path", "/srv/mpi/MPI").with("exports", &format!("/etc/exports\t{data}"));
    let below = linked.with("share_mounts", "ext4\t/\t/dev/vda1\next4\t/srv/mpi/MPI/data\t/dev/vdb1");
    assert!(agree(&spec(NFS), &[vec![below], machines().split_off(1)].concat()).is_ok());
    assert!(told(&["/srv *(rw,crossmnt)"]).unwrap_err().message().contains("/home/mpi/MPI/data"));
}

#[test]
fn folders_that_cannot_be_shared() {
    let cases: &[Case] = &[
        ("files below the mount", 1, |node| node.with("share_holds", "ejemplo.py\nhosts")),
        ("another mount", 1, |node| node.with("share_mounts", "nfs4\t/home/mpi/MPI\tnas:/export/mpi")),
        ("another disk", 2, |node| node.with("share_mounts", "ext4\t/home/mpi/MPI\t/dev/sdb1")),
        ("another line in fstab", 2, |node| {
            node.file("/etc/fstab", "644", "root", "nas:/export/mpi /home/mpi/MPI nfs defaults 0 0\n")
        }),
        ("no answer", 1, |node| {
            node.with("share_silent", "no answer within 15 s")
                .with("share_mounts", "nfs4\t/home/mpi/MPI\tmaster:/home/mpi/MPI")
        }),
        ("no answer at an address that is not the head's", 1, |node| {
            node.with("share_silent", "no answer within 15 s")
                .with("share_mounts", "nfs4\t/home/mpi/MPI\t10.77.0.9:/home/mpi/MPI\t10.77.0.9")
        }),
        ("a stale one", 1, |node| {
            node.with("share_silent", "Stale file handle").with("share_mounts", "autofs\t/home/mpi/MPI\tsystemd-1")
        }),
        ("a head that mounts it", 0, |node| node.with("share_mounts", "nfs4\t/home/mpi/MPI\tclient1:/home/mpi/MPI")),
        ("a head without a disk", 0, |node| node.with("share_mounts", "overlay\t/\toverlay")),
        ("the guide's slip of a blank", 0, |node| {
            node.with("exports", "/etc/exports\t# MPI\n/etc/exports\t/home/mpi/MPI client1 (rw) client2(rw)")
        }),
        ("an NFS 4 that begins elsewhere", 0, |node| {
            node.with("exports", "/etc/exports\t# /srv/nfs4\n/etc/exports\t/srv/nfs4 *(ro,fsid=0,no_subtree_check)")
        }),
        ("an NFS 4 that begins above", 0, |node| {
            node.with("exports", "/etc/exports.d/lab.exports\t/home *(ro,fsid=root,crossmnt)")
        }),
        ("an NFS 4 that begins at the share", 0, |node| {
            node.with("exports", "/etc/exports\t/home/mpi/MPI *(rw,fsid=0)")
        }),
        ("an NFS 4 that begins at another file system", 0, |node| {
            node.with("exports", "/etc/exports\t/ *(ro,fsid=0)").with("share_mounts", "ext4\t/home\t/dev/vdb1")
        }),
        ("a disk below", 0, |node| node.plus("share_mounts", DISK_BELOW)),
        ("a FUSE below", 0, |node| node.plus("share_mounts", "\nfuse.sshfs\t/home/mpi/MPI/nas\tana@nas:/data")),
    ];
    kept("folders_that_cannot_be_shared", &refused(NFS, cases));
    // Where it begins at the root anyway, or the number means something else, the whole path is found.
    for (line, on) in
        [("/ *(ro,fsid=0)", "/"), ("/ *(ro,fsid=0,crossmnt)", "/home"), ("/srv/nfs4 *(ro,fsid=7)", "/home")]
    {
        let mut reports = machines();
        let head = reports[0].clone().with("exports", &format!("/etc/exports\t{line}"));
        reports[0] = head.with("share_mounts", &format!("ext4\t{on}\t/dev/vda1"));
        assert!(agree(&spec(NFS), &reports).is_ok(), "{line}");
    }
    let name = "[share]\nkind = \"nfs\"\npath = \"my files\"\n";
    let colon = "[share]\nkind = \"nfs\"\npath = \"aula:1\"\n";
    let names = [refused(name, &[("a space", 1, |node| node)]), refused(colon, &[("a colon", 1, |node| node)])];
    kept("folders_whose_name_cannot_be_shared", &names.concat());
}

/// A node that has another address is shut out until the export names it: then its silence is no reason to leave it out.
#[test]
fn a_node_with_another_address_is_let_in_again() {
    let silent = |address: &str| {
        let mut reports = set_up(&spec(NFS));
        let export = "/etc/exports.d/mpiup-aula.exports\t/home/mpi/MPI -rw,sync 10.77.0.2 10.77.0.3";
        reports[0] = reports[0].clone().with("exports", export);
        reports[2] = reports[2]
            .clone()
            .replacing("addresses", "10.77.0.3/16", &format!("{address}/16"))
            .with("share_silent", "Stale file handle")
            .with("share_mounts", "nfs4\t/home/mpi/MPI\tmaster:/home/mpi/MPI");
        let nodes = [("master", "10.77.0.1"), ("client1", "10.77.0.2"), ("client2", address)];
        let spec = spec_of(&nodes, NFS);
        agree(&spec, &reports).map(|cluster| {
            let plan = mpiup::steps::plan(&cluster);
            plan.nodes
                .iter()
                .map(|node| node.changes.iter().map(mpiup::changes::Change::key).collect())
                .collect::<Vec<Vec<String>>>()
        })
    };
    let keys = silent("10.77.0.114").unwrap();
    assert!(keys[0].contains(&"file /etc/exports.d/mpiup-aula.exports".to_owned()), "{keys:?}");
    let touches_share = |key: &&String| key.starts_with("dir ") || key.starts_with("mount ");
    assert_eq!(keys[2].iter().filter(touches_share).collect::<Vec<_>>(), ["mount /home/mpi/MPI"], "asked again");
    assert!(silent("10.77.0.3").unwrap_err().message().contains("does not answer there"));
}

/// The kernel goes on asking where the head was when the share was mounted: it is mounted anew, whether it answers or not.
#[test]
fn a_head_with_another_address_is_asked_anew() {
    let moved = |asked: &str| {
        let mut reports = set_up(&spec(NFS));
        reports[0] = reports[0].clone().replacing("addresses", "10.77.0.1/16", "10.77.0.114/16");
        for report in &mut reports[1..] {
            let mounted = format!("nfs4\t/home/mpi/MPI\tmaster:/home/mpi/MPI\t{asked}");
            *report = report.clone().with("share_mounts", &mounted).with("share_silent", "no answer within 15 s");
        }
        // What answers meanwhile is some other machine's.
        reports[2] = reports[2].clone().with("share_silent", "");
        reports
    };
    let nodes = [("master", "10.77.0.114"), ("client1", "10.77.0.2"), ("client2", "10.77.0.3")];
    let spec = spec_of(&nodes, NFS);
    golden("a_head_with_another_address_is_asked_anew", &spec, &moved("10.77.0.1"), OF_NFS);
    let cluster = agree(&spec, &moved("10.77.0.1")).unwrap();
    let node = plan(&cluster).nodes.remove(1);
    let mount = node.changes.iter().find(|change| change.key() == "mount /home/mpi/MPI").unwrap();
    assert_eq!(mount.why, "mounted anew: it still asks master at 10.77.0.1, an address of before");
    let error = agree(&spec, &moved("10.77.0.114")).unwrap_err();
    assert!(error.message().contains("does not answer there"), "{error:?}");
}

/// NFS knows people by their numbers: they are the same everywhere, or nobody is let in.
#[test]
fn accounts_with_different_numbers() {
    let taken: fn(Report) -> Report = |node| node.plus("ids_in_use", " 1500");
    let other: fn(Report) -> Report = |node| node.with("passwd_user", "mpi:x:1501:1500::/home/mpi:/bin/bash");
    let of_head = |rest: &str, change: fn(Report) -> Report| {
        let mut reports = machines();
        reports[0] = reports[0].clone().with("passwd_user", MPI);
        reports[1] = change(reports[1].clone());
        let (ui, captured) = Ui::captured(Options::default());
        ui.error(&agree(&spec(rest), &reports).unwrap_err());
        captured.err()
    };
    let cases = [("the number is taken there", taken), ("another number", other)];
    let screens: String =
        cases.iter().map(|(about, change)| format!("== {about}\n{}", of_head(NFS, *change))).collect();
    kept("accounts_with_different_numbers", &screens);
    // Without the head's account, the others' number becomes its own.
    let mut reports = machines();
    reports[2] = reports[2].clone().with("passwd_user", MPI);
    let cluster = agree(&spec(NFS), &reports).unwrap();
    assert_eq!(cluster.user_id, 1500);
}

/// One way out is taken before the other way in, with another kind, another path or both: no node is changed before.
#[test]
fn another_share_afterwards() {
    const OWN: &str = "/etc/exports.d/mpiup-aula.exports";
    let mut reports = set_up(&spec(NFS));
    reports[0] = reports[0].clone().with("exports", &format!("{OWN}\t/home/mpi/MPI -rw,sync 10.77.0.2 10.77.0.3"));
    let screens = |reports: &[Report], rest: &str| {
        let sifted = mpiup::steps::sift(&spec(rest), nodes::seen(&spec(rest), reports));
        assert!(sifted.usable.is_empty(), "{rest}");
        let (ui, captured) = Ui::captured(Options::default());
        sifted.unusable.iter().for_each(|(_, _, error)| ui.error(error));
        format!("== {rest}\n{}", captured.err())
    };
    let elsewhere = |report: &Report| report.clone().with("share_path", "/home/mpi/curso");
    let elsewhere: Vec<Report> = reports.iter().map(elsewhere).collect();
    let path = "path = \"curso\"\n";
    let mut all = screens(&reports, "");
    all += &screens(&elsewhere, &format!("[share]\n{path}"));
    all += &screens(&elsewhere, &format!("{NFS}{path}"));
    // Somebody else exports the folder of before.
    let mut adopted = elsewhere.clone();
    adopted[0] = adopted[0].clone().with("exports", "").replacing("journal", &format!("file {OWN}"), "file /etc/x");
    all += &screens(&adopted, &format!("{NFS}{path}"));
    kept("another_share_afterwards", &all);
    // The same folder under the name that it has without links.
    for report in &mut reports[1..] {
        *report = report.clone().with("share_path", "/srv/mpi/MPI").replacing(
            "journal",
            "mount /home/mpi/MPI",
            "mount /srv/mpi/MPI",
        );
    }
    assert!(agree(&spec(NFS), &reports).is_ok());
}
