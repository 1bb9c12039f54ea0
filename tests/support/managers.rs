//! Package managers that are none: they keep a list of packages in a file, and answer the calls that `changes/sh/packages_*`
//! makes as the real ones do, after their documentation (dnf(8), rpm(8), zypper(8), pacman(8)).
#![allow(dead_code, clippy::expect_used, reason = "each test file uses what it needs; a test may panic")]

use std::fs;

use super::shell::Sandbox;

/// What all of them share. `db` holds `NAME VERSION` a line, `needs` who needs whom, `half` says that the next
/// transaction is interrupted after its first package, and `newer` that a package is brought to another version.
const COMMON: &str = r#"#!/bin/sh
db=TREE/db needs=TREE/needs
has() { grep -q "^$1 " $db; }
add() { has "$1" || echo "$1 $2" >> $db; }
del() { grep -v "^$1 " $db > $db.new; mv $db.new $db; }
# The packages among the words that are no options, after the verb.
names() { seen=; for word; do case $word in -*|*=*) ;; install|remove|in|rm|downgrade) seen=1 ;; *) [ -z "$seen" ] || echo "${word%.x86_64}" ;; esac; done; }
transaction() {
    echo "$*" >> TREE/calls
    if [ -f TREE/newer ]; then del libnew; add libnew 2.0-1; fi
    for name in libfabric "$@"; do
        case $name in unknown) echo "Error: Unable to find a match: unknown" >&2; return 1 ;; esac
        add "$name" 1.0-1
        if [ -f TREE/half ]; then rm TREE/half; echo "Error: interrupted" >&2; return 1; fi
        INSTALLING
    done
}
# Who else needs one of these.
needed() { for name; do while read -r who whom; do [ "$whom" != "$name" ] || case " $* " in *" $who "*) ;; *) has "$who" && echo "$name $who" ;; esac; done < $needs; done; }
"#;

const RPM: &str = r#"
case $* in
"-q --qf "*) shift 3; for name; do if has "$name"; then echo "ii  $name 1.0-1"; else echo "package $name is not installed"; fi; done ;;
-qa*) while read -r name version; do echo "ii $name.x86_64 0:$version"; done < $db; echo "ii gpg-pubkey.(none) 0:1-1" ;;
"-ql "*) shift; for name; do echo "/usr/lib/systemd/system/${name%.x86_64}.service"; echo "/usr/bin/${name%.x86_64}"; done ;;
-q*) has "$2" ;;
"-e --test "*) shift 2; set -- $(for name; do echo "${name%.x86_64}"; done)
    needed "$@" | while read -r name who; do printf '\t%s is needed by (installed) %s-1.0-1.x86_64\n' "$name" "$who" >&2; done ;;
*) echo "rpm: unexpected: $*" >&2; exit 2 ;;
esac
"#;

const DNF: &str = r#"
case " $* " in
*" -y "*" install "*) transaction $(names "$@") ;;
*" -y "*" remove "*) case $* in *clean_requirements_on_remove=False*) ;; *) exit 2 ;; esac
    for name in $(names "$@"); do del "$name"; done ;;
*" -C --assumeno --setopt=install_weak_deps=False install "*)
    echo "Installing:"; for name in $(names "$@"); do echo " $name x86_64 1.0-1 fedora 1 M"; done
    echo "Installing dependencies:"; echo " libfabric x86_64 1.0-1 fedora 1 M"; echo "Operation aborted."; exit 1 ;;
*" -y downgrade libnew-0:1.0-1.x86_64 "*) [ ! -f TREE/gone ] || exit 1; del libnew; add libnew 1.0-1 ;;
*) echo "dnf: unexpected: $*" >&2; exit 2 ;;
esac
"#;

const ZYPPER: &str = r#"
case " $* " in
*" --non-interactive --no-refresh install --dry-run --no-recommends "*)
    echo "The following NEW packages are going to be installed:"; echo "  libfabric $(names "$@" | tr '\n' ' ')"; exit ;;
esac
[ "$ZYPP_LOCK_TIMEOUT" = 300 ] && [ "$1" = --non-interactive ] || exit 2
case " $* " in
*" install --oldpackage --no-recommends libnew.x86_64=1.0-1 "*) [ ! -f TREE/gone ] || exit 1; del libnew; add libnew 1.0-1 ;;
*" install --no-recommends "*) transaction $(names "$@") ;;
*" remove --no-clean-deps "*) for name in $(names "$@"); do del "$name"; done ;;
*) echo "zypper: unexpected: $*" >&2; exit 2 ;;
esac
"#;

const PACMAN: &str = r#"
case $* in
-Q) cat $db ;;
"-Qlq "*) shift; for name; do echo "/usr/lib/systemd/system/$name.service"; done ;;
"-Q "*) shift; for name; do has "$name" && grep "^$name " $db; done ;;
"-S --print --needed --print-format %n %v "*) shift 5; for name in libnew libfabric "$@"; do echo "$name 2.0-1"; done ;;
"-R --print "*) shift 2; needed "$@" > TREE/breaks
    while read -r name who; do echo ":: removing $name breaks dependency '$name' required by $who" >&2; done < TREE/breaks
    [ ! -s TREE/breaks ] ;;
"-R --noconfirm --nosave "*) shift 3; for name; do del "$name"; done ;;
"-S --noconfirm --needed --noprogressbar "*) shift 4; transaction "$@" ;;
*) echo "pacman: unexpected: $*" >&2; exit 2 ;;
esac
"#;

/// Puts this manager into the sandbox, with two packages installed.
pub fn install(sandbox: &Sandbox, manager: &str) {
    let said = match manager {
        "dnf" => r#"echo "  Installing       : $name-1.0-1.x86_64    1/2""#,
        "zypper" => r#"echo "(1/2) Installing: $name-1.0-1.x86_64 [done]""#,
        _ => r#"echo "installing $name...""#,
    };
    let tool = |body: &str| {
        format!("{COMMON}{body}").replace("INSTALLING", said).replace("TREE", sandbox.path("").trim_end_matches('/'))
    };
    match manager {
        "dnf" => sandbox.tool("dnf", &tool(DNF)),
        "zypper" => sandbox.tool("zypper", &tool(ZYPPER)),
        _ => sandbox.tool("pacman", &tool(PACMAN)),
    }
    if manager == "pacman" {
        sandbox.tool("pacman-conf", &format!("#!/bin/sh\necho {}/\n", sandbox.path("").trim_end_matches('/')));
    } else {
        sandbox.tool("rpm", &tool(RPM));
    }
    write(sandbox, "db", "glibc 2.39-1\nlibnew 1.0-1\n");
    write(sandbox, "needs", "openmpi libfabric\n");
}

pub fn write(sandbox: &Sandbox, name: &str, text: &str) {
    fs::write(sandbox.path(name), text).expect("written");
}

/// What is installed, in order.
pub fn installed(sandbox: &Sandbox) -> Vec<String> {
    let db = fs::read_to_string(sandbox.path("db")).expect("there");
    let mut lines: Vec<String> = db.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
