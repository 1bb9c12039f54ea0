# do_block PATH MARK PLACE MODE OWNER: the lines of standard input between two marker lines, at the top or the bottom
# of a file (`#` comments); MODE and OWNER are for a file that is not there yet. What stands outside is left alone.
do_block() {
    mark=$2 place=$3 mode=$4 owner=$5
    path=$(real "$1")
    wanted=$mpiup_state/wanted
    others=$mpiup_state/others
    (umask 077; { printf '# >>> %s >>>\n' "$mark"; cat; printf '# <<< %s <<<\n' "$mark"; } > "$wanted") || return 1
    if find_entry "block $path"; then
        # Somebody edited the file since: giving back the whole old file would lose that, so `down` cuts the block out.
        [ ! -e "$path" ] || is_ours "$entry" "$path" || is_before "$entry" "$path" || : > "$entry/edited"
    else
        new_entry "block $path" "$path" "$owner" || return 1
        printf '%s' "$mark" > "$draft/mark" || return 1
        if [ -e "$path" ]; then cp -a "$path" "$draft/before" || return 1; else printf "" > "$draft/absent" || return 1; fi
        commit_entry || return 1
    fi
    : > "$others"
    if [ -e "$path" ]; then without_block "$path" "$mark" > "$others" || return 1; mode=keep; fi
    if [ "$place" = top ]; then cat "$wanted" "$others"
    else
        cat "$others"
        [ ! -s "$others" ] || [ -z "$(tail -c 1 "$others")" ] || printf '\n'
        cat "$wanted"
    fi > "$mpiup_state/whole" || return 1
    will_write "$mpiup_state/whole" && put "$owner" "$path" "$mode" < "$mpiup_state/whole" || return 1
    rm -f "$wanted" "$others" "$mpiup_state/whole"
    finish_entry
}

# The file without the lines from one marker to the other. A first marker without its end takes nothing away, also when a
# last one stands further down behind a whole block, and a last line that does not end in a newline stays so.
without_block() {
    ends=1; [ ! -s "$1" ] || [ -z "$(tail -c 1 "$1")" ] || ends=0
    awk -v first="# >>> $2 >>>" -v last="# <<< $2 <<<" -v ends="$ends" '
        function keep(text) { printf "%s%s", between, text; between = "\n"; kept = NR }
        $0 == first { if (inside) { keep(held); open = 1 } inside = 1; held = $0; next }
        inside && $0 == last { inside = 0; held = ""; next }
        inside { held = held "\n" $0; next }
        open && $0 == last { next }
        { keep($0) }
        END { if (inside) keep(held); if (kept && (ends || kept != NR)) printf "\n" }
    ' "$1"
}

undo_block() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    owner=$(cat "$1/owner")
    mark=$(cat "$1/mark")
    no_draft "$owner" "$path"
    [ -e "$path" ] || return 0
    if is_before "$1" "$path" || { [ ! -f "$1/edited" ] && is_ours "$1" "$path"; }; then give_back "$1" "$path" "$owner"
    else
        without_block "$path" "$mark" > "$mpiup_state/others" || return 1
        if [ -f "$1/absent" ] && [ ! -s "$mpiup_state/others" ]; then as "$owner" rm -f "$path"
        else put "$owner" "$path" keep < "$mpiup_state/others" && left "$path was edited by somebody else: only the block of mpiup was taken out"; fi
        rm -f "$mpiup_state/others"
    fi
}
