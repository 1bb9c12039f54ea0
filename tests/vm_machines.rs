//! The machines themselves: that they are what the other tests of this kind take them for.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use mpiup::lab::Power;

    use crate::support::vm::{self, part};

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn machines_boot_are_bare_and_keep_what_is_on_their_disks() {
        let vms = vms!(3, vm::BARE);
        part("systemd, a kernel of its own, no way in for root", || {
            // In one log-in, which costs an emulated processor two seconds.
            let look = "hostname; cat /proc/1/comm; id -un; uname -r; systemctl --failed --no-legend; sudo -n true 2>/dev/null && echo root";
            for node in vms.nodes() {
                let said = vms.says(&node, &format!("{look}; :"));
                let [hostname, init, user, kernel] = said.lines().collect::<Vec<_>>()[..] else {
                    panic!("{node}: {said}")
                };
                assert_eq!((hostname, init, user), (node.as_str(), "systemd", "admin"));
                assert_ne!(kernel, std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim());
            }
            assert!(!vms.ssh("root@client1", "true").status.success(), "root got in");
            let ids: std::collections::BTreeSet<String> = vms.nodes().iter().map(|node| vms.boot_id(node)).collect();
            assert_eq!(ids.len(), 3, "each has a start of its own");
        });
        part("an unplugged machine is silent, and starts from its disk", || {
            vms.inside("client1", "echo kept > /root/kept; sync; echo lost > /run/lost");
            let before = vms.boot_id("client1");
            vms.lab.power("client1", Power::Cut).unwrap();
            assert!(!vms.lab.machine("client1").unwrap().is_running());
            assert!(vms.lab.machine("client2").unwrap().is_running());
            vms.lab.power("client1", Power::On).unwrap();
            assert_ne!(vms.boot_id("client1"), before);
            assert_eq!(vms.says("client1", "hostname"), "client1");
            assert_eq!(vms.inside("client1", "cat /root/kept; ls /run/lost 2>&1 | grep -c 'No such'"), "kept\n1");
        });
        part("all go back to a moment that was kept", || {
            vms.lab.save("here").unwrap();
            vms.inside("client2", "echo more > /root/more");
            vms.lab.restore("here").unwrap();
            assert_eq!(vms.inside("client2", "ls /root"), "");
            assert_eq!(vms.inside("client1", "cat /root/kept"), "kept");
            let difference: i64 = vms.inside("master", "date +%s").parse::<i64>().unwrap() - now();
            assert!(difference.abs() < 30, "the clock is off by {difference} s");
        });
    }

    fn now() -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        since.as_secs().try_into().unwrap()
    }
}
