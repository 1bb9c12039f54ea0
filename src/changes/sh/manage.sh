# manage COMMAND…: runs a package manager to the end of what it began, and says what it is at. That also when mpiup or the
# connection has gone: dpkg ends in the middle of a package where it cannot print (SIGPIPE), so here it always can.
# While another program has the manager's lock, which one of them is said, and it is waited for, 5 minutes; then it is given up, with 99.
mpiup_manager_patience=300 manage_quietly=
manage() {
    run=$mpiup_state/manager waited=0
    mkdir -p "$run" || return 1
    while :; do
        { "$@" </dev/null 2> "$run/errors"; echo $? > "$run/status"; } | (
            trap '' PIPE
            while IFS= read -r line; do "${manager}_line" "$line"; done
        )
        status=$(cat "$run/status")
        holder=$("${manager}_holder" < "$run/errors")
        { [ "$status" != 0 ] && [ -n "$holder" ]; } || break
        if [ "$waited" -ge "$mpiup_manager_patience" ]; then
            rm -rf "$run"
            fail "$holder was at work on the packages here for $waited s; run this again when it has ended"
            return 99
        fi
        [ "$waited" -gt 0 ] || waits "for $holder, which is at work on the packages here"
        waited=$((waited + 2))
        sleep 2
    done
    [ -n "$manage_quietly" ] || cat "$run/errors" >&2
    rm -rf "$run"
    return "$status"
}
