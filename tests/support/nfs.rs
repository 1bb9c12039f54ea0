//! A machine's NFS that is none: systemd, exportfs, umount and the kernel's table of mounts, in files of a sandbox. They behave
//! as the real ones were seen to (systemctl(1), exportfs(8), umount(8)).
#![allow(dead_code, clippy::expect_used, reason = "each test file uses what it needs; a test may panic")]

use std::fs;

use super::shell::Sandbox;

/// State is a file `sys/UNIT.enabled` or `sys/UNIT.active`; a `.mount` unit is what the table of mounts says.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> TREE/calls
verb=$1; shift
[ "${1-}" != -q ] || { quiet=yes; shift; }
unit=${1-}
case $unit in
*.mount)
    case $verb in
    start)
        [ ! -f TREE/sys/refuses ] || exit 1
        line=$(grep ' nfs4\{0,1\} ' TREE/etc/fstab) || exit 1
        case $line in *x-systemd.automount*) [ -f "TREE/sys/${unit%.mount}.automount.active" ] || exit 1 ;; esac
        set -- $line
        # Once, it is known by the connection of before.
        address=$(cat TREE/sys/trunked 2>/dev/null || cat TREE/sys/address); rm -f TREE/sys/trunked
        echo "99 22 0:50 / $2 rw - nfs4 $1 rw,vers=4.2,clientaddr=10.0.0.2,addr=$address" >> TREE/proc/self/mountinfo ;;
    reset-failed) ;;
    esac
    exit 0 ;;
esac
# Units that a line of fstab makes are known as long as it is there, and those that run.
known() { case $unit in *.automount) grep -q x-systemd.automount TREE/etc/fstab || [ -f "TREE/sys/$unit.active" ] ;; esac; }
case $verb in
is-enabled) if [ -f "TREE/sys/$unit.enabled" ]; then [ -n "${quiet-}" ] || echo enabled; else [ -n "${quiet-}" ] || echo disabled; exit 1; fi ;;
is-active) if [ -f "TREE/sys/$unit.active" ]; then [ -n "${quiet-}" ] || echo active; else [ -n "${quiet-}" ] || echo inactive; exit 3; fi ;;
enable) touch "TREE/sys/$unit.enabled" ;;
disable) rm -f "TREE/sys/$unit.enabled" ;;
start) known || { echo "Failed to start $unit: Unit $unit not found." >&2; exit 5; }; touch "TREE/sys/$unit.active" ;;
stop) known || { echo "Failed to stop $unit: Unit $unit not loaded." >&2; exit 5; }; rm -f "TREE/sys/$unit.active" ;;
show) [ "$1 $2 $3" = "-p LoadState --value" ] || exit 2; unit=$4; if known; then echo loaded; else echo not-found; fi ;;
cat|daemon-reload|reset-failed) ;;
list-units) for file in TREE/sys/*.active; do [ ! -f "$file" ] || { file=${file##*/}; echo "${file%.active} loaded active running"; }; done ;;
*) echo "systemctl: unexpected: $verb $*" >&2; exit 2 ;;
esac
"#;

/// Long paths stand on a line of their own, and a name that means nothing is passed over.
const EXPORTFS: &str = r#"#!/bin/sh
case $1 in
-ra)
    : > TREE/sys/etab
    for file in TREE/etc/exports TREE/etc/exports.d/*.exports; do
        [ -f "$file" ] || continue
        while read -r folder options clients; do
            case $folder in ''|'#'*) continue ;; esac
            for client in $clients; do
                case $client in *.invalid) echo "exportfs: Failed to resolve $client" >&2 ;; *) echo "$folder $client" >> TREE/sys/etab ;; esac
            done
            [ ! -f TREE/sys/unfit ] || { echo "exportfs: $folder does not support NFS export" >&2; status=1; }
        done < "$file"
    done
    exit ${status:-0} ;;
-v) while read -r folder client; do printf '%-14s\n\t\t%s(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,root_squash,no_all_squash)\n' "$folder" "$client"; done < TREE/sys/etab ;;
*) exit 2 ;;
esac
"#;

const UMOUNT: &str = r#"#!/bin/sh
[ "$1" = -c ] || exit 2
shift
led_to=$(cat TREE/sys/kernel/sunrpc/xprt-switches/switch-1/xprt-1-tcp/dstaddr 2>/dev/null || cat TREE/sys/dead 2>/dev/null)
[ ! -f TREE/sys/dead ] || [ "$led_to" = "$(cat TREE/sys/address)" ] || sleep 600
if [ -f TREE/sys/busy ]; then echo "umount.nfs4: $1: device is busy" >&2; exit 16; fi
grep -v " $1 rw - nfs4 " TREE/proc/self/mountinfo > TREE/../table
mv TREE/../table TREE/proc/self/mountinfo
"#;

/// The folder that is shared.
pub fn share(sandbox: &Sandbox) -> String {
    sandbox.path("home/mpi/MPI")
}

/// Puts all of it into the sandbox: a machine on which nothing of it runs.
pub fn install(sandbox: &Sandbox) {
    for folder in ["run/systemd/system", "proc/self", "etc", "sys", "home/mpi"] {
        fs::create_dir_all(sandbox.tree().join(folder)).expect("made");
    }
    let tree = sandbox.path("");
    let tool = |name: &str, text: &str| sandbox.tool(name, &text.replace("TREE", tree.trim_end_matches('/')));
    tool("systemctl", SYSTEMCTL);
    tool("exportfs", EXPORTFS);
    tool("umount", UMOUNT);
    tool("getent", "#!/bin/sh\n[ \"$*\" = 'ahosts master' ] && echo \"$(cat TREE/sys/address) STREAM master\"\n");
    tool("systemd-escape", "#!/bin/sh\necho \"$2\" | sed 's|^/||; s|/|-|g'\n");
    tool("journalctl", "#!/bin/sh\n[ ! -f TREE/sys/refuses ] || cat TREE/sys/refuses\n");
    sandbox.file("etc/fstab", 0o644, b"UUID=0a3407de / ext4 errors=remount-ro 0 1\n");
    sandbox.file("etc/exports", 0o644, b"# /etc/exports: the access control list\n");
    sandbox.file("proc/self/mountinfo", 0o644, b"22 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n");
    sandbox.file("sys/etab", 0o644, b"");
    sandbox.file("sys/address", 0o644, b"10.0.0.1\n");
}

/// Mounts it as somebody does by hand.
pub fn mount(sandbox: &Sandbox) {
    let share = share(sandbox);
    let table = sandbox.tree().join("proc/self/mountinfo");
    let before = fs::read_to_string(&table).expect("there");
    fs::write(table, format!("{before}99 22 0:50 / {share} rw - nfs4 master:{share} rw,addr=10.0.0.1\n"))
        .expect("written");
}

/// What is exported now, and to whom.
pub fn exported(sandbox: &Sandbox) -> Vec<String> {
    let etab = fs::read_to_string(sandbox.tree().join("sys/etab")).expect("there");
    etab.lines().map(str::to_owned).collect()
}
