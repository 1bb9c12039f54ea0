# do_dir PATH MODE OWNER: a folder that was not there.
do_dir() {
    path=$1 mode=$2 owner=$3
    if ! find_entry "dir $path"; then
        [ -d "$path" ] && { mpiup_result=same; return 0; }
        new_entry "dir $path" "$path" "$owner" && commit_entry || return 1
    fi
    [ -d "$path" ] || as "$owner" mkdir "$path" || return 1
    # Only root can give a folder back to its owner; what is mounted or linked there is somebody else's.
    if [ "$(stat -c %U "$path")" != "$owner" ] && [ ! -L "$path" ]; then chown -h "$owner" "$path" || return 1; fi
    as "$owner" chmod "$mode" "$path" && finish_entry
}

# A folder that others have put something into stays.
undo_dir() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    owner=$(cat "$1/owner")
    # Before anything touches it: a folder whose server is gone answers nobody.
    ! mounted "$path" || return 0
    [ -d "$path" ] || return 0
    if [ "$mpiup_purge" = yes ]; then as "$owner" rm -rf "$path"; return; fi
    as "$owner" rmdir "$path" 2>/dev/null && return 0
    if [ -n "$mpiup_mounted_on" ] && [ "$path" = /etc/exports.d ]; then held "$path stays, with the export in it"
    else kept "$path holds files that mpiup did not put there"; fi
}
