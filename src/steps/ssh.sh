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
command=$*
# Started by somebody whose shell is csh, Open MPI speaks csh to all nodes: its few phrases, in sh.
# shellcheck disable=SC2016
case $command in
    *'setenv '*) command=$(printf %s "$command" | sed \
        -e 's/set path = ( \([^ ;]*\) $path )/PATH=\1:$PATH; export PATH/' \
        -e 's/if ( $?\([A-Z_]*\) == 0 ) setenv [A-Z_]* \([^ ;]*\)/\1=\2${\1:+:$\1}; export \1/g' \
        -e 's/if ( [^;]*;//g' \
        -e 's/setenv \([A-Z_]*\) \([^ ;]*\)/\1=\2; export \1/g') ;;
esac
command='PATH=$HOME/.mpiup/env/bin:$PATH; export PATH; '$command
# Login shells differ, inside single quotes, on these characters: what holds any is sent as octal digits.
case $command in
    *[\'\\!]* | *"
"*)
        digits=$(printf %s "$command" | od -An -v -to1 | tr -d '\n' | sed 's/ /\\0/g')
        command="eval \"\$(printf %b \"$digits\")\"" ;;
esac
# shellcheck disable=SC2086
exec ssh $options -- "$host" "exec sh -c '$command'" >/dev/null
