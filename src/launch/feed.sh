# Gives standard input to rank 0, by the pipe that the job's wrapper makes and takes away.
pipe=$HOME/.mpiup/input.$MPIUP_JOB
tries=0
until [ -p "$pipe" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || exit 1
  sleep 0.05 2>/dev/null || sleep 1
done
# A program that reads no more has all that it wants.
exec cat 2>/dev/null >"$pipe"
