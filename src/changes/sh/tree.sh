# do_tree PATH OWNER STAMP KEY: a folder that another stream has brought (the Python environment): it is only noted here,
# before the stream comes; STAMP is the file in it that holds KEY once it is complete.
do_tree() {
    path=$1 owner=$2
    if ! find_entry "tree $path"; then
        new_entry "tree $path" "$path" "$owner" && commit_entry || return 1
    fi
    mpiup_result=announced
}

# Programs out of the folder that still run end with it: a daemon of Open MPI 5 can hang on its way out, and would keep the
# account as well.
undo_tree() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    case $path in /*/?*) ;; *) return 0 ;; esac
    ! mounted "$path" || return 0
    ls -l /proc/[0-9]*/exe 2>/dev/null |
        awk -v into=" -> $path/" '{ at = index($0, into); if (at) { n = split(substr($0, 1, at - 1), part, "/"); print part[n - 1] } }' |
        while read -r process; do kill -KILL "$process" 2>/dev/null; done
    as "$(cat "$1/owner")" rm -rf "$path" "$path".new.* "$path".old.*
}
