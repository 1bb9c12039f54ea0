# do_file PATH MODE OWNER CHECK: a whole file, from standard input. CHECK is a command that must accept the file in its
# place (`-`: none); when it does not, the file goes back to what it was.
do_file() {
    path=$1 mode=$2 owner=$3 check=$4
    wanted=$mpiup_state/wanted
    (umask 077; cat > "$wanted") || return 1
    if ! find_entry "file $path"; then
        new_entry "file $path" "$path" "$owner" || return 1
        if [ -e "$path" ] || [ -L "$path" ]; then cp -a "$path" "$draft/before" || return 1
        else printf "" > "$draft/absent" || return 1; fi
        commit_entry || return 1
    fi
    # A text that is refused gives way to the one that mpiup had completed there before, else to what stood there before mpiup.
    previous=$mpiup_state/previous
    rm -f "$previous"
    if [ "$check" != - ] && [ -f "$entry/done" ] && [ -f "$path" ]; then cp -a "$path" "$previous" || return 1; fi
    will_write "$wanted" && put "$owner" "$path" "$mode" < "$wanted" || return 1
    rm -f "$wanted"
    if [ "$check" != - ] && ! sh -c "$check" >&2; then
        if [ -f "$previous" ]; then mv -f "$previous" "$path" && finish_entry
        else give_back "$entry" "$path" "$owner" && drop_entry "$entry"; fi
        fail "$path was refused by: $check"
        return 1
    fi
    rm -f "$previous"
    finish_entry
}

undo_file() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    owner=$(cat "$1/owner")
    no_draft "$owner" "$path"
    if { [ -e "$path" ] || [ -L "$path" ]; } && ! is_ours "$1" "$path" && ! is_before "$1" "$path"; then
        kept "$path was changed after mpiup wrote it"
        return 0
    fi
    give_back "$1" "$path" "$owner"
}

# give_back ENTRY PATH OWNER: the file as it was before, times included, or no file.
give_back() {
    if [ -f "$1/absent" ]; then as "$3" rm -f "$2" || [ ! -e "$2" ]
    elif [ -L "$1/before" ]; then
        rm -f "$2" && cp -a "$1/before" "$2"
    elif [ -f "$1/before" ] && [ "$3" != "$mpiup_me" ]; then
        put "$3" "$2" "$(stat -c %a "$1/before")" < "$1/before" && as "$3" touch -d "@$(stat -c %Y "$1/before")" "$2"
    elif [ -f "$1/before" ]; then
        draft=$2.mpiup.$mpiup_node
        cp -a "$1/before" "$draft" || return 1
        mv -f "$draft" "$2" 2>/dev/null || { cat "$1/before" > "$2"; rm -f "$draft"; }
    fi
}
