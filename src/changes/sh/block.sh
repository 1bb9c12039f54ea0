# do_block PATH MARK PLACE MODE OWNER: the lines of standard input between two marker lines, at the top or the bottom
# of a file (`#` comments); MODE and OWNER are for a file that is not there yet. What stands outside is left alone.
do_block() {
    mark=$2 place=$3 mode=$4 owner=$5
    path=$(real "$1")
    wanted=$mpiup_state/wanted
    others=$mpiup_state/others
    no_whole "$owner" "$path" || return 1
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
    # By its lines `down` tells what somebody else wrote between the marks.
    cat "$wanted" >> "$entry/lines" || return 1
    will_write "$mpiup_state/whole" && put "$owner" "$path" "$mode" < "$mpiup_state/whole" || return 1
    rm -f "$wanted" "$others" "$mpiup_state/whole"
    reread "$path"
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
    no_draft "$owner" "$path" || return 1
    [ -e "$path" ] || return 0
    if [ ! -f "$path" ]; then kept "$path is not a file any more, so it stays"; return 0; fi
    if [ "$owner" != "$mpiup_me" ] && [ "$(stat -c %U "$path")" != "$owner" ]; then
        kept "$path belongs to $(stat -c %U "$path") now and not to $owner, so the block of mpiup stays in it"
        return 0
    fi
    if is_before "$1" "$path" || { [ ! -f "$1/edited" ] && is_ours "$1" "$path"; }; then
        if [ ! -f "$1/before" ] || [ "$(stat -c '%a %U %G' "$1/before")" = "$(stat -c '%a %U %G' "$path")" ]; then
            give_back "$1" "$path" "$owner"
        else
            put "$owner" "$path" keep < "$1/before" && as "$owner" touch -d "@$(stat -c %Y "$1/before")" "$path" &&
                left "$path is as it was, with the mode and owner that somebody gave it since"
        fi
    else take_out "$1"; fi
}

# Takes the block out of $path, which somebody edited, line by line: what mpiup did not write is theirs, also between the
# marks, and after somebody removed one of those.
take_out() {
    others=$mpiup_state/others
    without_block "$path" "$mark" > "$others.all" || return 1
    if [ -f "$1/lines" ]; then without_lines "$1/lines" "$path" "$mark" > "$others" || return 1
    else cp "$others.all" "$others" || return 1; fi
    if cmp -s "$others" "$path"; then left "$path holds no block of mpiup any more, and stays as it is"
    elif [ -f "$1/absent" ] && [ ! -s "$others" ]; then as "$owner" rm -f "$path"
    elif ! put "$owner" "$path" keep < "$others"; then return 1
    elif cmp -s "$others" "$others.all"; then left "$path was edited by somebody else: only the block of mpiup was taken out"
    else left "$path was edited by somebody else, in the block of mpiup too: only what mpiup wrote was taken out"; fi
    rm -f "$others" "$others.all"
}

# without_lines OURS PATH MARK: the file without the marker lines, and without the lines of OURS that stand between them.
# Where one marker is gone, those lines go that stand next to the other.
without_lines() {
    ends=1; [ ! -s "$2" ] || [ -z "$(tail -c 1 "$2")" ] || ends=0
    awk -v first="# >>> $3 >>>" -v last="# <<< $3 <<<" -v ends="$ends" '
        FILENAME == ARGV[1] { ours[$0] = 1; next }
        { line[++count] = $0 }
        END {
            for (at = 1; at <= count; at++) {
                if (line[at] == last) { while (kept && (keep[kept] in ours)) kept--; continue }
                if (line[at] != first) { keep[++kept] = line[at]; from[kept] = at; continue }
                for (end = at + 1; end <= count && line[end] != last && line[end] != first; end++) ;
                if (end <= count && line[end] == last) {
                    for (at++; at < end; at++) if (!(line[at] in ours)) { keep[++kept] = line[at]; from[kept] = at }
                } else while (at < count && (line[at + 1] in ours)) at++
            }
            for (at = 1; at <= kept; at++) printf "%s%s", keep[at], (at < kept || ends || from[at] != count) ? "\n" : ""
        }
    ' "$1" "$2"
}
