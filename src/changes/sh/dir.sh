# do_dir PATH MODE OWNER: a folder that was not there.
do_dir() {
    path=$1 mode=$2 owner=$3
    if ! find_entry "dir $path"; then
        [ -d "$path" ] && { mpiup_result=same; return 0; }
        new_entry "dir $path" "$path" "$owner" && commit_entry || return 1
    fi
    [ -d "$path" ] || as "$owner" mkdir "$path" || return 1
    as "$owner" chmod "$mode" "$path" && finish_entry
}

# Files that `sync` put there and that nobody changed are the operator's copies: they go. Everything else stays.
undo_dir() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    owner=$(cat "$1/owner")
    [ -d "$path" ] || return 0
    if [ "$mpiup_purge" = yes ]; then as "$owner" rm -rf "$path"; return; fi
    if [ -f "$1/synced" ]; then
        as "$owner" sh -c '
            cd "$1" || exit 1
            while read -r hash file; do
                [ -f "$file" ] && [ ! -L "$file" ] && [ "$(sha256sum < "$file")" = "$hash  -" ] && rm -f "$file"
            done
            find . -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null
            find . -depth -mindepth 1 -type d -exec rmdir {} + 2>/dev/null
            exit 0' undo_dir "$path" < "$1/synced"
    fi
    if ! as "$owner" rmdir "$path" 2>/dev/null; then
        kept "$path holds files that mpiup did not put there"
    fi
}
