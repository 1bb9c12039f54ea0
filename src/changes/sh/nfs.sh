# exportfs passes over a client whose name means nothing, says so at most, and ends well: what counts is what it lists then. A
# folder that the kernel cannot export it lists, too, and speaks of it.
exports_hold() {
    command -v exportfs >/dev/null || return 0
    said=$(exportfs -ra 2>&1) && said_well=yes || said_well=no
    [ -f "$1" ] || return 0
    now=" $(exportfs -v | tr -s ' \t\n' '   ')"
    while read -r folder _ clients; do
        case $folder in ''|'#'*) continue ;; esac
        case $said_well$said in no*"$folder "*) refused="$folder cannot be exported: $said" ;; esac
        for client in $clients; do
            case $now in *" $folder $client("*) continue ;; esac
            refused="$folder is not exported to $client: ${said:-exportfs -v does not list it}"
        done
    done < "$1"
}

# What needs the packages or the unit of NFS on this node, by whomever it was set up, in words; nothing where nothing does. Who has
# a folder from another machine needs no server.
needs_nfs() {
    needs=$(grep -lE '^[[:space:]]*[^#[:space:]]' /etc/exports /etc/exports.d/*.exports 2>/dev/null | tr '\n' ' ')
    if [ -n "$needs" ]; then printf 'this node exports folders (%s)' "${needs% }"; return; fi
    [ "$1" != nfs-server ] || return 0
    needs=$(awk '{ for (i = 7; i < NF && $i != "-"; i++) ; if ($(i + 1) ~ /^nfs4?$/) { print $5; exit } }' /proc/self/mountinfo 2>/dev/null)
    [ -n "$needs" ] || needs=$(awk '$1 !~ /^#/ && $3 ~ /^nfs4?$/ { print $2; exit }' /etc/fstab 2>/dev/null)
    [ -z "$needs" ] || printf '%s comes over NFS' "$needs"
}
