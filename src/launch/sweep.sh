# Kills what is left of job $job on this machine: every process of this user whose environment names the job, the
# launcher's daemon above it, and those that name $daemons, the launcher's own word for this run (Open MPI 5; a basic
# regular expression, may be empty): they can hang when they have no rank any more. No name alone makes a process one of
# the job's.
LC_ALL=C
export LC_ALL

# The state and the parent of process $1 are the 3rd and 4th words of its stat; its name, in brackets, may hold spaces.
parent() {
  stat=
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${stat##*) }
  printf '%s' "$2"
}

sweep() {
  rounds=0
  while [ "$rounds" -lt 20 ]; do
    doomed=
    for file in $(grep -l -a -F -e "MPIUP_JOB=$job" /proc/[0-9]*/environ 2>/dev/null); do
      process=${file#/proc/}
      process=${process%/environ}
      [ "$process" != "$$" ] && [ -O "/proc/$process" ] || continue
      doomed="$doomed $process"
      above=$(parent "$process") || continue
      name=
      { read -r name <"/proc/$above/comm"; } 2>/dev/null || continue
      case $name in
      orted | prted | hydra_pmi_proxy | hydra_bstrap_pr) [ -O "/proc/$above" ] && doomed="$doomed $above" ;;
      esac
    done
    if [ -n "$daemons" ]; then
      for file in $(grep -l -a -e "$daemons" /proc/[0-9]*/cmdline 2>/dev/null); do
        process=${file#/proc/}
        process=${process%/cmdline}
        name=
        { read -r name <"/proc/$process/comm"; } 2>/dev/null
        [ "$name" = prted ] && [ -O "/proc/$process" ] && doomed="$doomed $process"
      done
    fi
    [ -n "$doomed" ] || return 0
    kill -KILL $doomed 2>/dev/null
    rounds=$((rounds + 1))
    [ "$rounds" -eq 1 ] || sleep 0.1 2>/dev/null || sleep 1
  done
  return 1
}
