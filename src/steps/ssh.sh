#!/bin/sh
# mpiup: ssh as MPI's launcher calls it, `ssh OPTION… HOST COMMAND…`. The command runs in sh, whatever the login shell on
# HOST is, and finds the cluster's programs; what start-up files print there stays out of the program's output.
options=
while :; do
    case ${1-} in
        -[BbcDEeFIiJLlmOopQRSWw]) options="$options $1 $2"; shift 2 ;;
        -*) options="$options $1"; shift ;;
        *) break ;;
    esac
done
host=$1; shift
# Open MPI asks so which shell's language to speak.
# shellcheck disable=SC2016
[ "$*" = 'echo $SHELL' ] && { echo /bin/bash; exit; }
command='PATH=$HOME/.mpiup/env/bin:$PATH; export PATH; '$*
# Login shells differ, inside single quotes, on these characters: what holds any is sent as octal digits.
case $command in
    *[\'\\!]* | *"
"*)
        digits=$(printf %s "$command" | od -An -v -to1 | tr -d '\n' | sed 's/ /\\0/g')
        command="eval \"\$(printf %b \"$digits\")\"" ;;
esac
# shellcheck disable=SC2086
exec ssh $options -- "$host" "exec sh -c '$command'" >/dev/null
