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

# What needs this unit or package of NFS on this node, by whomever it was set up, in words; 1 where nothing does. A server needs none
# of what a client does, nor the other way; nfs-utils is both. What was there before the change ($entry) needed nothing of ours.
needs_nfs() {
    case $1 in
    nfs-common*|nfs-client*) ;;
    *)
        needs=$(for file in /etc/exports /etc/exports.d/*.exports; do
            ! came_since "$file" '/^[ \t]*[^# \t]/' >/dev/null || printf '%s ' "$file"
        done)
        if [ -n "$needs" ]; then printf 'this node exports folders (%s)' "${needs% }"; return; fi
        ;;
    esac
    case $1 in nfs-server|nfs-kernel-server*) return 1 ;; esac
    needs=$(awk '{ for (i = 7; i < NF && $i != "-"; i++) ; if ($(i + 1) ~ /^nfs4?$/) { print $5; exit } }' /proc/self/mountinfo 2>/dev/null)
    [ -n "$needs" ] || needs=$(came_since /etc/fstab "$(nfs_in_fstab)" | awk '{ print $2; exit }')
    [ -n "$needs" ] && printf '%s comes over NFS' "$needs"
}

# note_nfs ENTRY: by which lines NFS is used before the change. What mpiup exports always counts.
note_nfs() {
    {
        for file in /etc/exports /etc/exports.d/*.exports; do
            case $file in */exports.d/mpiup-*) ;; *) awk '/^[ \t]*[^# \t]/' "$file" ;; esac
        done
        awk "$(nfs_in_fstab)" /etc/fstab
    } > "$1/uses" 2>/dev/null || :
}
nfs_in_fstab() { printf '%s' '$1 !~ /^#/ && $3 ~ /^nfs4?$/'; }

# came_since FILE PATTERN: the lines of that kind in a file that were not in it before the change; 1 where there is none. An older
# journal does not know, so that all of them count.
came_since() {
    [ -f "$1" ] && awk -v before="${entry-}/uses" "
        BEGIN { while ((getline line < before) > 0) known[line] = 1 }
        ($2) && !(\$0 in known) { print; found = 1 }
        END { exit !found }
    " "$1"
}
