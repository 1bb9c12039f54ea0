# mpiup: which clusters have a journal here. Reads only. `root NAME` is one of root's, `user NAME` one of the login user's.
home=$(getent passwd "${SUDO_USER:-$(id -un)}" 2>/dev/null | cut -d: -f6)
for state in /var/lib/mpiup/* "${home:-$HOME}"/.local/state/mpiup/*; do
    [ -d "$state/journal" ] || continue
    case $state in /var/lib/*) whose=root ;; *) whose=user ;; esac
    printf '%s %s\n' "$whose" "${state##*/}"
done
