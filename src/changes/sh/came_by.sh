# came_by: the connection by which this script came: address and port of the client, address and port of this node; nothing
# where it came by none. sudo takes it out of the environment, but not out of that of the processes above.
came_by() {
    above=$$
    while [ "${above:-0}" -gt 1 ]; do
        found=$({ tr '\0' '\n' < "/proc/$above/environ"; } 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p')
        [ -z "$found" ] || { printf '%s' "$found"; return; }
        above=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$above/status" 2>/dev/null)
    done
}
