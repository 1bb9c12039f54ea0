# Runs a job on the head node: launcher is started in $directory, in a process group of its own. When standard input
# ends (the operator cancelled, or the connection is gone) the group is terminated, after 2 s killed, and what is left
# of the job is swept away here and on $others. Prints one line, which mpiup takes out of standard error: what the
# launcher's daemons are known by. Ends with the launcher's status.
cd -- "$directory" || exit 126
exec 3<&0 </dev/null
if [ "$input" = yes ]; then
  input=$HOME/.mpiup/input.$job
  mkfifo -m 600 -- "$input" || exit 126
  trap 'rm -f -- "$input"' EXIT
fi

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

# setsid gives the group; without it the sweep alone has to do.
if command -v setsid >/dev/null 2>&1; then
  launcher setsid 3<&- &
else
  launcher 3<&- &
fi
launcher_pid=$!
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
trap 'kill "$watcher"; stop >/dev/null 2>&1; exit 143' HUP INT TERM

# Shells tell on standard error of a signal that ended what they waited for.
wait "$launcher_pid" 2>/dev/null
status=$?
exec 2>/dev/null
kill "$watcher"
wait "$watcher"
# A launcher that failed may have left ranks behind; one that ended well has not.
[ "$status" -eq 0 ] || sweep
exit "$status"
