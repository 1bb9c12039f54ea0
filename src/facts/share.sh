# What is mounted at the shared folder, from the kernel's own table, which never waits. What another machine serves is asked
# once, with a deadline: whoever touches a folder whose server is gone waits for it. Expects: share. Sets
#   mounts  `KIND AT SOURCE ADDRESS` a line, with tabs between: first what holds the folder, then what is mounted below it.
#           ADDRESS is the server's, as the kernel had it from its name when it was mounted
#   silent  why the folder does not answer; nothing where it does
share_mounts() {
    mounts=$(in_share=$share awk '
        function text(field) { gsub(/\\040/, " ", field); gsub(/\\011/, "\t", field); gsub(/\\134/, "\\", field); return field }
        BEGIN { share = ENVIRON["in_share"] }
        { at = text($5); for (i = 7; i < NF && $i != "-"; i++) ; line = $(i + 1) "\t" at "\t" text($(i + 2))
          if (match("," $(i + 3), /,addr=[^,]*/)) line = line "\t" substr($(i + 3), RSTART + 5, RLENGTH - 6) }
        at == share || at == "/" || index(share, at "/") == 1 { if (length(at) >= length(holder)) { holder = at; on = line } }
        index(at, share "/") == 1 { below = below "\n" line }
        END { print on below }
    ' /proc/self/mountinfo 2>/dev/null)
}

look_at_share() {
    # The folder itself may be the one that does not answer, those above it are local.
    above=$(readlink -f "${share%/*}" 2>/dev/null) && [ -n "$above" ] && share=${above%/}/${share##*/}
    silent=
    share_mounts
    case $mounts in
    nfs*|autofs*|cifs*|smb*|fuse.*|ceph*|lustre*|afs*|9p*)
        # The slash is what an automount begins at; what is below is for those who may read it, and root is nobody there. How full
        # it is the server is asked each time (-f), while the kernel answers for some time what the folder is like.
        said=$(timeout -s KILL 15 stat -f "$share/" 2>&1 >/dev/null)
        case $? in
        0) share_mounts ;;
        124|137) silent="no answer within 15 s" ;;
        *) silent=${said##*: } ;;
        esac ;;
    esac
}
