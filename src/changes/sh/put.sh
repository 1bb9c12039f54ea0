# put OWNER PATH MODE: replaces a file by standard input, in one step; what belongs to one that is there (mode, owner, ACL,
# attributes) is kept when MODE is `keep`. A file that has a second name (a hard link) keeps it, and one that cannot be
# replaced (a bind mount, as containers have) stays: these are overwritten.
# The draft beside it has a name that the next run knows, which removes what a kill has left; and it is this node's own,
# since nodes may share a home. From the moment in which the file itself is touched the draft is called `whole`, and then who
# comes next ends the overwriting (`no_draft`) before looking at the file.
mpiup_overwrite='
    overwrite() {
        dd if="$2" of="$1" bs=65536 conv=notrunc 2>&1 && dd if=/dev/null of="$1" bs=1 seek="$(wc -c < "$2")" 2>&1 && rm -f "$2"
    }
'
mpiup_put=$mpiup_overwrite'
    umask 077
    t=$3
    [ ! -e "$t" ] && [ ! -L "$t" ] || rm -f "$t" || exit 1
    trap "[ ! -e \"\$t\" ] || rm -f \"\$t\"" EXIT
    if [ "$2" = keep ]; then cp -a "$1" "$t" || exit 1; fi
    cat > "$t" || exit 1
    names=1
    if [ "$2" != keep ]; then chmod "$2" "$t" || exit 1; elif [ -f "$1" ]; then names=$(stat -c %h "$1"); fi
    if [ "$names" = 1 ] && mv -f "$t" "$1" 2>/dev/null; then exit 0; fi
    old=$(cksum 2>/dev/null < "$1")
    mv -f "$t" "$t.whole" || exit 1
    said=$(overwrite "$1" "$t.whole") && exit 0
    # What is half-written has to be ended; what is untouched has not.
    [ "$(cksum 2>/dev/null < "$1")" != "$old" ] || rm -f "$t.whole"
    case $(lsattr -d "$1" 2>/dev/null) in
    *i*" $1" | *a*" $1") said="$1 is protected against changes by an attribute (\`lsattr $1\` shows it). To take that away: \`chattr -ia $1\`" ;;
    esac
    printf "%s\n" "$said" | head -n 1 >&2
    exit 1
'
put() { as "$1" sh -c "$mpiup_put" put "$2" "$3" "$2.mpiup.$mpiup_node"; }

# no_draft OWNER PATH: nothing is left of an interrupted `put`.
no_draft() {
    if [ -f "$2.mpiup.$mpiup_node.whole" ]; then
        as "$1" sh -c "$mpiup_overwrite"'overwrite "$1" "$2" >/dev/null' no_draft "$2" "$2.mpiup.$mpiup_node.whole" || return 1
    fi
    as "$1" rm -f "$2.mpiup.$mpiup_node"
}
# The same where a draft that only `put` would remove does no harm.
no_whole() { [ ! -f "$2.mpiup.$mpiup_node.whole" ] || no_draft "$1" "$2"; }
