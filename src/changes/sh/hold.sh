# mpiup: keeps this node for one operator while lines arrive on standard input. Expects: token, who, doing, lease (seconds
# without a line after which the operator has gone), patience (seconds for what is short or about to end), lock_paths.sh and came_by.sh.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 077
cd /
tell() { printf 'mpiup-lock %s\n' "$*"; }

for tool in flock timeout stat; do
    command -v "$tool" >/dev/null 2>&1 || { tell lacks "$tool"; exit 1; }
done

take() {
    while :; do
        exec 9>>"$mpiup_lock"
        flock -n 9 || return 1
        if mpiup_same 9 "$mpiup_lock"; then return 0; fi
    done
}

# Who holds it: one line of fields with tabs between. Empty in the moment in which it is being written.
holder() { { IFS= read -r _ && IFS= read -r line && printf '%s\t%s' "$line" "$(($(date +%s) - ${line##*	}))"; } < "$mpiup_lock" 2>/dev/null; }

# A second, in which the operator may go.
pause() {
    timeout 1 sh -c 'IFS= read -r _' 9>&- 2>/dev/null
    [ $? -ne 1 ] || exit 1
}

waited=0
until take; do
    line=$(holder)
    # Mirroring files is short; and a holder has no name yet while it begins, and none any more while it ends.
    case $line in
        ''|*"	sync	"*|*"	run	"*) [ "$waited" -lt "$patience" ] || { tell taken "$line"; exit 1; } ;;
        *) tell taken "$line"; exit 1 ;;
    esac
    pause
    waited=$((waited + 1))
done

# The file of the scripts goes with the last of them, which may outlive us.
let_go() {
    if mpiup_same 9 "$mpiup_lock"; then rm -f "$mpiup_lock"; fi
    exec 9>&-
    waited=0
    while exec 8>>"$mpiup_busy"; ! flock -n 8; do
        [ "$waited" -lt "$patience" ] || return
        sleep 1
        waited=$((waited + 1))
    done
    if mpiup_same 8 "$mpiup_busy"; then rm -f "$mpiup_busy"; fi
}
trap let_go EXIT
trap 'exit 1' HUP INT TERM PIPE

# The address from which the operator came.
from=$(came_by); from=${from%% *}
printf '%s\n%s\t%s\t%s\t%s\t%s\n' "$token" "$who" "$from" "$doing" "$(date +%H:%M:%S)" "$(date +%s)" > "$mpiup_lock" || exit 1

# A script of an operator who has gone may still run: what it began, it ends.
waited=0
while :; do
    exec 8>>"$mpiup_busy"
    if flock -n 8; then
        if mpiup_same 8 "$mpiup_busy"; then break; fi
        continue
    fi
    [ "$waited" -gt 0 ] || tell waits "$(cat "$mpiup_busy")"
    [ "$waited" -lt "$patience" ] || { tell orphan "$(cat "$mpiup_busy")"; exit 1; }
    pause
    waited=$((waited + 1))
done
exec 8>&-

tell held
while timeout "$lease" sh -c 'IFS= read -r _' 9>&- 2>/dev/null; do :; done
