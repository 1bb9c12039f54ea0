# Two files per node, gone with a reboot and when nobody needs them: who works here, held by a process that lives as long as
# its operator; and the scripts that are at work, each of which holds it until its last command has ended.
if [ "$(id -u)" = 0 ]; then mpiup_lock=/run/mpiup.lock; else mpiup_lock=$HOME/.mpiup.lock.$(uname -n); fi
mpiup_busy=$mpiup_lock.busy
# Whether the file that the descriptor $1 has open still has the name $2: whoever held it before may have removed it.
mpiup_same() { [ "$(stat -L -c %d:%i "/proc/self/fd/$1")" = "$(stat -c %d:%i "$2" 2>/dev/null)" ]; }
