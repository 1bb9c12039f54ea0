# mpiup: what runs on a node. Plain POSIX sh; every change is written down in the journal before it is made.
#
# The journal is a folder with one folder per change, in the order in which they were begun:
#   what    the change in words, as `plan` shows it      key    primitive and object: never two of the same
#   before  the file as it was (or `absent`)             after  sha256 of what mpiup wrote there, all that it ever wrote
#   done    stands once the change is complete: without it, the change was interrupted and is made again or undone
#   sums    sha256 of what the entry was made of: a file that lost its content to a power cut or a full disk is never given back
# A folder gets its name only when it is complete (`mv`), so a kill at any point leaves all of it or nothing.
set -u
LC_ALL=C; export LC_ALL
umask 022
mpiup_me=$(id -un) mpiup_node=$(uname -n)

say() { printf '@ %s say %s\n' "$mpiup_index" "$*"; }
waits() { printf '@ %s waits %s\n' "$mpiup_index" "$*"; }
value() { printf '@ %s value %s\n' "$mpiup_index" "$*"; }
fail() { printf '%s\n' "$*" >&2; return 1; }
# needs PROGRAMS…: without them the journal can neither be written nor believed.
needs() { for tool; do command -v "$tool" >/dev/null 2>&1 || { fail "the program $tool is missing there, without which the journal cannot be read"; return 1; }; done; }
sum() { hash=$(sha256sum < "$1"); printf '%s' "${hash%% *}"; }

# Runs a command as the account that owns what is changed, so that no link in a home can aim root at another file.
as() {
    as_user=$1; shift
    if [ "$as_user" = "$mpiup_me" ]; then "$@"
    elif [ -x /usr/bin/setpriv ]; then
        # Asked for once: it takes as long as the command itself.
        [ "$as_user" = "${as_known-}" ] || { as_group=$(id -g "$as_user") && as_known=$as_user; } || return 1
        setpriv --reuid "$as_user" --regid "$as_group" --init-groups -- "$@"
    else runuser -u "$as_user" -- "$@"; fi
}

# begin STATE: the folder of this cluster on this node, for root (or the rootless user) alone.
begin() {
    mpiup_state=$1
    mpiup_journal=$1/journal
    if [ ! -d "$mpiup_journal" ]; then
        # Folders above that are not there yet are noted, so that the end of the journal takes them away too.
        above=${1%/*} made=
        while [ ! -d "$above" ]; do made="$made$above
"; above=${above%/*}; done
        (umask 077; mkdir -p "$1" && { [ -f "$1/made" ] || printf '%s' "$made" > "$1/made"; } && mkdir "$mpiup_journal") || return 1
    fi
    rm -rf "$mpiup_state/new" "$mpiup_state/relay.conf" "$mpiup_state/said"
    if ! all_intact; then
        for entry in "$mpiup_journal"/[0-9]*; do
            [ ! -d "$entry" ] || intact "$entry" || { fail "$(damaged "$entry")"; return 1; }
        done
    fi
    settle
}

# Who is in the cluster now, and how its operator reaches them, from standard input: a node that leaves mpiup.toml one day is
# found by it.
note_members() {
    (umask 077; cat > "$mpiup_state/members.new") && on_disk "$mpiup_state/members.new" &&
        mv -f "$mpiup_state/members.new" "$mpiup_state/members" || unwritable
}

# change INDEX WHAT PRIMITIVE ARGUMENTS…: makes one change and reports it; what follows a failure is not begun.
change() {
    mpiup_index=$1 mpiup_what=$2; shift 2
    printf '@ %s begin\n' "$mpiup_index"
    mpiup_result=done
    if "$@"; then printf '@ %s %s\n' "$mpiup_index" "$mpiup_result"
    else printf '@ %s failed\n' "$mpiup_index"; exit 1; fi
}

# entry KEY: sets $entry to the journal's folder for this object; 1 when there is none yet.
find_entry() {
    for entry in "$mpiup_journal"/[0-9]*; do
        [ -f "$entry/key" ] || continue
        IFS= read -r found < "$entry/key"
        [ "$found" = "$1" ] && return 0
    done
    return 1
}

# Begins the entry that a primitive fills in before it is given its name.
new_entry() {
    draft=$mpiup_state/new
    { [ ! -e "$draft" ] || rm -rf "$draft"; } || return 1
    { mkdir -m 700 "$draft" && printf '%s\n' "$1" > "$draft/key" && printf '%s\n' "$mpiup_what" > "$draft/what" &&
        printf '%s' "$2" > "$draft/path" && printf '%s' "$3" > "$draft/owner"; } || unwritable
}

# The entry takes its place in the journal; from here on `down` knows of the change. It is on the disk before the change is
# begun: the disk may keep the one and lose the other when the power fails.
commit_entry() {
    (cd "$draft" && find . -type f ! -name sums -exec sha256sum {} + > sums) || { unwritable; return 1; }
    last=0
    for entry in "$mpiup_journal"/[0-9]*; do [ -d "$entry" ] && last=${entry##*/}; done
    last=${last#0}; last=${last#0}; last=${last#0}
    entry=$((last + 1))
    while [ ${#entry} -lt 4 ]; do entry=0$entry; done
    entry=$mpiup_journal/$entry
    on_disk "$draft"/* "$draft" && mv "$draft" "$entry" && on_disk "$mpiup_journal" || unwritable
}

unwritable() { fail "The journal in $mpiup_state cannot be written: is the disk full, or read-only?"; }

# A sync that takes no names writes everything, or does nothing: then the kernel decides when.
on_disk() { sync "$@" 2>/dev/null || :; }

# at_rest FOLDERS…: what was changed below them, and what the journal says of it, is on the disk: a machine that loses its power after
# it was said to be ready would hold files of length 0, and a journal that takes them for somebody else's.
at_rest() { sync -f "$mpiup_state" "$@" 2>/dev/null || :; }

# Whether the entry is what was written: a part of one must not be acted on. Journals of before there were sums have none.
intact() { [ -s "$1/key" ] && { [ ! -e "$1/sums" ] || { [ -s "$1/sums" ] && (cd "$1" && sha256sum -c sums >/dev/null 2>&1); }; }; }
# The same of all entries at once, where each has its sums: two programs, and not two for each entry. A line that is no sum
# would be passed over by sha256sum.
all_intact() {
    for entry in "$mpiup_journal"/[0-9]*; do [ -s "$entry/key" ] && [ -s "$entry/sums" ] || return 1; done
    sums=$(cd "$mpiup_journal" && awk '
        length($1) != 64 || $1 ~ /[^0-9a-f]/ || substr($0, 65, 4) != "  ./" { exit 1 }
        { print $1 "  " substr(FILENAME, 1, index(FILENAME, "/")) substr($0, 69) }
    ' [0-9]*/sums) && (cd "$mpiup_journal" && printf '%s\n' "$sums" | sha256sum -c >/dev/null 2>&1)
}
damaged() { printf '%s' "the journal's entry $1 is damaged, so its change stays as it is; look into it (docs/journal.md), then: rm -r $1"; }

# What is guarded is complete only when it was confirmed (guard.sh).
finish_entry() { [ -n "${guard_how-}" ] || printf "" > "$entry/done" || unwritable; }

# An entry leaves the journal at once or not at all: half of one could not be read.
drop_entry() { rm -rf "$mpiup_state/gone" && mv "$1" "$mpiup_state/gone" && rm -rf "$mpiup_state/gone"; }

# Notes what is about to be written, before it is: a kill in between must not make it look like somebody else's.
will_write() { { [ ! -e "$entry/done" ] || rm -f "$entry/done"; } && hash=$(sha256sum < "$1") && printf '%s\n' "${hash%% *}" >> "$entry/after"; }

# is_ours ENTRY PATH: whether the file holds what mpiup has written there. is_before: what stood there before mpiup.
is_ours() { [ -f "$2" ] && [ ! -L "$2" ] && [ -f "$1/after" ] && grep -qxF "$(sum "$2")" "$1/after"; }
is_before() {
    if [ -L "$1/before" ]; then [ -L "$2" ] && [ "$(readlink "$2")" = "$(readlink "$1/before")" ]
    else [ -f "$1/before" ] && [ ! -L "$2" ] && cmp -s "$1/before" "$2"; fi
}

# The file itself where PATH is a link to it.
real() { if [ -L "$1" ]; then readlink -f "$1"; else printf '%s' "$1"; fi; }
