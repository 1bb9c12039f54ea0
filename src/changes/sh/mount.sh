# do_mount PATH SOURCE [OLD]: what a line of /etc/fstab says of PATH, mounted now. Where the line asks for it (x-systemd.automount),
# systemd mounts it again when it is first used after a reboot. OLD is an address at which the kernel still asks for it, though the
# server has left that.
do_mount() {
    path=$1 source=$2 unit=$(systemd-escape -p "$1") || return 1
    if ! find_entry "mount $path"; then
        new_entry "mount $path" "$path" root || return 1
        # What somebody mounted by hand is theirs until this node restarts; then it is mounted by the line.
        if [ -n "$(nfs_at "$path")" ]; then cat /proc/sys/kernel/random/boot_id > "$draft/theirs" || return 1; fi
        ! systemctl is-active -q "$unit.automount" || printf '' > "$draft/automounts" || return 1
        commit_entry || return 1
    fi
    mount_by_line "$path" "$source" || return 1
    # For some time after it was unmounted the kernel may know the server by the connection of before (RFC 8881, 2.10.5: trunking).
    times=0
    while [ -n "${3-}" ] && [ "$(asked_at "$path")" = "$3" ] && [ "$times" -lt 5 ]; do
        [ "$times" = 0 ] || sleep 1
        times=$((times + 1))
        leave_behind "$path" "${source%:*}" "$3" && mount_by_line "$path" "$source" || return 1
    done
    now=$(nfs_at "$path")
    [ "${now%/}" = "${source%/}" ] || { fail "$(why_not_mounted)"; return 1; }
    ask_again "$path" "${source%:*}" || return 1
    finish_entry
}

# mount_by_line PATH SOURCE: nothing where it is mounted. Uses $unit and $entry.
mount_by_line() {
    [ -z "$(nfs_at "$1")" ] || return 0
    # What is mounted from here on is ours, whatever stood there before.
    [ ! -f "$entry/theirs" ] || printf '' > "$entry/ours" || return 1
    # A line of somebody's own may do without.
    if [ ! -f "$entry/automounts" ] && [ "$(systemctl show -p LoadState --value "$unit.automount")" = loaded ]; then
        systemctl start "$unit.automount" >&2 || return 1
    fi
    say "mounting $2"
    timeout 200 systemctl start "$unit.mount" >/dev/null 2>&1
    return 0
}

# What NFS has mounted at PATH, from the kernel's own table: who touches a folder whose server is gone waits for it.
nfs_at() { mounted_at "$1" | cut -d ' ' -f 1; }
mounted_at() {
    at_path=$1 awk '{ for (i = 7; i < NF && $i != "-"; i++) ; at = $5; gsub(/\\040/, " ", at); gsub(/\\134/, "\\", at) }
        at == ENVIRON["at_path"] { found = $(i + 1) ~ /^nfs4?$/ ? $(i + 2) " " $(i + 3) : "" }
        END { if (found != "") print found }' /proc/self/mountinfo 2>/dev/null
}

# leave_behind PATH HOST OLD: the kernel looks the server's name up when it mounts, and never again (nfs(5): `addr=`). What asks for
# it at an address that it has left is unmounted.
leave_behind() {
    [ "$(asked_at "$1")" = "$3" ] || return 0
    lead_on "$1" "$2" "$3"
    say "unmounting what $2 served at $3"
    late="it still waits for $3. \`mpiup up\` again in some minutes goes on; unless something is not written yet, which it is once $2 has that address as well (there: \`ip address add $3 dev INTERFACE\`, and \`del\` afterwards)"
    # At its end the kernel takes leave of the server, in two calls that wait a minute or more where that is gone.
    if unmount "$1" 180 up "$late" && [ "$within" != 124 ]; then return 0; fi
    fail "$1 is not mounted anew, though $2 is not at $3 any more: ${stays:-$late}"
}

# lead_on PATH HOST OLD: since Linux 5.14 a connection can be led to another address (net/sunrpc/sysfs.c: `dstaddr`). So what still
# waits for the server at OLD, also what is not written yet, gets to where it is now; else an umount leaves that waiting behind, and
# a new mount of the same server waits with it. Not where another mount is by that connection.
lead_on() {
    now=$(getent ahosts "$2" | awk '{ print $1; exit }')
    case $3$now in *:*) return 0 ;; esac
    others=$(in_path=$1 in_old=$3 awk '$5 != ENVIRON["in_path"] && / - nfs4? / && index($0 ",", ",addr=" ENVIRON["in_old"] ",") { print $5 }' /proc/self/mountinfo)
    [ -n "$now" ] && [ "$now" != "$3" ] && [ -z "$others" ] || return 0
    for way in /sys/kernel/sunrpc/xprt-switches/*/xprt-*/dstaddr; do
        [ -f "$way" ] && [ "$(cat "$way")" = "$3" ] || continue
        timeout 60 sh -c 'printf "%s\n" "$1" > "$2"' lead_on "$now" "$way" 2>/dev/null || :
    done
}

# The server's address, as the kernel has it.
asked_at() { mounted_at "$1" | sed -n 's/.*,addr=\([^,]*\).*/\1/p'; }

# Waits until the server answers for what is mounted at PATH.
ask_again() {
    end_lost_connections "$1"
    end=$(($(seconds) + 200))
    while { timeout -s KILL 5 stat -f "$1/" >/dev/null; } 2>/dev/null; [ $? = 137 ]; do
        [ "$(seconds)" -lt "$end" ] || { fail "$1 is mounted, but $2 does not answer: is it on, and does it export the folder to this node?"; return 1; }
        nap
    done
}

# A connection from an address that this node has no more hangs until the kernel gives it up, after three minutes (nfs(5): timeo and
# retrans). Ended now (ss(8): -K), it is made anew at once.
end_lost_connections() {
    own=" $(ip -o address 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }' | tr '\n' ' ')"
    [ "$own" != ' ' ] || return 0
    ss -Htn state established "dst $(asked_at "$1") and dport = :2049" 2>/dev/null |
        awk '{ sub(/:[0-9]*$/, "", $3); print $3 }' | tr -d '[]' | sort -u | while read -r from; do
            case $own in *" $from "*) ;; *) ss -tnK "src $from and dport = :2049" >/dev/null 2>&1 ;; esac
        done
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
    if [ -f "$1/theirs" ] && [ ! -f "$1/ours" ] && [ "$(cat "$1/theirs")" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then return 0; fi
    source=$(nfs_at "$path")
    late="${source%%:*} does not answer and has not got all that was written: switch it on, then \`mpiup down\` goes on; or, where that may be lost, \`umount -f $path\` on this node"
    [ -z "$source" ] || end_lost_connections "$path"
    if [ -n "$source" ] && ! unmount "$path" 60 down "$late"; then
        held "$path stays mounted, because $stays"
        mpiup_mount_kept=$path
        return 0
    fi
    # systemd takes along what is still mounted below an automount that it stops, in use or not: so that comes last.
    if [ ! -f "$1/automounts" ] && systemctl is-active -q "$unit.automount"; then
        systemctl stop "$unit.automount" >&2 || return 1
    fi
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
