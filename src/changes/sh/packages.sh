# do_packages MANAGER NAMES…: installs what is missing, in one transaction, without recommended extras. What each manager
# does in its own way stands in packages_MANAGER.sh, in functions of these names with the manager's before them:
#   list             all that is installed, `ii NAME VERSION` a line        has NAME         whether it is installed
#   install NAMES    in one transaction, through `manage`                   line LINE        says what of its output a person wants
#   needed_by NAMES  what else is installed and needs one of them           remove NAMES
#   older NAME=VERSION…  brings back older versions; fails where they can no longer be had
#   mend             ends what a killed run left in the middle; fails with a reason in $why while somebody else's is there
#   holder           who has the manager's lock, in the errors on standard input
#   note FOLDER NAMES  keeps what the manager has noted of packages         renote FOLDER    gives that back
#   files NAMES      what belongs to them
do_packages() {
    manager=$1 why=; shift
    node_proxies
    "${manager}_mend" || { [ -z "$why" ] || fail "$why"; return 1; }
    if ! find_entry "packages $*"; then
        new_entry "packages $*" - root || return 1
        printf '%s' "$manager" > "$draft/manager" && "${manager}_list" > "$draft/before" || return 1
        names_in group > "$draft/groups" && names_in passwd > "$draft/accounts" || return 1
        "${manager}_note" "$draft" "$@" && note_needs "$draft" "$@" || return 1
        units_that_run > "$draft/units" && ls -A /var/lib/ > "$draft/var_lib" || return 1
        commit_entry || return 1
    fi
    "${manager}_install" "$@" || return 1
    # Groups and accounts that somebody else's packages bring later are not ours.
    [ -f "$entry/groups.after" ] || names_in group | keep "$entry/groups.after" || return 1
    [ -f "$entry/accounts.after" ] || names_in passwd | keep "$entry/accounts.after" || return 1
    "${manager}_list" | keep "$entry/after" || return 1
    for name; do "${manager}_has" "$name" || { fail "$manager did not install $name"; return 1; }; done
    finish_entry
}

# keep FILE: standard input, whole or not at all.
keep() { cat > "$1.new" && on_disk "$1.new" && mv "$1.new" "$1"; }

# Removes what came with ours, unless something that came later needs it, and the groups that came with it. A package that
# was made newer goes back where its old version can still be had; otherwise it stays, and that is said.
undo_packages() {
    manager=$(cat "$1/manager" 2>/dev/null)
    # Journals of earlier versions do not name it.
    [ -n "$manager" ] || manager=apt
    why=
    "${manager}_mend" || { [ -n "$why" ] || return 1; held "packages stay: $why"; return 0; }
    "${manager}_list" > "$mpiup_state/now"
    [ -f "$1/after" ] || keep "$1/after" < "$mpiup_state/now" || return 1
    # What apt had removed before, but for its configuration (`rc`), was not installed.
    ours=$(awk 'FILENAME == ARGV[1] { before[$2] = $1; next } FILENAME == ARGV[2] { now[$2] = $1; next }
        $2 in now && (!($2 in before) || before[$2] == "rc" && now[$2] != "rc") { print $2 }' "$1/before" "$mpiup_state/now" "$1/after" | brought_by "$1" | tr '\n' ' ')
    newer=$(awk '$1 == "rc" { next } FILENAME == ARGV[1] { before[$2] = $3; next } FILENAME == ARGV[2] { now[$2] = $3; next }
        $2 in before && before[$2] != $3 && now[$2] == $3 { print $2 "=" before[$2] }' "$1/before" "$mpiup_state/now" "$1/after" | tr '\n' ' ')
    rm -f "$mpiup_state/now"
    # The lists hold names and versions, which have no blanks.
    stay=
    # shellcheck disable=SC2086
    if [ -n "$ours" ]; then
        held_back $ours
        if [ -n "$go" ]; then
            stop_units "$1/units" $go
            own_folders "$1" $go || return 1
            "${manager}_remove" $go || return 1
            still=$("${manager}_list" | awk -v ours=" $go" 'FILENAME == ARGV[1] { before[$2] = $1; next }
                index(ours, " " $2 " ") && !($1 == "rc" && before[$2] == "rc") { print $2 }' "$1/before" - | tr '\n' ' ')
            [ -z "$still" ] || { fail "$manager did not remove ${still% }"; return 1; }
        fi
    fi
    # A kill may have come after the packages went.
    # shellcheck disable=SC2086
    if [ -f "$1/folders" ]; then
        grep -vxF "$([ -z "$stay" ] || folders_of $stay)" "$1/folders" | while read -r name; do [ -z "$name" ] || rm -rf "/var/lib/$name"; done
    fi
    if [ -n "$stay" ]; then kept "packages stay, because $because: ${stay% }"; return 0; fi
    came_along passwd "$1/accounts" | while read -r name; do userdel "$name" >&2; done
    came_along group "$1/groups" | while read -r name; do groupdel "$name" >&2; done
    # shellcheck disable=SC2086
    if [ -n "$newer" ] && ! "${manager}_older" $newer >/dev/null 2>&1; then
        left "these packages stay in the newer version that MPI needed, because the older can no longer be had: ${newer% }"
    fi
    # With the very packages of before, what was noted of them (which came by themselves) is right again as it was.
    if "${manager}_list" | cmp -s - "$1/before"; then "${manager}_renote" "$1"; fi
    return 0
}

# held_back NAMES…: sets $stay and $go. What something on this node needs stays, $because of that, and so do those that it needs, itself
# or by what stands between, where the manager can tell; else all of them.
# shellcheck disable=SC2086
held_back() {
    held='' because='' go="$* " stay=
    for package; do
        needs=$(needed_here "$package")
        [ -z "$needs" ] || held="$held$package " because=$needs
    done
    others=$("${manager}_needed_by" "$@" | sort -u | tr '\n' ' ')
    [ -z "$others" ] || because="${because:+$because, and }${others% } was installed later and needs them"
    [ -n "$because" ] || return 0
    go=
    if [ "$manager" = apt ]; then
        go=$(but_for "$held" "$@")
        go=$(but_for "$held$(apt_holding $go)" "$@")
        [ -z "$go" ] || [ -z "$(apt_needed_by $go)" ] || go=
    fi
    stay=$(but_for "$go" "$@")
}
# but_for LIST NAMES…: those that are not in the list, each with a blank behind it.
but_for() { listed=" $1"; shift; for name; do case $listed in *" $name "*) ;; *) printf '%s ' "$name" ;; esac; done; }

# Of the names on standard input (`libx:amd64`) those that came with ours (`libx`). An older journal does not know.
brought_by() {
    if [ -s "$1/brought" ]; then awk 'FILENAME == ARGV[1] { sub(/:.*/, ""); brought[$0] = 1; next } { name = $0; sub(/:.*/, "", name) } name in brought' "$1/brought" -
    else cat; fi
}

# The units of systemd's that run, by name.
units_that_run() { [ ! -d /run/systemd/system ] || systemctl list-units --plain --no-legend --full --state=active | awk '{ print $1 }'; }
# stop_units BEFORE NAMES…: what packages brought, their managers leave running, mounted or failed, one more and one less; and
# what that has pulled in. What ran before goes on: without a list of that (sysinit.target always runs), nothing is stopped.
stop_units() {
    [ -d /run/systemd/system ] && grep -qx sysinit.target "$1" 2>/dev/null || return 0
    before=$1; shift
    units=$(units_of "$@")
    [ -n "$units" ] || return 0
    # shellcheck disable=SC2086
    units=$({ printf '%s\n' "$units"; systemctl show --value -p Requires -p Wants $units | tr ' ' '\n'; } | came_up "$before")
    # What a target that came along requires, such as a mount that several services share.
    targets=$(printf '%s\n' "$units" | grep '[.]target$')
    # shellcheck disable=SC2086
    [ -z "$targets" ] || units=$({ printf '%s\n' "$units"; systemctl show --value -p Requires $targets | tr ' ' '\n'; } | came_up "$before")
    [ -z "$stay" ] || units=$(printf '%s\n' "$units" | grep -vxF "$(units_of $stay)")
    # shellcheck disable=SC2086
    [ -z "$units" ] || { systemctl stop $units; systemctl reset-failed $units; } 2>/dev/null || :
}

# Of the units on standard input those that did not run before, each once.
came_up() { awk -v before="$1" 'BEGIN { while ((getline line < before) > 0) known[line] = 1 } NF && !($0 in known) && !seen[$0]++'; }
units_of() { "${manager}_files" "$@" 2>/dev/null | grep -E '/systemd/system/[^/@]+\.(service|socket|mount|path|timer|target)$' | sed 's|.*/||' | sort -u; }

# own_folders ENTRY NAMES…: notes folders of data that came with packages, which a purge leaves where something was written there.
own_folders() {
    noting=$1; shift
    [ -f "$noting/var_lib" ] || return 0
    came=$(folders_of "$@" | grep -vxFf "$noting/var_lib")
    # Of a removal that was killed: what went is in no list any more.
    [ ! -f "$noting/folders" ] || came="$came
$(cat "$noting/folders")"
    printf '%s\n' "$came" | sort -u | keep "$noting/folders"
}

folders_of() { "${manager}_files" "$@" 2>/dev/null | sed -n 's|^/var/lib/\([^/.][^/]*\)$|\1|p'; }

names_in() { getent "$1" | cut -d: -f1; }

# came_along DATABASE FILE: accounts or groups of the system that came with ours: in FILE are those of before, in FILE.after,
# where the installation came to its end, those of then.
came_along() {
    getent "$1" | awk -F: -v before="$2" -v after="$2.after" '
        BEGIN {
            while ((getline line < before) > 0) known[line] = 1
            while ((getline line < after) > 0) { listed = 1; then[line] = 1 }
        }
        !($1 in known) && (!listed || $1 in then) && $3 < 1000 { print $1 }'
}
