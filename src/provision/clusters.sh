# mpiup: which clusters have a journal here. Reads only. `root NAME` is one of root's, `user NAME` one of the login user's,
# `other NAME LOGIN` one of somebody else, which root alone sees.
home=$(getent passwd "${SUDO_USER:-$(id -un)}" 2>/dev/null | cut -d: -f6)
for state in /var/lib/mpiup/* "${home:-$HOME}"/.local/state/mpiup/*; do
    [ -d "$state/journal" ] || continue
    case $state in /var/lib/*) whose=root ;; *) whose=user ;; esac
    printf '%s %s\n' "$whose" "${state##*/}"
done
# Of accounts of this machine's own: to ask for all homes of a network would mount them all.
[ "$(id -u)" = 0 ] || exit 0
while IFS=: read -r login _ _ _ _ theirs _; do
    [ "$theirs" != "${home:-$HOME}" ] || continue
    for state in "$theirs"/.local/state/mpiup/*; do
        name=${state##*/}
        # What somebody else called a folder is no line of this report.
        case $name in *[!A-Za-z0-9_-]*) continue ;; esac
        [ ! -d "$state/journal" ] || printf 'other %s %s\n' "$name" "$login"
    done
done < /etc/passwd
