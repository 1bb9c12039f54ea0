# do_tree PATH OWNER STAMP KEY: a folder that another stream has brought (the Python environment): it is only noted here,
# before the stream comes; STAMP is the file in it that holds KEY once it is complete.
do_tree() {
    path=$1 owner=$2
    if ! find_entry "tree $path"; then
        new_entry "tree $path" "$path" "$owner" && commit_entry || return 1
    fi
    mpiup_result=announced
}

undo_tree() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    case $path in /*/?*) as "$(cat "$1/owner")" rm -rf "$path" ;; esac
}
