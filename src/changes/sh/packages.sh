# do_packages NAMES…: installs what is missing, in one transaction, without recommended extras.
do_packages() {
    if ! find_entry "packages $*"; then
        new_entry "packages $*" - root || return 1
        installed > "$draft/before" || return 1
        mkdir "$draft/apt" && for file in /var/lib/apt/extended_states /etc/ld.so.cache; do
            [ -f "$file" ] && cp -a "$file" "$draft/apt/"
        done
        commit_entry || return 1
    fi
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    export DEBIAN_FRONTEND NEEDRESTART_SUSPEND
    # An interrupted run may have left packages half-configured.
    [ -f "$entry/started" ] && dpkg --configure -a >&2
    : > "$entry/started"
    if ! apt-get install -s -qq --no-install-recommends "$@" >/dev/null 2>&1; then
        say "reading the package lists"
        apt-get update -qq -o DPkg::Lock::Timeout=300 >&2 || return 1
    fi
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null |
        while IFS= read -r line; do
            case $line in Get:*|"Setting up "*|"Waiting for cache lock"*) say "$line" ;; esac
        done
    installed > "$entry/after"
    for name; do is_installed "$name" || { fail "apt-get did not install $name"; return 1; }; done
    finish_entry
}

installed() { dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | grep -v '^un'; }
is_installed() { case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in ii*) ;; *) false ;; esac; }

# Purges what came with ours, unless something that came later needs it.
undo_packages() {
    installed > "$mpiup_state/now"
    [ -f "$1/after" ] || cp "$mpiup_state/now" "$1/after"
    ours=$(awk 'FILENAME == ARGV[1] { before[$2] = 1; next } FILENAME == ARGV[2] { now[$2] = 1; next }
        !($2 in before) && $2 in now { print $2 }' "$1/before" "$mpiup_state/now" "$1/after" | tr '\n' ' ')
    rm -f "$mpiup_state/now"
    [ -n "$ours" ] || return 0
    DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
    # shellcheck disable=SC2086
    others=$(apt-get purge -s $ours 2>/dev/null | awk -v ours=" $ours" '$1 == "Purg" || $1 == "Remv" { if (!index(ours, " " $2 " ") && !index(ours, " " $2 ":")) printf "%s ", $2 }')
    if [ -n "$others" ]; then
        kept "packages stay, because ${others% } was installed later and needs them: ${ours% }"
        return 0
    fi
    # shellcheck disable=SC2086
    apt-get purge -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $ours </dev/null |
        while IFS= read -r line; do case $line in Removing*) say "$line" ;; esac; done
    [ -f "$1/apt/extended_states" ] && cmp -s "$1/apt/extended_states" /var/lib/apt/extended_states && cp -a "$1/apt/extended_states" /var/lib/apt/
    return 0
}
