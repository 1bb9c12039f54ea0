# mpiup: goes on only while this node is still kept for the operator with $mpiup_token (lock_paths.sh). Descriptor 8 is open in
# whatever runs from here on, so that the next operator can tell when the last of it has ended.
umask 077
mpiup_tries=0
while :; do
    exec 8>>"$mpiup_busy"
    if flock -s -n 8; then
        if mpiup_same 8 "$mpiup_busy"; then break; fi
        continue
    fi
    [ "$mpiup_tries" -lt 5 ] || break
    mpiup_tries=$((mpiup_tries + 1))
    sleep 1
done
mpiup_held=; IFS= read -r mpiup_held < "$mpiup_lock"
if [ "$mpiup_held" != "$mpiup_token" ] || [ "$mpiup_tries" -ge 5 ]; then
    printf '%s\n' "This node is not kept for this command any more: the operator's machine was silent for too long." >&2
    exit 1
fi
printf '%s\t%s\n' "$$" "$mpiup_doing" > "$mpiup_busy"
umask 022
