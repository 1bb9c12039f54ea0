# Runs a job on the head node: launcher is started in $directory, in a process group of its own. When standard input
# ends (the operator cancelled, or the connection is gone) the group is terminated, after 2 s killed, and what is left
# of the job is swept away here and on $others. Prints one line, which mpiup takes out of standard error: what the
# launcher's daemons are known by. Ends with the launcher's status. Where $spools says so, the launcher writes into files
# and the wrapper reads them.
cd -- "$directory" || exit 126
exec 3<&0 </dev/null
umask 077
own=$HOME/.mpiup
trap 'rm -f -- "$own/input.$job" "$own/output.$job" "$own/errors.$job"' EXIT
[ "$input" = no ] || mkfifo -m 600 -- "$own/input.$job" || exit 126

# The cluster's own ssh for launchers keeps what start-up files of the other nodes print out of the program's output.
if [ -f "$own/ssh" ]; then
  PRTE_MCA_plm_ssh_agent=${PRTE_MCA_plm_ssh_agent-$own/ssh}
  OMPI_MCA_plm_rsh_agent=${OMPI_MCA_plm_rsh_agent-$own/ssh}
  HYDRA_LAUNCHER_EXEC=${HYDRA_LAUNCHER_EXEC-$own/ssh}
  export PRTE_MCA_plm_ssh_agent OMPI_MCA_plm_rsh_agent HYDRA_LAUNCHER_EXEC
fi

# Passes on what stands in file $1 and what is still written there, until the launcher has ended.
follow() {
  if tail --pid=$$ -c 0 /dev/null 2>/dev/null; then
    exec tail -c +1 -f -s 0.02 --pid="$launcher_pid" -- "$1" 2>/dev/null
  fi
  exec <"$1"
  while kill -0 "$launcher_pid" 2>/dev/null; do
    cat
    sleep 0.2 2>/dev/null || sleep 1
  done
  cat
}

stop() {
  kill -TERM "-$launcher_pid" 2>/dev/null || kill -TERM "$launcher_pid" 2>/dev/null
  tries=0
  while [ "$tries" -lt 20 ] && kill -0 "$launcher_pid" 2>/dev/null; do
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
  done
  kill -KILL "-$launcher_pid" 2>/dev/null || kill -KILL "$launcher_pid" 2>/dev/null
  sweeps=
  for node in $others; do
    ssh -n -o BatchMode=yes -o ConnectTimeout=5 "$node" "exec env daemons='$daemons' $sweep_command" &
    sweeps="$sweeps $!"
  done
  sweep
  [ -z "$sweeps" ] || wait $sweeps
}

# From before there is anything to end: what the launcher started must not outlive a signal that comes early.
launcher_pid= watcher=
on_signal() {
  launcher_pid=${launcher_pid:-$!}
  [ -z "$watcher" ] || kill "$watcher"
  [ -z "$launcher_pid" ] || stop >/dev/null 2>&1
  exit 143
}
trap on_signal HUP INT TERM

# setsid gives the group; without it the sweep alone has to do.
setsid=
command -v setsid >/dev/null 2>&1 && setsid=setsid
if [ "$spools" = yes ]; then
  : >"$own/output.$job" && : >"$own/errors.$job" || exit 126
  launcher $setsid 3<&- >>"$own/output.$job" 2>>"$own/errors.$job" &
else
  launcher $setsid 3<&- &
fi
launcher_pid=$!
followers=
if [ "$spools" = yes ]; then
  follow "$own/output.$job" 3<&- &
  followers=$!
  follow "$own/errors.$job" 3<&- >&2 &
  followers="$followers $!"
fi
if [ "$names_daemons" = yes ]; then
  host=$(uname -n)
  daemons="prterun-${host%%.*}[^@]*-$launcher_pid@"
  printf '\036mpiup %s daemons %s\n' "$job" "$daemons" >&2
fi

{
  while read -r line; do :; done
  # From here on it is not to be ended before its work is done.
  trap '' TERM
  stop
} <&3 3<&- >/dev/null 2>&1 &
watcher=$!
exec 3<&-

# Shells tell on standard error of a signal that ended what they waited for.
wait "$launcher_pid" 2>/dev/null
status=$?
exec 2>/dev/null
kill "$watcher"
wait "$watcher"
[ -z "$followers" ] || wait $followers
# A launcher that failed may have left ranks behind; one that ended well has not.
[ "$status" -eq 0 ] || sweep
exit "$status"
