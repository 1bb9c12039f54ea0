# Runs one rank's program and tells on standard error how it ended, in a line that mpiup takes out of the stream.
# Rank 0 reads what the user gave to mpiup, where something was given; all others read nothing, under every MPI.
rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${PMIX_RANK:--}}}
input=$HOME/.mpiup/input.$MPIUP_JOB
[ "$rank" = 0 ] && [ -p "$input" ] || input=/dev/null
exec <"$input"
# The subshell keeps `exec`, which finds programs and never words of the shell; what the shell itself says of a signal
# goes nowhere, what the program says goes where it went.
exec 3>&2 2>/dev/null
# Where there is no such program the shell would complain of these lines here, once per rank; mpiup says it better. What is
# there and cannot be executed the shell has to name: `command -v` of bash does not see it.
case $1 in
*/*) [ -e "$1" ] ;;
*) command -v -- "$1" >&2 ;;
esac
if [ $? = 0 ]; then
    (exec "$@" 2>&3 3>&-)
    status=$?
else
    status=127
fi
node=
[ -f "$HOME/.mpiup/node" ] && read -r node <"$HOME/.mpiup/node"
printf '\036mpiup %s %s %s %s\n' "$MPIUP_JOB" "$rank" "${node:-$(uname -n)}" "$status" >&3
exit "$status"
