# mpiup: what a job needs to know of a node, and no more, for it is asked before every job. Reads only.
# Expects: user, cluster, state, share; and launchers=FLAVOUR where MPI does not come with the environment, which then may
# stand at $launchers_aside.
LC_ALL=C; export LC_ALL
fact() { printf '== %s %s\n%s\n' "$1" "${#2}" "$2"; }
first_line() { line=; if [ -f "$1" ]; then IFS= read -r line < "$1"; fi; } 2>/dev/null

account=$(getent passwd "$user" 2>/dev/null || grep "^$user:" /etc/passwd)
home=${account%:*}; home=${home##*:}
fact home "$home"
case $state in "~/"*) state=$HOME/${state#"~/"} ;; esac
fact state "$state"
case $share in /*) ;; *) share=$home/$share ;; esac
look_at_share
fact share_path "$share"
fact share_mounts "$mounts"
[ -z "$silent" ] || fact share_silent "$silent"
if [ -z "$silent" ] && [ -d "$share" ]; then fact share yes; fi
if [ -f "$home/.ssh/mpiup_$cluster.pub" ]; then fact key yes; fi
first_line "$home/.mpiup/env/.mpiup-env"; fact stamp "$line"
if [ -x "$home/.mpiup/env/bin/python" ]; then fact interpreter yes; fi
fact clock "$(date +%s)"
fact disks "$(df -Pk "$home" /tmp "$state" 2>/dev/null)"
for library in "$home"/.mpiup/env/lib/python3.*; do fact python "${library##*/python}"; done
fact libc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
fact kernel "$(uname -srm)"
first_line /proc/sys/kernel/random/boot_id; fact boot_id "$line"
fact cores "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
if [ "$launchers" != no ]; then
    # The name that only this flavour has comes first, and is enough: a launcher takes long to say its version.
    fact mpi "$(for name in "mpiexec.$launchers" mpiexec $launchers_aside; do
        found=$(command -v "$name") || continue
        printf '%s %s\n' "$found" "$("$found" --version 2>/dev/null </dev/null | head -n 3 | tr '\n' ' ')"
        [ "$name" != "mpiexec.$launchers" ] || break
    done)"
fi
fact end ""
