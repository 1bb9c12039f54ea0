# do_packages NAMES…: installs what is missing, in one transaction, without recommended extras.
do_packages() {
    if ! find_entry "packages $*"; then
        new_entry "packages $*" - root || return 1
        installed > "$draft/before" || return 1
        getent group | cut -d: -f1 > "$draft/groups" && getent passwd | cut -d: -f1 > "$draft/accounts" && mkdir "$draft/apt" &&
            { [ ! -f /var/lib/apt/extended_states ] || cp -a /var/lib/apt/extended_states "$draft/apt/"; } || return 1
        commit_entry || return 1
    fi
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    export DEBIAN_FRONTEND NEEDRESTART_SUSPEND
    # An interrupted run may have left packages half-configured.
    [ -f "$entry/started" ] && dpkg --configure -a >&2
    printf "" > "$entry/started" || return 1
    if ! apt-get install -s -qq --no-install-recommends "$@" >/dev/null 2>&1; then
        say "reading the package lists"
        apt-get update -qq -o DPkg::Lock::Timeout=300 >&2 || return 1
    fi
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=false "$@" </dev/null |
        while IFS= read -r line; do
            case $line in Get:*|"Setting up "*|"Waiting for cache lock"*) say "$line" ;; esac
        done
    installed > "$entry/after.new" && on_disk "$entry/after.new" && mv "$entry/after.new" "$entry/after" || return 1
    for name; do is_installed "$name" || { fail "apt-get did not install $name"; return 1; }; done
    finish_entry
}

installed() { dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | grep -v '^un'; }
is_installed() { case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in ii*) ;; *) false ;; esac; }

# Purges what came with ours, unless something that came later needs it, and the groups that came with it. A package that
# was made newer goes back where its old version can still be had; otherwise it stays, and that is said.
undo_packages() {
    installed > "$mpiup_state/now"
    [ -f "$1/after" ] || cp "$mpiup_state/now" "$1/after"
    ours=$(awk 'FILENAME == ARGV[1] { before[$2] = 1; next } FILENAME == ARGV[2] { now[$2] = 1; next }
        !($2 in before) && $2 in now { print $2 }' "$1/before" "$mpiup_state/now" "$1/after" | tr '\n' ' ')
    newer=$(awk 'FILENAME == ARGV[1] { before[$2] = $3; next } FILENAME == ARGV[2] { now[$2] = $3; next }
        $2 in before && before[$2] != $3 && now[$2] == $3 { print $2 "=" before[$2] }' "$1/before" "$mpiup_state/now" "$1/after" | tr '\n' ' ')
    rm -f "$mpiup_state/now"
    DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
    if [ -n "$ours" ]; then
        # shellcheck disable=SC2086
        others=$(apt-get purge -s $ours 2>/dev/null | awk -v ours=" $ours" '$1 == "Purg" || $1 == "Remv" { if (!index(ours, " " $2 " ") && !index(ours, " " $2 ":")) printf "%s ", $2 }')
        if [ -n "$others" ]; then
            kept "packages stay, because ${others% } was installed later and needs them: ${ours% }"
            return 0
        fi
        # shellcheck disable=SC2086
        apt-get purge -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $ours </dev/null |
            while IFS= read -r line; do case $line in Removing*) say "$line" ;; esac; done
        came_along passwd "$1/accounts" | while read -r name; do userdel "$name" >&2; done
        came_along group "$1/groups" | while read -r name; do groupdel "$name" >&2; done
    fi
    # shellcheck disable=SC2086
    if [ -n "$newer" ] && ! apt-get install -y -q --no-install-recommends --allow-downgrades -o DPkg::Lock::Timeout=300 -o APT::Keep-Downloaded-Packages=false $newer </dev/null >/dev/null 2>&1; then
        left "these packages stay in the newer version that MPI needed, because the older can no longer be had: ${newer% }"
    fi
    # With the very packages of before, what apt noted of them (which came by themselves) is right again as it was.
    if [ -f "$1/apt/extended_states" ] && installed | cmp -s - "$1/before"; then
        cp -a "$1/apt/extended_states" /var/lib/apt/extended_states
    fi
    return 0
}

# Accounts or groups of the system that were not there before.
came_along() { getent "$1" | awk -F: -v before="$2" 'BEGIN { while ((getline line < before) > 0) known[line] = 1 } !($1 in known) && $3 < 1000 { print $1 }'; }
