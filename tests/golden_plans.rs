//! Golden tables: facts of real nodes in, changes out. Each case also shows that a second look, after all of it was made,
//! finds nothing to do.
//!
//! A table has one line for changes that are alike on several nodes, in the order in which they are made: nodes, wave,
//! key, mode and owner (or the journal's words), and below it the difference it makes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/nodes.rs"]
mod nodes;

use golden::{Show, golden, table};
use nodes::{Report, after, agree, apart, bare, recorded, spec, spec_of};

#[test]
fn first_up_with_wheels() {
    golden("first_up_with_wheels", &spec(""), &bare(), Show::Everything);
}

/// What three real nodes reported after a real `up`, the second time.
#[test]
fn second_up_finds_nothing_on_real_nodes() {
    let spec = spec("");
    // The nodes of the recording shared one computer, and stay so: their parameters say it.
    let mut reports: Vec<Report> = ["up-master", "up-client1", "up-client2"].map(recorded).into();
    // What a newer mpiup would bring anew (its environment, its proof) is not this test's matter.
    let cluster = agree(&spec, &reports).unwrap();
    for (report, member) in reports.iter_mut().zip(&cluster.members) {
        *report = report
            .clone()
            .with("env_stamp", &member.env_key)
            .file("~/.mpiup/verify.py", "644", "mpi", include_str!("../src/steps/verify.py"))
            .file("~/.mpiup/ssh", "755", "mpi", include_str!("../src/steps/ssh.sh"));
    }
    assert_eq!(table(&spec, &reports, Show::Everything), "");
}

#[test]
fn packages_of_the_distribution() {
    let rest = "[mpi]\nsource = \"distro\"\n";
    golden("packages_of_the_distribution", &spec(rest), &bare(), Show::Only(&["packages", "mca-params"]));
}

/// Ubuntu 25 brings Open MPI 5, whose launcher reads a file of its own and which names things otherwise.
#[test]
fn packages_of_a_newer_distribution() {
    let rest = "[mpi]\nsource = \"distro\"\n";
    let ubuntu = "PRETTY_NAME=\"Ubuntu 25.04\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"25.04\"\nID=ubuntu\nID_LIKE=debian\n";
    let reports: Vec<Report> = bare().into_iter().map(|report| report.with("os", ubuntu)).collect();
    golden("packages_of_a_newer_distribution", &spec(rest), &reports, Show::Only(&["packages", "mca-params"]));
}

#[test]
fn packages_that_one_node_has() {
    let rest = "[mpi]\nsource = \"distro\"\n";
    let mut reports = bare();
    reports[1] = recorded("distro-client1").with("boot_id", "1").with("journal", "");
    golden("packages_that_one_node_has", &spec(rest), &reports, Show::Only(&["packages"]));
}

#[test]
fn mpich_of_the_distribution() {
    let rest = "[mpi]\nsource = \"distro\"\nflavour = \"mpich\"\n";
    let mut reports = bare();
    reports[2] = recorded("mpich-client2").with("boot_id", "2");
    golden("mpich_of_the_distribution", &spec(rest), &reports, Show::Only(&["packages", "/hosts"]));
}

const FEDORA: &str = "NAME=\"Fedora Linux\"\nVERSION=\"41 (Server Edition)\"\nID=fedora\nVERSION_ID=41\nPRETTY_NAME=\"Fedora Linux 41 (Server Edition)\"\n";
const ROCKY: &str = "NAME=\"Rocky Linux\"\nVERSION=\"9.4 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"Rocky Linux 9.4 (Blue Onyx)\"\n";
const LEAP: &str = "NAME=\"openSUSE Leap\"\nVERSION=\"15.6\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\nPRETTY_NAME=\"openSUSE Leap 15.6\"\n";
const ARCH: &str = "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n";

/// A node of another system, with its package manager.
fn of_system(report: Report, os: &str, manager: &str) -> Report {
    report.with("os", os).replacing("tools", "apt-get", manager)
}

fn all_of(os: &str, manager: &str) -> Vec<Report> {
    bare().into_iter().map(|report| of_system(report, os, manager)).collect()
}

const OF_PACKAGES: Show = Show::Only(&["packages", "mca-params", ".bashrc"]);

/// Open MPI 5, aside of PATH; dnf has told what would come along.
#[test]
fn packages_of_fedora() {
    let table = "Package  Arch  Version  Repository  Size\nInstalling:\n openmpi x86_64 0:5.0.5-3.fc41 fedora 11.4 MiB\n\
                 Upgrading:\n pmix x86_64 0:5.0.5-1.fc41 updates 2.1 MiB\nInstalling dependencies:\n prrte x86_64 0:3.0.6-1.fc41 fedora 1.4 MiB\n";
    let reports: Vec<Report> = all_of(FEDORA, "dnf").into_iter().map(|report| report.with("dnf", table)).collect();
    golden("packages_of_fedora", &spec("[mpi]\nsource = \"distro\"\n"), &reports, OF_PACKAGES);
}

#[test]
fn what_was_never_tried_is_said() {
    let why = |reports: &[Report]| {
        let plan = mpiup::steps::plan(&agree(&spec("[mpi]\nsource = \"distro\"\n"), reports).unwrap());
        let is_packages = |change: &&mpiup::changes::Change| change.key().starts_with("packages ");
        plan.nodes[0].changes.iter().find(is_packages).unwrap().why.clone()
    };
    assert!(
        why(&all_of(LEAP, "zypper"))
            .ends_with("; this has been tried on real machines with apt only, not yet with zypper")
    );
    assert!(!why(&bare()).contains("tried"));
}

#[test]
fn packages_of_opensuse() {
    golden("packages_of_opensuse", &spec("[mpi]\nsource = \"distro\"\n"), &all_of(LEAP, "zypper"), OF_PACKAGES);
}

#[test]
fn packages_of_arch() {
    golden("packages_of_arch", &spec("[mpi]\nsource = \"distro\"\n"), &all_of(ARCH, "pacman"), OF_PACKAGES);
}

/// Debian 12, Rocky 9 and Leap 15.6 all have Open MPI 4, so they are one cluster.
#[test]
fn packages_of_three_families() {
    let [master, client1, client2] = bare().try_into().unwrap();
    let reports = [master, of_system(client1, ROCKY, "dnf"), of_system(client2, LEAP, "zypper")];
    golden("packages_of_three_families", &spec("[mpi]\nsource = \"distro\"\n"), &reports, OF_PACKAGES);
}

#[test]
fn mpich_of_rocky() {
    let rest = "[mpi]\nsource = \"distro\"\nflavour = \"mpich\"\n";
    golden("mpich_of_rocky", &spec(rest), &all_of(ROCKY, "dnf"), OF_PACKAGES);
}

/// What somebody has installed on Fedora is found where it stands, and shells learn of it.
#[test]
fn existing_mpi_that_stands_aside() {
    let mpi = "/usr/lib64/openmpi/bin/mpiexec mpiexec (Open MPI) 5.0.5  Report bugs to https://www.open-mpi.org/community/help/ ";
    let reports: Vec<Report> = all_of(FEDORA, "dnf").into_iter().map(|report| report.with("mpi", mpi)).collect();
    golden(
        "existing_mpi_that_stands_aside",
        &spec("[mpi]\nsource = \"existing\"\n"),
        &reports,
        Show::Only(&[".bashrc"]),
    );
}

/// Nobody is root, and the account that logs in is the one that programs run as.
#[test]
fn login_user_without_root() {
    let spec = spec_of(&[("master", "ana@10.77.0.1"), ("client1", "ana@10.77.0.2")], "user = \"ana\"\n");
    let reports = apart(["ana-master", "ana-client1"].map(recorded).into());
    golden("login_user_without_root", &spec, &reports, Show::Everything);
}

/// The account is there on one node, with another number and another shell; the others get that number.
#[test]
fn account_on_one_node_with_another_shell() {
    let mut reports = bare();
    reports[1] = recorded("zsh-client1").with("boot_id", "1");
    golden("account_on_one_node_with_another_shell", &spec(""), &reports, Show::Only(&["user", ".zshenv", "rc"]));
}

/// Each shell has its own file and its own language, and the launcher gets an ssh that speaks none of them.
#[test]
fn accounts_with_shells_of_every_kind() {
    let mut reports = bare();
    for (number, shell) in [(0, "/usr/bin/fish"), (1, "/bin/tcsh"), (2, "/bin/dash")] {
        let account = format!("mpi:x:1234:1234::/home/mpi:{shell}");
        reports[number] = reports[number].clone().with("passwd_user", &account);
    }
    let shown = Show::Only(&["fish", "cshrc", "profile", "rc", ".mpiup/ssh", "mca-params"]);
    golden("accounts_with_shells_of_every_kind", &spec(""), &reports, shown);
}

/// Its number is somebody else's on another node: that one gets a number that is free there.
#[test]
fn account_whose_number_is_taken_elsewhere() {
    let mut reports = bare();
    reports[1] = recorded("zsh-client1").with("boot_id", "1");
    reports[0] = reports[0].clone().plus("ids_in_use", " 1000 1234");
    golden("account_whose_number_is_taken_elsewhere", &spec(""), &reports, Show::Only(&["user"]));
}

/// docker0 has the same address everywhere, which makes a plain Open MPI hang.
#[test]
fn the_same_docker0_on_every_node() {
    let docker = "4: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\\       valid_lft forever preferred_lft forever\n";
    let mut reports = bare();
    reports[1] = recorded("docker0-client1").with("boot_id", "1");
    for number in [0, 2] {
        reports[number] = reports[number].clone().plus("addresses", &format!("\n{docker}"));
    }
    golden("the_same_docker0_on_every_node", &spec(""), &reports, Show::Only(&["mca-params", "authorized_keys"]));
}

#[test]
fn routed_subnets() {
    let nodes = [("master", "10.77.0.1"), ("client1", "10.78.0.2"), ("client2", "ana@c2.example:2222")];
    let mut reports = bare();
    for (number, network) in [(1, "10.78.0.2/24"), (2, "10.79.0.3/24")] {
        let old = format!("10.77.0.{}/16 brd 10.77.255.255", number + 1);
        reports[number] = reports[number].clone().replacing("addresses", &old, network);
    }
    golden("routed_subnets", &spec_of(&nodes, ""), &reports, Show::Only(&["mca-params", ".ssh/config", "/etc/hosts"]));
}

/// Names that somebody entered by hand are adopted: only what is missing is added, and a wrong one is not believed.
#[test]
fn names_entered_by_hand() {
    let mut reports = bare();
    let hosts = |report: &Report| report.text("/etc/hosts").unwrap();
    let by_hand =
        format!("{}10.77.0.1 master\n10.77.0.2\tclient1.lan client1\n10.77.0.3 client2 # new\n", hosts(&reports[0]));
    reports[0] = reports[0].clone().file("/etc/hosts", "644", "root", &by_hand);
    let wrong = format!("{}10.77.0.99 client1\n10.77.0.3 client2\n", hosts(&reports[1]));
    reports[1] = reports[1].clone().file("/etc/hosts", "644", "root", &wrong);
    // The names of this one stand there in Spanish company.
    reports[2] = recorded("spanish-client2").with("boot_id", "2");
    golden("names_entered_by_hand", &spec(""), &reports, Show::Only(&["/etc/hosts"]));
}

#[test]
fn another_port() {
    let nodes = [("master", "root@10.77.0.1:2222"), ("client1", "root@10.77.0.2:22"), ("client2", "10.77.0.3")];
    golden("another_port", &spec_of(&nodes, ""), &bare(), Show::Only(&[".ssh/config"]));
}

#[test]
fn a_fabric_on_every_node() {
    let reports: Vec<Report> = bare().into_iter().map(|report| report.with("infiniband", "mlx5_0\nmlx5_1")).collect();
    golden("a_fabric_on_every_node", &spec(""), &reports, Show::Only(&["mca-params"]));
}

/// As in a lab: one computer plays all nodes.
#[test]
fn nodes_that_share_their_cores() {
    let reports: Vec<Report> = bare().into_iter().map(|report| report.with("boot_id", "one")).collect();
    golden("nodes_that_share_their_cores", &spec(""), &reports, Show::Only(&["mca-params"]));
}

/// What works goes on as it is: no account, no name, no package and no hostfile is made where somebody has made it.
#[test]
fn a_cluster_built_by_hand() {
    let shown = Show::Only(&["/etc/hosts", "user", "/hosts", "tree", "dir", "authorized_keys", "packages", "config"]);
    golden("a_cluster_built_by_hand", &nodes::spec_by_hand(), &nodes::by_hand(), shown);
}

/// A hostfile of somebody's own gets what it lacks; one that the cluster's MPI cannot read is no hostfile.
#[test]
fn hostfiles_written_by_hand() {
    let with = |hosts: &str| {
        let mut reports = nodes::by_hand();
        reports[0] = reports[0].clone().file("~/MPI/hosts", "644", "mpi", hosts);
        table(&nodes::spec_by_hand(), &reports, Show::Only(&["/MPI/hosts"]))
    };
    let mut all = String::new();
    for hosts in ["client1\nmaster", "master:2\nclient1:2\nclient2:2\n", "# nothing yet\n"] {
        all.push_str(&format!("# {hosts:?}\n{}", with(hosts)));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!("hostfiles_written_by_hand", all);
    });
}

/// A node leaves: the others lose its keys and names, and nothing else changes on them.
#[test]
fn a_node_leaves() {
    let cluster = agree(&spec(""), &bare()).unwrap();
    let mut reports = after(&cluster, &mpiup::steps::plan(&cluster), &bare());
    reports.pop();
    let nodes = [("master", "10.77.0.1"), ("client1", "10.77.0.2")];
    golden("a_node_leaves", &spec_of(&nodes, ""), &reports, Show::Everything);
}

/// The operator's way to a node is another now, or the node has another address: the others learn the new one.
#[test]
fn a_node_has_another_address() {
    let cluster = agree(&spec(""), &bare()).unwrap();
    let mut reports = after(&cluster, &mpiup::steps::plan(&cluster), &bare());
    reports[1] = reports[1].clone().replacing("addresses", "10.77.0.2/16", "10.77.0.14/16");
    let nodes = [("master", "10.77.0.1"), ("client1", "10.77.0.14"), ("client2", "10.77.0.3")];
    golden("a_node_has_another_address", &spec_of(&nodes, ""), &reports, Show::Everything);
}

/// Three nodes are set up, and a fourth is new: the three learn of it, and nothing else changes on them.
#[test]
fn a_node_is_added() {
    let three = spec("");
    let cluster = agree(&three, &bare()).unwrap();
    let mut reports = after(&cluster, &mpiup::steps::plan(&cluster), &bare());
    reports.push(fourth());
    let nodes = [("master", "10.77.0.1"), ("client1", "10.77.0.2"), ("client2", "10.77.0.3"), ("client3", "10.77.0.4")];
    golden("a_node_is_added", &spec_of(&nodes, ""), &reports, Show::Everything);
}

fn fourth() -> Report {
    recorded("bare-client2")
        .with("boot_id", "3")
        .with("host_name", "client3")
        .replacing("addresses", "10.77.0.3/16", "10.77.0.4/16")
        .replacing("host_keys", "8CQmJW root@client2", "8CQfou root@client3")
        .replacing("file 644 root /etc/hosts", "client2", "client3")
}

#[test]
fn host_names_are_asked_for() {
    let mut reports = bare();
    reports[2] = reports[2].clone().with("host_name", "localhost.localdomain");
    golden("host_names_are_asked_for", &spec("set_host_names = true\n"), &reports, Show::Only(&["hostname"]));
}

#[test]
fn sshd_that_refuses_keys() {
    let mut reports = bare();
    reports[1] = reports[1].clone().replacing("sshd", "pubkeyauthentication yes", "pubkeyauthentication no");
    golden("sshd_that_refuses_keys", &spec(""), &reports, Show::Only(&["sshd_config"]));
}

/// Everything is there, but the journal says of each entry in turn that it was interrupted: then it is made again.
#[test]
fn what_was_interrupted_is_planned_again() {
    for rest in ["", "[mpi]\nsource = \"distro\"\n", "set_host_names = true\n[mpi]\nflavour = \"mpich\"\n"] {
        let spec = spec(rest);
        let mut reports = bare();
        reports[0] = reports[0].clone().with("host_name", "somebody").replacing(
            "sshd",
            "pubkeyauthentication yes",
            "pubkeyauthentication no",
        );
        let cluster = agree(&spec, &reports).unwrap();
        let plan = mpiup::steps::plan(&cluster);
        let whole = after(&cluster, &plan, &reports);
        for change in &plan.nodes[0].changes {
            let key = change.key();
            let mut reports = whole.clone();
            reports[0] = reports[0].clone().replacing("journal", &format!("\tyes\t{key}\t"), &format!("\tno\t{key}\t"));
            let again = mpiup::steps::plan(&agree(&spec, &reports).unwrap());
            let keys: Vec<String> = again.nodes[0].changes.iter().map(mpiup::changes::Change::key).collect();
            assert_eq!(keys, [key], "{rest}");
            assert_eq!(again.count(), 1, "{rest}: the other nodes have nothing to do");
        }
    }
}

const OF_FIREWALLS: Show = Show::Only(&["firewall", ".nft"]);

/// On the second node, which has reported this of its firewall.
fn behind(walls: &[(&str, &str)]) -> Vec<Report> {
    let mut reports = bare();
    reports[1] = walls.iter().fold(reports[1].clone(), |report, (name, text)| report.with(name, text));
    reports
}

#[test]
fn a_wall_of_ufw() {
    let ufw = "DEFAULT_INPUT_POLICY=\"DROP\"\n### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n";
    golden("a_wall_of_ufw", &spec(""), &behind(&[("ufw", ufw)]), OF_FIREWALLS);
}

/// A node that has left is let in no more, and one that somebody lets in is his.
#[test]
fn a_wall_with_an_older_rule() {
    let ufw = "DEFAULT_INPUT_POLICY=\"DROP\"\n### tuple ### allow any any 0.0.0.0/0 any 10.77.0.9 in comment=6d706975702061756c61\n\
               ### tuple ### allow any any 0.0.0.0/0 any 10.77.0.1 in\n";
    golden("a_wall_with_an_older_rule", &spec(""), &behind(&[("ufw", ufw)]), Show::Only(&["firewall"]));
}

#[test]
fn a_wall_of_firewalld() {
    let zones = "public\n\npublic (active)\n  target: default\n  interfaces: eth0\n  services: ssh\n  rich rules:\n";
    golden("a_wall_of_firewalld", &spec(""), &behind(&[("firewalld", zones)]), OF_FIREWALLS);
}

#[test]
fn a_wall_of_nftables() {
    let chain = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n";
    golden("a_wall_of_nftables", &spec(""), &behind(&[("nft", chain)]), OF_FIREWALLS);
    let at_boot = "/etc/nftables.d\n/etc/nftables.conf\ninet filter input\n";
    let reports = behind(&[("nft", chain), ("nft_at_boot", at_boot)]);
    golden("a_wall_of_nftables_that_includes_files", &spec(""), &reports, OF_FIREWALLS);
}

#[test]
fn a_wall_of_iptables() {
    let rules = "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n";
    golden("a_wall_of_iptables", &spec(""), &behind(&[("iptables", rules)]), OF_FIREWALLS);
}

/// Where the nodes are let in already, nothing is touched.
#[test]
fn walls_that_let_the_nodes_in() {
    for (name, text) in [
        ("ufw", "DEFAULT_INPUT_POLICY=\"ACCEPT\"\n"),
        ("ufw", "DEFAULT_INPUT_POLICY=\"DROP\"\n### tuple ### allow any any 0.0.0.0/0 any 10.77.0.0/16 in_eth0\n"),
        (
            "firewalld",
            "public\n\ntrusted (active)\n  target: ACCEPT\n  interfaces: eth0\n\npublic (active)\n  target: default\n  interfaces: eth1\n",
        ),
        ("iptables", "-P INPUT DROP\n-A INPUT -s 10.77.0.0/16 -j ACCEPT\n"),
        (
            "nft",
            "table inet filter {\nchain input {\ntype filter hook input priority 0; policy drop;\niifname \"eth0\" accept\n}\n}\n",
        ),
        ("nft", "table ip6 filter {\nchain input {\ntype filter hook input priority 0; policy drop;\n}\n}\n"),
    ] {
        let plan = mpiup::steps::plan(&agree(&spec(""), &behind(&[(name, text)])).unwrap());
        let keys: Vec<String> = plan.nodes[1].changes.iter().map(mpiup::changes::Change::key).collect();
        assert!(keys.iter().all(|key| !key.starts_with("firewall")), "{text}: {keys:?}");
    }
}
