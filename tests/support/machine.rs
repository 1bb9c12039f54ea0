//! A machine that is none: its account tools, its name and its apt, which keep what they know in a sandbox's tree and alter it
//! with the tools that the sandbox watches. So each state in which a kill can leave the real ones is seen.
#![allow(dead_code, clippy::expect_used, reason = "each test file uses what it needs; a test may panic")]

use std::fs;

use super::shell::Sandbox;

/// `replace FILE TEXT`: as the account tools do it, in one step, with the last version beside it. One tool after the other:
/// what is watched cannot run side by side.
const ACCOUNTS: &str = r#"#!/bin/sh
replace() { cp -a "/etc/$1" "/etc/$1-"; cp -a "/etc/$1" "SCRATCH.$1"; echo "$2" > "SCRATCH.$1"; mv "SCRATCH.$1" "/etc/$1"; }
without() { grep -v "^$2:" "/etc/$1"; }
"#;

/// useradd makes the home when the account is there already (shadow 4.13, `useradd.c`: `close_files` and then `create_home`).
const USERADD: &str = r#"
while [ $# -gt 1 ]; do
    case $1 in -u) id=$2; shift 2 ;; -g) group=$2; shift 2 ;; -s) shell=$2; shift 2 ;; -d) home=$2; shift 2 ;; -p) shift 2 ;; *) shift ;; esac
done
replace passwd "$(without passwd "$1"; echo "$1:x:$id:$id::$home:$shell")"
replace shadow "$(without shadow "$1"; echo "$1:*:1:0:99999:7:::")"
mkdir "$home"
cp "/etc/skel/.profile" "$home/.profile"
"#;

const GETENT: &str = r#"#!/bin/sh
[ -f "/etc/$1" ] || exit 0
if [ $# -gt 1 ]; then grep "^$2:" "/etc/$1" || exit 2; else cat "/etc/$1"; fi
"#;

const ID: &str = r#"#!/bin/sh
case $1 in
-un|-u) exec REAL "$@" ;;
-g) grep "^$2:" "/etc/passwd" | cut -d: -f4 ;;
*) grep -q "^$1:" "/etc/passwd" ;;
esac
"#;

/// Account files with one account, and the tools that alter them.
pub fn accounts(sandbox: &Sandbox) {
    for (name, text) in [
        ("passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("group", "root:x:0:\n"),
        ("shadow", "root:*:1:0:99999:7:::\n"),
        ("gshadow", "root:*::\n"),
    ] {
        sandbox.file(&format!("etc/{name}"), 0o640, text.as_bytes());
    }
    fs::create_dir(sandbox.path("etc/skel")).expect("made");
    fs::create_dir(sandbox.path("home")).expect("made");
    sandbox.file("etc/skel/.profile", 0o644, b"# profile\n");
    let scratch = sandbox.tree().with_file_name("scratch");
    let accounts = ACCOUNTS.replace("SCRATCH", scratch.to_str().expect("UTF-8"));
    let tool = |name: &str, body: &str| sandbox.tool(name, &format!("{accounts}{body}"));
    tool("groupadd", "replace group \"$(without group \"$3\"; echo \"$3:x:$2:\")\"\n");
    tool("groupdel", "grep -q \"^$1:\" \"/etc/group\" || exit 6\nreplace group \"$(without group \"$1\")\"\n");
    tool("useradd", USERADD);
    let less = |file: &str| format!("replace {file} \"$(without {file} \"$1\")\"\n");
    tool("userdel", &["passwd", "shadow", "group"].map(less).concat());
    sandbox.tool("getent", GETENT);
    let id = ["/usr/bin/id", "/bin/id"].into_iter().find(|path| fs::exists(path).unwrap_or(false)).expect("there");
    sandbox.tool("id", &ID.replace("REAL", id));
    sandbox.tool("ps", "#!/bin/sh\n");
    sandbox.tool("chown", "#!/bin/sh\n");
    others(sandbox);
}

/// Whoever runs the tests is everybody on such a machine.
fn others(sandbox: &Sandbox) {
    for name in ["setpriv", "runuser"] {
        sandbox.tool(name, "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n");
    }
}

/// The name of a machine, in a folder of that name: folders have no time that a picture would hold.
pub fn name(sandbox: &Sandbox, name: &str) {
    fs::create_dir_all(sandbox.path(&format!("name/{name}"))).expect("made");
    let place = sandbox.path("name");
    sandbox
        .tool("hostname", &format!("#!/bin/sh\ncd {place}\n[ $# -gt 0 ] || exec ls\n[ -d \"$1\" ] || mv * \"$1\"\n"));
    others(sandbox);
}

/// dpkg's database: a folder `STATE|NAME` for each package, where STATE is as `dpkg-query` abbreviates it; and the folder
/// `updates`, which holds something from the beginning of a run of dpkg to its end. `openmpi` needs `libfabric`, and has a folder
/// in which something is written while it is configured, which therefore outlives it. `nfs-kernel-server` needs `nfs-common`, and
/// treats `/etc/exports` as Debian's does: its postinst leaves the file of somebody's to ucf, which puts the package's own beside
/// it, and its postrm removes the file with what stands beside it when it is purged.
const DPKG: &str = r#"#!/bin/sh
db=DB/var/lib/dpkg
cd "$db/db" || exit 2
state() { for at in *"|$1"; do [ ! -d "$at" ] || printf '%s' "${at%|*}"; done; }
# become NAME STATE
become() {
    at=$(state "$1")
    if [ -z "$2" ]; then [ -z "$at" ] || rmdir "$at|$1"
    elif [ -z "$at" ]; then mkdir "$2|$1"
    elif [ "$at" != "$2" ]; then mv "$at|$1" "$2|$1"; fi
}
begin() { mkdir -p "$db/updates/0000"; }
end() { rmdir "$db/updates/0000"; }
interrupted() { [ -d "$db/updates/0000" ] && echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem." >&2; }
unpack() { become "$1" iHR; become "$1" "iU "; }
needs() { case $1 in openmpi) echo libfabric ;; nfs-kernel-server) echo nfs-common ;; esac; }
configure() { need=$(needs "$1"); [ -z "$need" ] || [ "$(state "$need")" = "ii " ] || return 0; case $(state "$1") in "iU "|"iF ") become "$1" "iF "; brings_group "$1"; writes "$1"; become "$1" "ii "; echo "Setting up $1 (1.0-1) ..." ;; esac; }
# Where there are groups, libfabric brings one.
brings_group() { [ "$1" != libfabric ] || [ ! -f "/etc/group" ] || grep -q ^rdma: "/etc/group" || echo rdma:x:120: >> "/etc/group"; }
writes() {
    case $1 in
    openmpi) mkdir -p "/var/lib/openmpi"; touch "/var/lib/openmpi/state" ;;
    nfs-kernel-server)
        if [ ! -f "/etc/exports" ]; then echo '# package' > "/etc/exports"; touch "/etc/exports"
        elif [ "$(cat "/etc/exports")" != '# package' ]; then echo '# package' > "/etc/exports.ucf-dist"; touch "/etc/exports.ucf-dist"; fi ;;
    esac
}
purge() { become "$1" "pF "; become "$1" "pH "; become "$1" "pc "; postrm "$1"; become "$1" ""; }
postrm() { [ "$1" != nfs-kernel-server ] || for end in "~" % .bak .dpkg-old ""; do rm -f "/etc/exports$end"; done; }
locked() { [ ! -e "$db/held" ] || { echo "E: Could not get lock $db/lock-frontend. It is held by process 812 (unattended-upgr)" >&2; exit 100; }; }
# The words behind the verb that are no options.
names() { seen=; while [ $# -gt 0 ]; do case $1 in -o) shift ;; -*) ;; install|purge|remove) seen=1 ;; *) [ -z "$seen" ] || echo "$1" ;; esac; shift; done; }
"#;

const APT_GET: &str = r#"
echo "$*" >> DB/calls
case " $* " in
*" install -s "*) for name in $(names "$@"); do for name in $(needs $name) $name; do case $(state $name) in ""|rc*|*R) echo "Inst $name (1.0-1 Debian)" ;; esac; done; done; exit ;;
*" purge -s "*)
    for at in *; do
        name=${at#*|} words=" $(names "$@" | tr '\n' ' ')"
        case $words in *" $name "*|*" $(needs "$name") "*) echo "Purg $name [1.0-1]" ;; esac
    done
    exit ;;
esac
locked
if interrupted; then exit 100; fi
case " $* " in
*" check "*|*" update "*) exit ;;
*" --reinstall "*) begin; for name in $(names "$@"); do unpack $name; configure $name; done; end ;;
*" install "*)
    # As apt 2.6 does: a dependency that is only half-installed is left as it is, and so is what needs it.
    begin
    for name in $(names "$@"); do
        first=$(needs "$name")
        case $(state $first) in "ii "|iHR|?H?) ;; *) unpack $first ;; esac
        case $(state $name) in "ii ") ;; *) unpack $name ;; esac
        configure $first
        case $(state $first) in "ii ") configure $name ;; *) end; exit 100 ;; esac
    done
    end ;;
*" remove "*) begin; for name in $(names "$@"); do become $name "rc "; done; end ;;
*" purge "*)
    begin
    for name in $(names "$@"); do case $(state $name) in *R) end; exit 100 ;; esac; done
    for name in $(names "$@"); do [ "$(state $name)" != "ii " ] || become $name "pi "; done
    for name in $(names "$@"); do purge $name; done
    end ;;
*) echo "apt-get: unexpected: $*" >&2; exit 2 ;;
esac
"#;

const DPKG_TOOL: &str = r#"
echo "dpkg $*" >> DB/calls
[ ! -e "$db/held" ] || { echo "dpkg: error: dpkg frontend lock was locked by another process with pid 812" >&2; exit 2; }
case $* in
"-L "*) shift; for name; do case $(state "$name") in "ii "|"pi "|iF*|iU*) printf '/%s\n' . var var/lib "var/lib/$name" ;; esac; done ;;
"--configure -a") begin; for at in i*; do [ ! -d "$at" ] || configure "${at#*|}"; done; end ;;
--set-selections) while read -r name _; do become "$name" "ii "; done ;;
"--force-remove-reinstreq --force-depends --purge "*) shift 3; begin; for name; do purge $name; done; end ;;
*) echo "dpkg: unexpected: $*" >&2; exit 2 ;;
esac
"#;

const DPKG_QUERY: &str = r#"
case $* in
*binary:Package*) format='%s %s 1.0-1\n' ;;
*'|${Package}'*) format='%s|%s\n' ;;
*) state "$4"; exit ;;
esac
for at in *; do printf "$format" "${at%|*}" "${at#*|}"; done
"#;

/// An apt with one package installed.
pub fn apt(sandbox: &Sandbox) {
    fs::create_dir_all(sandbox.path("var/lib/dpkg/db/ii |libc6")).expect("made");
    fs::create_dir_all(sandbox.path("var/lib/dpkg/updates")).expect("made");
    let db = sandbox.path("").trim_end_matches('/').to_owned();
    let calls = sandbox.tree().with_file_name("calls");
    let calls = calls.to_str().expect("UTF-8");
    for (name, body) in [("apt-get", APT_GET), ("dpkg", DPKG_TOOL), ("dpkg-query", DPKG_QUERY)] {
        sandbox.tool(name, &format!("{DPKG}{body}").replace("DB/calls", calls).replace("DB", &db));
    }
    sandbox.tool("getent", GETENT);
    sandbox.tool("groupdel", "#!/bin/sh\nsed -i \"/^$1:/d\" \"/etc/group\"\n");
}

/// What is installed, and how.
pub fn installed(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path("var/lib/dpkg/db")).expect("readable");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Puts a package into this state.
pub fn package(sandbox: &Sandbox, state: &str, name: &str) {
    fs::create_dir(sandbox.path(&format!("var/lib/dpkg/db/{state}|{name}"))).expect("made");
}
