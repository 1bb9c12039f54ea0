# What sshd would do with its configuration as it stands on the disk, and how it is made to read it.

sshd_itself() { command -v sshd || command -v /usr/sbin/sshd; }

# Why the account that mpiup logs in as could not do so once sshd has read its configuration: the settings that stand
# against it, or nothing. Of patterns like `ana@10.*` only the name counts: nobody is refused for what cannot be told here.
locks_out() {
    login=${SUDO_USER:-$mpiup_me}
    said=$("$(sshd_itself)" -t 2>&1) || { printf 'sshd refuses it (%s)' "$(printf '%s\n' "$said" | head -n 1)"; return; }
    # shellcheck disable=SC2046
    set -- $(came_by)
    "$(sshd_itself)" -T -C "user=$login,host=${1:-localhost},addr=${1:-127.0.0.1},laddr=${3:-127.0.0.1},lport=${4:-22}" 2>/dev/null | {
        set -f
        allowed_users='' allowed_groups='' listens='' why='' user_may='' group_may='' hears=''
        groups=$(id -Gn "$login")
        while read -r setting values; do
            case $setting in
            allowusers) allowed_users="$allowed_users $values"; for value in $values; do like "$login" "${value%%@*}" && user_may=yes; done ;;
            denyusers) for value in $values; do like "$login" "$value" && why="$why, DenyUsers $value"; done ;;
            allowgroups) allowed_groups="$allowed_groups $values"; for value in $values; do like_any "$value" "$groups" && group_may=yes; done ;;
            denygroups) for value in $values; do like_any "$value" "$groups" && why="$why, DenyGroups $value"; done ;;
            permitrootlogin) case $login.$values in root.no | root.forced-commands-only) why="$why, PermitRootLogin $values" ;; esac ;;
            maxsessions) [ "$values" != 0 ] || why="$why, MaxSessions 0" ;;
            listenaddress)
                listens="$listens $values"
                case $values in "0.0.0.0:${4-}" | "[::]:${4-}" | "${3-}:${4-}" | "[${3-}]:${4-}") hears=yes ;; esac ;;
            esac
        done
        [ -z "$allowed_users" ] || [ -n "$user_may" ] || why="$why, AllowUsers$allowed_users (mpiup logs in as $login)"
        [ -z "$allowed_groups" ] || [ -n "$group_may" ] || why="$why, AllowGroups$allowed_groups (mpiup logs in as $login)"
        [ -z "${4-}" ] || [ -z "$listens" ] || [ -n "$hears" ] || by_socket ||
            why="$why, Port and ListenAddress$listens (mpiup came to $3 port $4)"
        printf '%s' "${why#, }"
    }
}

# like TEXT PATTERN: as sshd matches names, with * and ?. like_any PATTERN TEXTS: whether one of the texts is like it.
# shellcheck disable=SC2254
like() { case $1 in $2) return 0 ;; *) return 1 ;; esac; }
like_any() { for one in $2; do like "$one" "$1" && return 0; done; return 1; }

# by_socket: systemd listens in sshd's place. each_anew: and starts an sshd for each connection, which reads its configuration
# then. Else (Ubuntu) one sshd takes the socket over, and goes on as any other.
by_socket() {
    [ -d /run/systemd/system ] || return 1
    for socket in ssh.socket sshd.socket; do systemctl -q is-active "$socket" && return 0; done
    return 1
}
each_anew() { by_socket && [ "$(systemctl show -p Accept "$socket")" = Accept=yes ]; }

# unread PATH: what somebody changed in sshd's configuration, PATH aside, that sshd has not read yet. Whether that is good is
# for them to try: it would not go back with what mpiup takes back. sshd writes its number when it has read it; a file's own
# time may be older than its arrival there, so that the time of the inode counts.
unread() {
    each_anew && return 0
    [ -f /run/sshd.pid ] || { printf 'it keeps no /run/sshd.pid, so that nobody can tell whether it has read it: do it by hand'; return; }
    # shellcheck disable=SC2046
    file=$(cd /etc/ssh && TZ=UTC0 stat -L -c '%z %n' sshd_config $(sed -n 's/^[[:space:]]*[Ii]nclude[[:space:]]*//p' sshd_config) 2>/dev/null |
        awk -v read="$(TZ=UTC0 stat -c %z /run/sshd.pid)" -v ours="$1" '
            { name = substr($0, length(read) + 2); if (name !~ /^\//) name = "/etc/ssh/" name }
            substr($0, 1, length(read)) > read && name != ours { print name; exit }')
    [ -z "$file" ] || printf '%s was edited since sshd last read it: `systemctl reload ssh`, see that a new log-in works, then run this again' "$file"
}

# Makes sshd read its configuration, unless it would end over that; back when it listens again.
sshd_reload() {
    "$(sshd_itself)" -t 2>/dev/null || return 1
    each_anew && return 0
    begun=$(stat -c '%i %z' /run/sshd.pid 2>/dev/null)
    if [ -d /run/systemd/system ]; then systemctl reload ssh 2>/dev/null || systemctl reload sshd || return 1
    else
        listener=$(cat /run/sshd.pid) && [ "$(cat "/proc/$listener/comm")" = sshd ] && kill -HUP "$listener" || return 1
    fi
    # It starts itself anew, listens, and then writes its number once more.
    tries=0
    while [ "$(stat -c '%i %z' /run/sshd.pid 2>/dev/null || printf '%s' "$begun")" = "$begun" ] && [ "$tries" -lt 50 ]; do
        tries=$((tries + 1)); nap
    done
}
