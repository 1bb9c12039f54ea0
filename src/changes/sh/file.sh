# do_file PATH MODE OWNER CHECK: a whole file, from standard input. CHECK is a command that must accept the file in its
# place (`-`: none); when it does not, the file goes back to what it was.
do_file() {
    path=$1 mode=$2 owner=$3 check=$4
    wanted=$mpiup_state/wanted
    no_whole "$owner" "$path" || return 1
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
    if { [ "$check" != - ] || [ "$owner" = root ]; } && [ -f "$entry/done" ] && [ -f "$path" ]; then cp -a "$path" "$previous" || return 1; fi
    will_write "$wanted" && put "$owner" "$path" "$mode" < "$wanted" || return 1
    rm -f "$wanted"
    if [ "$check" != - ] && ! sh -c "$check" >&2; then refused="$path was refused by: $check"; else reread "$path"; fi
    if [ -n "$refused" ]; then
        if [ -f "$previous" ]; then mv -f "$previous" "$path" && finish_entry
        else give_back "$entry" "$path" "$owner" && drop_entry "$entry"; fi
        why=$refused
        reread "$path"
        fail "$why"
        return 1
    fi
    rm -f "$previous"
    finish_entry
}

undo_file() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    owner=$(cat "$1/owner")
    no_draft "$owner" "$path" || return 1
    if { [ -e "$path" ] || [ -L "$path" ]; } && ! is_ours "$1" "$path" && ! is_before "$1" "$path"; then
        kept "$path was changed after mpiup wrote it"
        return 0
    fi
    give_back "$1" "$path" "$owner"
}

# give_back ENTRY PATH OWNER: the file as it was before, times included, or no file. Where it is as it was, nothing is touched.
give_back() {
    if is_before "$1" "$2" && [ "$(stat -c '%a %u %g %Y' "$1/before")" = "$(stat -c '%a %u %g %Y' "$2")" ]; then return 0
    elif [ -f "$1/absent" ]; then as "$3" rm -f "$2" || [ ! -e "$2" ]
    elif [ -L "$1/before" ]; then
        rm -f "$2" && cp -a "$1/before" "$2"
    elif [ -f "$1/before" ] && { [ "$3" != "$mpiup_me" ] || has_names "$2"; }; then
        # The file that is there has the ACL and the attributes still, which this account could not give to another.
        mode=$(stat -c %a "$1/before")
        if [ -f "$2" ] && [ ! -L "$2" ]; then put "$3" "$2" keep < "$1/before" && as "$3" chmod "$mode" "$2"
        else put "$3" "$2" "$mode" < "$1/before"; fi || return 1
        # Only who has the journal can read the time to its last digit.
        if [ "$3" = "$mpiup_me" ]; then touch -r "$1/before" "$2"; else as "$3" touch -d "@$(stat -c %Y "$1/before")" "$2"; fi
    elif [ -f "$1/before" ]; then
        draft=$2.mpiup.$mpiup_node
        cp -a "$1/before" "$draft" || return 1
        mv -f "$draft" "$2" 2>/dev/null || { rm -f "$draft"; put "$3" "$2" keep < "$1/before"; }
    fi
}
has_names() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %h "$1")" != 1 ]; }
