# do_user NAME ID SHELL HOME: an account with a group of its own, no password (login by key alone), and a home.
do_user() {
    name=$1 id=$2 shell=$3 home=$4
    if ! find_entry "user $name"; then
        id "$name" >/dev/null 2>&1 && { mpiup_result=same; return 0; }
        new_entry "user $name" "$home" "$name" || return 1
        [ -e "$home" ] || printf "" > "$draft/home_is_ours" || return 1
        ! has_group "$name" || printf "" > "$draft/group_is_theirs" || return 1
        # useradd makes the folders above a home as well.
        not_there "${home%/*}" > "$draft/made" || return 1
        # The account tools leave the last version beside each file; `down` gives that back too.
        mkdir -m 700 "$draft/etc" && for file in passwd group shadow gshadow subuid subgid; do
            for file in "$file" "$file-"; do [ ! -f "/etc/$file" ] || cp -a "/etc/$file" "$draft/etc/" || return 1; done
        done
        commit_entry || return 1
    fi
    if half_made; then userdel "$name" >&2 || return 1; fi
    half_home=
    if [ ! -s "$entry/account" ] && [ -f "$entry/home_is_ours" ] && [ -e "$home" ]; then half_home=yes; fi
    has_group "$name" || groupadd -g "$id" "$name" || return 1
    id "$name" >/dev/null 2>&1 || useradd -u "$id" -g "$name" -s "$shell" -d "$home" -m -p '*' "$name" >&2 || return 1
    [ -z "$half_home" ] || whole_home || return 1
    for file in passwd group shadow gshadow subuid subgid; do
        [ -f "/etc/$file" ] && sum "/etc/$file" > "$entry/etc/$file.after"
    done
    [ -s "$entry/account" ] || getent passwd "$name" > "$entry/account"
    finish_entry
}

# A useradd that was killed may have written one of its files and not the next: such an account is made anew. One that is not
# as we would make it is somebody else's.
half_made() {
    [ ! -s "$entry/account" ] && [ "$(getent passwd "$name" | cut -d: -f3,6,7)" = "$id:$home:$shell" ] &&
        [ -z "$(getent shadow "$name" | cut -d: -f2 | tr -d '*!')" ]
}

# useradd takes a home that is there as it is: without owner and content, where an earlier one was killed at it.
whole_home() {
    home_mode=$(awk '$1 == "HOME_MODE" { print $2 }' /etc/login.defs 2>/dev/null | tail -n 1)
    chown "$name:$name" "$home" && chmod "${home_mode:-755}" "$home" || return 1
    [ ! -d /etc/skel ] || as "$name" cp -R /etc/skel/. "$home"
}

# not_there FOLDER: those at and above it that do not exist, the innermost first.
not_there() {
    above=$1
    while [ -n "$above" ] && [ ! -d "$above" ]; do printf '%s\n' "$above"; above=${above%/*}; done
}

has_group() { getent group "$1" >/dev/null 2>&1 || grep -q "^$1:" /etc/group; }

undo_user() {
    home=$(cat "$1/path"); name=$(cat "$1/owner")
    ! mounted "$home" || return 0
    if ! id "$name" >/dev/null 2>&1; then
        [ ! -f "$1/group_is_theirs" ] && has_group "$name" && groupdel "$name"
        no_lines || return 1
        # Nobody's own is in it either when a `down` was killed behind userdel, or useradd before it was done.
        if [ "$mpiup_purge" = yes ] || [ -z "$(written_by "$home")" ]; then no_home "$1"; fi
        give_back_accounts "$1"
        return 0
    fi
    running=$(processes_of "$name")
    if [ -n "$running" ]; then
        held "account $name stays: it still runs $running; \`mpiup down\` goes on once that has ended"
        return 0
    fi
    if [ "$mpiup_purge" != yes ] && theirs=$(made_of "$1" "$name") && [ -n "$theirs" ]; then
        kept "account $name and $home stay: $theirs; \`mpiup down --purge\` removes them"
        return 0
    fi
    if [ "$mpiup_purge" != yes ] && own=$(written_by "$home") && [ -n "$own" ]; then
        kept "account $name and $home stay: the home holds files of its own (${own% }); \`mpiup down --purge\` removes them"
        return 0
    fi
    jobs_of "$name" | while IFS= read -r file; do rm -f "$file"; done
    # userdel takes the group of this name along, where that is the account's own.
    [ ! -f "$1/group_is_theirs" ] || usermod -g 65534 "$name" >&2 || return 1
    userdel "$name" >&2 || return 1
    [ -f "$1/group_is_theirs" ] || { has_group "$name" && groupdel "$name" >&2; }
    no_home "$1"
    give_back_accounts "$1"
}

# userdel takes the account out of one file after the other: what a killed one left in the last of them.
no_lines() {
    for file in shadow gshadow subuid subgid; do
        no_draft root "/etc/$file" || return 1
        { grep -q "^$name:" "/etc/$file" 2>/dev/null && ! { [ "$file" = gshadow ] && has_group "$name"; }; } || continue
        (umask 077; awk -F: -v name="$name" '$1 != name' "/etc/$file" > "$mpiup_state/wanted") &&
            put root "/etc/$file" keep < "$mpiup_state/wanted" && rm -f "$mpiup_state/wanted" || return 1
    done
}

no_home() {
    if [ -f "$1/home_is_ours" ] && [ "$home" != / ]; then rm -rf "$home"; fi
    [ ! -f "$1/made" ] || while IFS= read -r folder; do rmdir "$folder" 2>/dev/null; done < "$1/made"
    rm -f "/var/mail/$name"
}

# processes_of NAME: the first few, as `sleep (4711), python3 (4712)`. What belongs to whom stands in /proc, also where there
# is no ps.
processes_of() {
    find /proc -mindepth 1 -maxdepth 1 -name '[0-9]*' -user "$1" 2>/dev/null | {
        found='' count=0
        while IFS= read -r process; do
            IFS= read -r program 2>/dev/null < "$process/comm" || continue
            count=$((count + 1))
            [ "$count" -gt 5 ] || found="$found, $program (${process##*/})"
        done
        [ "$count" -le 5 ] || found="$found and $((count - 5)) more"
        printf '%s' "${found#, }"
    }
}

# made_of ENTRY NAME: what somebody made of an account since, in words; nothing where it is as mpiup made it.
made_of() {
    now=$(getent passwd "$2")
    if [ -s "$1/account" ] && [ "$now" != "$(cat "$1/account")" ]; then
        printf 'somebody changed the account, which is now `%s`' "$now"
    elif [ -n "$(getent shadow "$2" 2>/dev/null | cut -d: -f2 | tr -d '*!')" ]; then
        printf 'somebody gave the account a password'
    elif [ -n "$(jobs_of "$2")" ]; then
        printf 'it has jobs of cron or at (%s)' "$(jobs_of "$2" | head -n 3 | tr '\n' ' ' | sed 's/ $//')"
    fi
}
jobs_of() { find /var/spool/cron /var/spool/at -type f -user "$1" 2>/dev/null; }

# The first few files in a home that are neither of /etc/skel nor traces of a shell.
written_by() {
    ( cd "$1" 2>/dev/null || exit 0
      find . \( -path ./.cache -o -path ./.ssh/known_hosts -o -name .bash_history -o -name .python_history \) -prune -o \( -type f -o -type l \) -print |
      while IFS= read -r file; do
          cmp -s "$file" "/etc/skel/$file" || printf '%s\n' "${file#./}"
      done | head -n 3 | tr '\n' ' '; )
}

# Where nobody else touched an account file in the meantime, it gets back its very bytes and times.
give_back_accounts() {
    for file in passwd group shadow gshadow subuid subgid; do
        [ -f "$1/etc/$file" ] || continue
        rm -f "/etc/$file.mpiup.back"
        if cmp -s "/etc/$file" "$1/etc/$file"; then
            cp -a "$1/etc/$file" "/etc/$file.mpiup.back" && mv -f "/etc/$file.mpiup.back" "/etc/$file"
            if [ -f "$1/etc/$file-" ]; then cp -a "$1/etc/$file-" "/etc/$file-"; else rm -f "/etc/$file-"; fi
        fi
    done
}
