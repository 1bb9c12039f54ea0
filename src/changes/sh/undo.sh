# undo_all STATE PURGE NODES: takes everything back, the last change first. An entry leaves the journal when its change is gone.
# NODES, in words, still have mounted what this one exports; where not all were asked ($mpiup_unasked), the kernel is.
undo_all() {
    mpiup_state=$1 mpiup_journal=$1/journal mpiup_purge=$2 mpiup_mounted_on=$3 mpiup_mount_kept=
    [ -d "$mpiup_state" ] || { rmdir "${mpiup_state%/*}" 2>/dev/null; return 0; }
    needs sha256sum awk find cmp stat || exit 1
    rm -rf "$mpiup_state/new" "$mpiup_state/gone"
    settle || exit 1
    if [ -z "$mpiup_mounted_on" ] && [ "${mpiup_unasked-}" = yes ]; then mpiup_mounted_on=$(served_to "/etc/exports.d/mpiup-${1##*/}.exports"); fi
    undo_synced "$1/synced"
    for entry in $(ls -r "$mpiup_journal" 2>/dev/null); do
        mpiup_index=$entry
        entry=$mpiup_journal/$entry
        printf '@ %s begin\n' "$mpiup_index"
        mpiup_result=done
        intact "$entry" || { kept "$(damaged "$entry")"; printf '@ %s kept\n' "$mpiup_index"; continue; }
        IFS= read -r key < "$entry/key"
        if of_nobody "$entry" || still_exported || still_mounted || { undo_guarded "undo_${key%% *}" "$entry" && read_anew "$entry"; }; then
            printf '@ %s %s\n' "$mpiup_index" "$mpiup_result"
            [ "$mpiup_result" = kept ] || drop_entry "$entry" || exit 1
        else
            printf '@ %s failed\n' "$mpiup_index"; exit 1
        fi
    done
    # What was kept because it is not ours alone stays in the journal: a later `down` looks again.
    [ ! -d "$mpiup_journal" ] || rmdir "$mpiup_journal" 2>/dev/null || return 0
    above=$(cat "$mpiup_state/made" 2>/dev/null)
    rm -rf "$mpiup_state"
    rmdir "${mpiup_state%/*}" 2>/dev/null
    printf '%s\n' "$above" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null; done
    return 0
}
# Files that `sync` brought and that nobody changed since are copies of the operator's own: they go first.
undo_synced() {
    [ -f "$1/list" ] || return 0
    as "$(cat "$1/owner")" sh -c '
        cd "$1" 2>/dev/null || exit 0
        while IFS= read -r line; do
            hash=${line%% *} file=${line#* }
            [ -f "$file" ] && [ ! -L "$file" ] && [ "$(sha256sum < "$file")" = "$hash  -" ] || [ ! -e "$file" ] || continue
            rm -f -- "$file"
            # What Python made of it beside it, and the folders that are empty without it, and no others.
            folder=. name=$file
            case $file in */*) folder=${file%/*} name=${file##*/} ;; esac
            case $name in *.py) rm -f -- "$folder/__pycache__/${name%.py}".*.pyc; rmdir -- "$folder/__pycache__" ;; esac
            while [ "$folder" != . ]; do
                rmdir -- "$folder" || break
                case $folder in */*) folder=${folder%/*} ;; *) folder=. ;; esac
            done
        done 2>/dev/null
        exit 0' undo_synced "$(cat "$1/path")" < "$1/list"
    rm -rf "$1"
}
# of_nobody ENTRY: whether the account is gone, as which this would be taken back. As root, nothing is touched in a home.
of_nobody() {
    owner=$(cat "$1/owner" 2>/dev/null)
    case $key in user*|packages*|hostname*|service*) return 1 ;; esac
    [ "$owner" != "$mpiup_me" ] && ! id "$owner" >/dev/null 2>&1 || return 1
    path=$(cat "$1/path"; printf x); path=${path%x}
    # A purge takes the home away as a whole, in the end.
    if [ "$mpiup_purge" = yes ] || ! { [ -e "$path" ] || [ -L "$path" ]; }; then return 0; fi
    kept "$path stays: it belonged to the account $owner, which somebody removed"
}
# Whether this is the export of what other nodes still have mounted, or what lets them come for it.
still_exported() {
    [ -n "$mpiup_mounted_on" ] || return 1
    case $key in
    "file /etc/exports.d/"*) held "the share stays exported, because it is still mounted on $mpiup_mounted_on" ;;
    "firewall "*|"file "*/zz-mpiup-*) held "the firewall goes on letting the other nodes in, because the share is still mounted on $mpiup_mounted_on" ;;
    *) return 1 ;;
    esac
}
# Whether this is the line by which something is mounted that is in use: systemd would lose hold of it.
still_mounted() {
    [ "$key" = 'block /etc/fstab' ] && [ -n "$mpiup_mount_kept" ] || return 1
    held "its line stays in /etc/fstab, because $mpiup_mount_kept stays mounted"
}
# served_to EXPORTS: those of its addresses that have something mounted from here, in words: the kernel's own list (since Linux
# 5.3). Who was cut off stands in it until its lease ends, and from 5.19 on long after: nobody waits for those.
served_to() {
    cat /proc/fs/nfsd/clients/*/info 2>/dev/null | awk -v exports="$1" -v lease="$(cat /proc/fs/nfsd/nfsv4leasetime 2>/dev/null || echo 90)" '
        function end_of_one() { if (address in ours && !seen[address]++) { list = list comma address; comma = ", " } address = "" }
        BEGIN { while ((getline line < exports) > 0) if (line !~ /^#/) { count = split(line, word, " "); for (i = 2; i <= count; i++) ours[word[i]] = 1 } }
        /^clientid: / { end_of_one() }
        /^address: / { address = $2; gsub(/^"\[?|\]?:[0-9]+"$/, "", address) }
        /^status: / && $2 != "confirmed" { address = "" }
        /^seconds from last renew: / && $5 >= lease + 0 { address = "" }
        END { end_of_one(); if (list != "") print list ": `mpiup down` of that machine too, before or with this one, takes both back" }'
}
# Who keeps the file in memory reads it anew.
read_anew() { path=; IFS= read -r path < "$1/path" || :; [ "$mpiup_result" = kept ] || reread "$path"; return 0; }
# mounted PATH: whether something is mounted there or below, or others have it mounted: it must not be emptied. It is kept, and
# so are we. Whoever touches a folder whose server is gone waits: so links are followed only where nothing is found without.
mounted() {
    at=$(readlink -f "${1%/*}/") at=$(mounted_below "${at%/}/${1##*/}")
    [ -n "$at" ] || [ ! -L "$1" ] || at=$(mounted_below "$(readlink -f "$1")")
    if [ -n "$at" ]; then
        held "$1 stays, because something is mounted at $at; after \`umount $at\`, \`mpiup down\` goes on"
    elif [ -n "$mpiup_mounted_on" ] && exported_below "$1"; then
        held "$1 stays, because it is still mounted on $mpiup_mounted_on"
    else return 1; fi
}
mounted_below() {
    in_path=$1 awk '{ gsub(/\\040/, " ", $5); gsub(/\\134/, "\\", $5) }
        $5 == ENVIRON["in_path"] || index($5, ENVIRON["in_path"] "/") == 1 { print $5; exit }' /proc/self/mountinfo 2>/dev/null
}
exported_below() {
    cat /etc/exports.d/mpiup-*.exports 2>/dev/null | in_path=$1 awk '
        $1 == ENVIRON["in_path"] || index($1, ENVIRON["in_path"] "/") == 1 { found = 1 } END { exit !found }'
}
# What is not ours alone: it stays, and so does its entry.
kept() { mpiup_result=kept; say "$*"; }
# What is ours, and stays until what is said of it has ended or is mended: this node is not finished.
held() { mpiup_result=kept; printf '@ %s held %s\n' "$mpiup_index" "$*"; }
# What cannot be given back whole: that is said, and nothing more can be done.
left() { mpiup_result=left; say "$*"; }
