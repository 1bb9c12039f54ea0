# do_mount PATH SOURCE: what a line of /etc/fstab says of PATH, mounted now. systemd mounts it again when it is first used
# after a reboot (x-systemd.automount).
do_mount() {
    path=$1 source=$2 unit=$(systemd-escape -p "$1") || return 1
    if ! find_entry "mount $path"; then
        new_entry "mount $path" "$path" root || return 1
        # What somebody mounted by hand is theirs until this node restarts; then it is mounted by the line.
        if [ -n "$(nfs_at "$path")" ]; then cat /proc/sys/kernel/random/boot_id > "$draft/theirs" || return 1; fi
        ! systemctl is-active -q "$unit.automount" || printf '' > "$draft/automounts" || return 1
        commit_entry || return 1
    fi
    left_behind "$path" "${source%:*}" || return 1
    if [ -z "$(nfs_at "$path")" ]; then
        [ -f "$entry/automounts" ] || systemctl start "$unit.automount" >&2 || return 1
        say "mounting $source"
        timeout 200 systemctl start "$unit.mount" >/dev/null 2>&1
    fi
    [ "$(nfs_at "$path")" = "$source" ] || [ -f "$entry/theirs" ] || { fail "$(why_not_mounted)"; return 1; }
    finish_entry
}

# What NFS has mounted at PATH, from the kernel's own table: who touches a folder whose server is gone waits for it.
nfs_at() { mounted_at "$1" | cut -d ' ' -f 1; }
mounted_at() {
    at_path=$1 awk '{ for (i = 7; i < NF && $i != "-"; i++) ; at = $5; gsub(/\\040/, " ", at); gsub(/\\134/, "\\", at) }
        at == ENVIRON["at_path"] { found = $(i + 1) ~ /^nfs4?$/ ? $(i + 2) " " $(i + 3) : "" }
        END { if (found != "") print found }' /proc/self/mountinfo 2>/dev/null
}

# left_behind PATH HOST: the kernel looks the server's name up when it mounts, and never again (nfs(5): `addr=`). What asks for it
# at an address that the name does not have any more is unmounted.
left_behind() {
    old=$(mounted_at "$1" | sed -n 's/.*,addr=\([^,]*\).*/\1/p')
    now=$(getent ahosts "$2" | awk '{ print $1 }')
    if [ -z "$old" ] || [ -z "$now" ] || printf '%s\n' "$now" | grep -qxF "$old"; then return 0; fi
    say "unmounting what $2 served at $old"
    late="it still waits for $old. \`mpiup up\` again in some minutes goes on; unless something is not written yet, which it is once $2 has that address as well (there: \`ip address add $old dev INTERFACE\`, and \`del\` afterwards)"
    # At its end the kernel takes leave of the server, in two calls that wait a minute or more where that is gone.
    if unmount "$1" 180 up "$late" && [ "$within" != 124 ]; then return 0; fi
    fail "$1 is not mounted anew, though $2 is not at $old any more: ${stays:-$late}"
}

# unmount PATH SECONDS VERB LATE: never by force. What is in use stays, and $stays says who uses it; where only the server is
# waited for, it is LATE.
unmount() {
    stays=
    # As systemd does it (-c): it would look at the folder before, and wait for a server that is gone.
    within "$2" umount -c "$1" || :
    [ -n "$(nfs_at "$1")" ] || return 0
    users=$(users_of "$1")
    if [ -n "$users" ]; then stays="it is in use by ${users% }: end that on this node, then \`mpiup $3\` goes on"
    elif [ "$within" = 124 ]; then stays=$4
    else stays=$(cat "$mpiup_state/words" 2>/dev/null); fi
    return 1
}

why_not_mounted() {
    said=$(journalctl -q -o cat -n 20 -u "$unit.mount" 2>/dev/null | grep '^mount' | tail -n 1)
    printf '%s' "$source was not mounted within 200 s: ${said:-systemctl status $unit.mount says why}"
}

# Never by force: what is in use stays, and who uses it is named.
undo_mount() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    unit=$(systemd-escape -p "$path") || return 1
    if [ -f "$1/theirs" ] && [ "$(cat "$1/theirs")" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then return 0; fi
    source=$(nfs_at "$path")
    late="${source%%:*} does not answer and has not got all that was written: switch it on, then \`mpiup down\` goes on; or, where that may be lost, \`umount -f $path\` on this node"
    if [ -n "$source" ] && ! unmount "$path" 60 down "$late"; then kept "$path stays mounted, because $stays"; return 0; fi
    # systemd takes along what is still mounted below an automount that it stops, in use or not: so that comes last.
    [ -f "$1/automounts" ] || systemctl stop "$unit.automount" >&2 || return 1
    systemctl reset-failed "$unit.mount" "$unit.automount" 2>/dev/null
    return 0
}

# within SECONDS COMMAND…: its status, or 124 when it did not end in time. Then it is left to itself: from an umount that is killed
# the kernel takes what is not written yet as lost. It keeps nothing of this shell. What it said is in $mpiup_state/words.
within() {
    end=$(($(seconds) + $1)) ended=$mpiup_state/ended.$$; shift
    rm -f "$mpiup_state"/ended.*
    { "$@" > "$mpiup_state/words" 2>&1; printf '%s\n' $? > "$ended.new"; mv "$ended.new" "$ended"; } </dev/null >/dev/null 2>&1 8>&- &
    within=124
    while [ ! -e "$ended" ]; do
        [ "$(seconds)" -lt "$end" ] || return 124
        nap
    done
    read -r within < "$ended"; rm -f "$ended"
    return "$within"
}

# users_of PATH: the processes that have something open below it, `NAME (NUMBER of ACCOUNT)` each. Looks into /proc alone.
users_of() {
    { ls -ld /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe; ls -l /proc/[0-9]*/fd; } 2>/dev/null | in_path=$1 awk '
        BEGIN { path = ENVIRON["in_path"] }
        /^\/proc\/[0-9]+\/fd:$/ { split($0, part, "/"); process = part[3]; next }
        { at = index($0, " -> "); target = substr($0, at + 4) }
        at && (target == path || index(target, path "/") == 1) {
            if (match($0, /\/proc\/[0-9]+\//)) { split(substr($0, RSTART), part, "/"); number = part[3] } else number = process
            if (!(number in seen)) { seen[number] = 1; print number }
        }' | head -n 5 | while read -r process; do
            read -r name < "/proc/$process/comm" && printf '%s (%s of %s) ' "$name" "$process" "$(stat -c %U "/proc/$process")"
        done 2>/dev/null
}
