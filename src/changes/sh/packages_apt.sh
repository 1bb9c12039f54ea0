# apt and dpkg: Debian, Ubuntu and their children.
apt_list() { dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | grep -v '^un'; }
apt_has() { case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in ii*) ;; *) false ;; esac; }
# An interrupted run may have left packages half-configured.
apt_mend() { DEBIAN_FRONTEND=noninteractive dpkg --configure -a >&2; }

apt_install() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    export DEBIAN_FRONTEND NEEDRESTART_SUSPEND
    if ! apt-get install -s -qq --no-install-recommends "$@" >/dev/null 2>&1; then
        say "reading the package lists"
        apt-get update -qq -o DPkg::Lock::Timeout=300 >&2 || return 1
    fi
    # Somebody may install something else while this is interrupted: only what apt says now comes with ours.
    apt-get install -s -qq --no-install-recommends "$@" 2>/dev/null | awk '$1 == "Inst" { print $2 }' >> "$entry/brought"
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=false "$@" </dev/null |
        while IFS= read -r line; do
            case $line in Get:*|"Setting up "*|"Waiting for cache lock"*) say "$line" ;; esac
        done
    return 0
}

apt_needed_by() {
    apt-get purge -s "$@" 2>/dev/null |
        awk -v ours=" $* " '$1 == "Purg" || $1 == "Remv" { if (!index(ours, " " $2 " ") && !index(ours, " " $2 ":")) print $2 }'
}

# Those of NAMES with which something else would go, each with a blank behind it.
apt_holding() {
    for name; do
        apt-get purge -s "$name" 2>/dev/null | awk -v ours=" $* " -v name="$name" '
            ($1 == "Purg" || $1 == "Remv") && !index(ours, " " $2 " ") && !index(ours, " " $2 ":") { printf "%s ", name; exit }'
    done
}

apt_remove() {
    DEBIAN_FRONTEND=noninteractive apt-get purge -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null |
        while IFS= read -r line; do case $line in Removing*) say "$line" ;; esac; done
}

apt_older() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --allow-downgrades -o DPkg::Lock::Timeout=300 -o APT::Keep-Downloaded-Packages=false "$@"
}

apt_note() {
    mkdir "$1/apt" || return 1
    [ ! -f /var/lib/apt/extended_states ] || cp -a /var/lib/apt/extended_states "$1/apt/"
}

apt_renote() { [ ! -f "$1/apt/extended_states" ] || cp -a "$1/apt/extended_states" /var/lib/apt/extended_states; }
