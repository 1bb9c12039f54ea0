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
    if [ -z "$(nfs_at "$path")" ]; then
        [ -f "$entry/automounts" ] || systemctl start "$unit.automount" >&2 || return 1
        say "mounting $source"
        timeout 200 systemctl start "$unit.mount" >/dev/null 2>&1
    fi
    [ "$(nfs_at "$path")" = "$source" ] || [ -f "$entry/theirs" ] || { fail "$(why_not_mounted)"; return 1; }
    finish_entry
}

# What NFS has mounted at PATH, from the kernel's own table: who touches a folder whose server is gone waits for it.
nfs_at() {
    at_path=$1 awk '{ for (i = 7; i < NF && $i != "-"; i++) ; at = $5; gsub(/\\040/, " ", at); gsub(/\\134/, "\\", at) }
        at == ENVIRON["at_path"] { found = $(i + 1) ~ /^nfs4?$/ ? $(i + 2) : "" }
        END { if (found != "") print found }' /proc/self/mountinfo 2>/dev/null
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
    if [ -n "$(nfs_at "$path")" ]; then
        # As systemd does it (-c): it would look at the folder before, and wait for a server that is gone.
        within 60 umount -c "$path" || :
        source=$(nfs_at "$path")
        if [ -n "$source" ]; then
            users=$(users_of "$path")
            if [ -n "$users" ]; then
                kept "$path stays mounted, because it is in use by ${users% }: end that on this node, then \`mpiup down\` goes on"
            elif [ "$within" = 124 ]; then
                kept "$path stays mounted, because ${source%%:*} does not answer and has not got all that was written: switch it on, then \`mpiup down\` goes on; or, where that may be lost, \`umount -f $path\` on this node"
            else kept "$path stays mounted: $(cat "$mpiup_state/words" 2>/dev/null)"; fi
            return 0
        fi
    fi
    # systemd takes along what is still mounted below an automount that it stops, in use or not: so that comes last.
    [ -f "$1/automounts" ] || systemctl stop "$unit.automount" >&2 || return 1
    systemctl reset-failed "$unit.mount" "$unit.automount" 2>/dev/null
    return 0
}

# within SECONDS COMMAND…: its status, or 124 when it did not end in time. Then it is killed, but not waited for: what waits in
# the kernel may not hear that. It keeps nothing of this shell. What it said is in $mpiup_state/words.
within() {
    end=$(($(seconds) + $1)) ended=$mpiup_state/ended; shift
    rm -f "$ended"
    { "$@" > "$mpiup_state/words" 2>&1 & printf '%s\n' $! > "$ended.pid"; wait $!; printf '%s\n' $? > "$ended.new"; mv "$ended.new" "$ended"; } </dev/null >/dev/null 2>&1 8>&- &
    within=124
    while [ ! -e "$ended" ]; do
        if [ "$(seconds)" -ge "$end" ]; then kill -KILL "$(cat "$ended.pid")" 2>/dev/null; return 124; fi
        nap
    done
    read -r within < "$ended"; rm -f "$ended" "$ended.pid"
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
