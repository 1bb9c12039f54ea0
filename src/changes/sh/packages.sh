# do_packages MANAGER NAMES…: installs what is missing, in one transaction, without recommended extras. What each manager
# does in its own way stands in packages_MANAGER.sh, in functions of these names with the manager's before them:
#   list             all that is installed, `ii NAME VERSION` a line        has NAME         whether it is installed
#   install NAMES    in one transaction; says what goes on                  mend             after a run that was killed
#   needed_by NAMES  what else is installed and needs one of them           remove NAMES
#   older NAME=VERSION…  brings back older versions; fails where they can no longer be had
#   note FOLDER      keeps what the manager has noted of packages           renote FOLDER    gives that back
do_packages() {
    manager=$1; shift
    if ! find_entry "packages $*"; then
        new_entry "packages $*" - root || return 1
        printf '%s' "$manager" > "$draft/manager" && "${manager}_list" > "$draft/before" || return 1
        getent group | cut -d: -f1 > "$draft/groups" && getent passwd | cut -d: -f1 > "$draft/accounts" || return 1
        "${manager}_note" "$draft" || return 1
        commit_entry || return 1
    fi
    if [ -f "$entry/started" ]; then "${manager}_mend"; fi
    printf "" > "$entry/started" || return 1
    "${manager}_install" "$@" || return 1
    "${manager}_list" > "$entry/after.new" && on_disk "$entry/after.new" && mv "$entry/after.new" "$entry/after" || return 1
    for name; do "${manager}_has" "$name" || { fail "$manager did not install $name"; return 1; }; done
    finish_entry
}

# Removes what came with ours, unless something that came later needs it, and the groups that came with it. A package that
# was made newer goes back where its old version can still be had; otherwise it stays, and that is said.
undo_packages() {
    manager=$(cat "$1/manager" 2>/dev/null)
    # Journals of earlier versions do not name it.
    [ -n "$manager" ] || manager=apt
    "${manager}_list" > "$mpiup_state/now"
    [ -f "$1/after" ] || cp "$mpiup_state/now" "$1/after"
    ours=$(awk 'FILENAME == ARGV[1] { before[$2] = 1; next } FILENAME == ARGV[2] { now[$2] = 1; next }
        !($2 in before) && $2 in now { print $2 }' "$1/before" "$mpiup_state/now" "$1/after" | brought_by "$1" | tr '\n' ' ')
    newer=$(awk 'FILENAME == ARGV[1] { before[$2] = $3; next } FILENAME == ARGV[2] { now[$2] = $3; next }
        $2 in before && before[$2] != $3 && now[$2] == $3 { print $2 "=" before[$2] }' "$1/before" "$mpiup_state/now" "$1/after" | tr '\n' ' ')
    rm -f "$mpiup_state/now"
    # The lists hold names and versions, which have no blanks.
    # shellcheck disable=SC2086
    if [ -n "$ours" ]; then
        others=$("${manager}_needed_by" $ours | sort -u | tr '\n' ' ')
        if [ -n "$others" ]; then
            # Only those that it needs stay, themselves or by what stands between, where the manager can tell.
            stay=$ours go=
            if [ "$manager" = apt ]; then
                stay=" $(apt_holding $ours)"
                for name in $ours; do case $stay in *" $name "*) ;; *) go="$go$name " ;; esac; done
                stay=${stay# }
                [ -z "$go" ] || [ -n "$(apt_needed_by $go)" ] || apt_remove $go
            fi
            kept "packages stay, because ${others% } was installed later and needs them: ${stay% }"
            return 0
        fi
        "${manager}_remove" $ours
        came_along passwd "$1/accounts" | while read -r name; do userdel "$name" >&2; done
        came_along group "$1/groups" | while read -r name; do groupdel "$name" >&2; done
    fi
    # shellcheck disable=SC2086
    if [ -n "$newer" ] && ! "${manager}_older" $newer </dev/null >/dev/null 2>&1; then
        left "these packages stay in the newer version that MPI needed, because the older can no longer be had: ${newer% }"
    fi
    # With the very packages of before, what was noted of them (which came by themselves) is right again as it was.
    if "${manager}_list" | cmp -s - "$1/before"; then "${manager}_renote" "$1"; fi
    return 0
}

# Of the names on standard input (`libx:amd64`) those that came with ours (`libx`). An older journal does not know.
brought_by() {
    if [ -s "$1/brought" ]; then awk 'FILENAME == ARGV[1] { sub(/:.*/, ""); brought[$0] = 1; next } { name = $0; sub(/:.*/, "", name) } name in brought' "$1/brought" -
    else cat; fi
}

# Accounts or groups of the system that were not there before.
came_along() { getent "$1" | awk -F: -v before="$2" 'BEGIN { while ((getline line < before) > 0) known[line] = 1 } !($1 in known) && $3 < 1000 { print $1 }'; }
