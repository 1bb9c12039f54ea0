# apt and dpkg: Debian, Ubuntu and their children.
apt_list() { dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | grep -v '^un'; }
apt_has() { case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in ii*) ;; *) false ;; esac; }
apt_line() { case $1 in Get:*|Err:*|"Setting up "*|Removing*) say "$1" ;; esac; }

# `E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)`; older ones do not say by
# whom; and dpkg: `dpkg frontend lock was locked by another process with pid 812`.
apt_holder() {
    sed -n -e 's/^E: Could not get lock .* held by \(process .*\)/\1/p' -e 's/.*locked by another process with pid \([0-9]*\).*/process \1/p' \
        -e 's/^E: Could not get lock .*/another program/p' -e 's/.*locked by another process.*/another program/p' | head -n 1
}

apt_install() {
    apt_alone
    # What it says it would do with the lists that it has.
    if ! apt-get install -s -qq --no-install-recommends "$@" >/dev/null 2>&1; then
        apt_lists || return 1
        if [ -n "$unfetched" ] && ! apt-get install -s -qq --no-install-recommends "$@" >/dev/null 2>&1; then cannot_fetch; return 1; fi
    fi
    apt_install_now "$@"
    status=$?
    # Lists that are weeks old name packages that the mirrors have no more.
    case $status$unfetched in 100404*) apt_lists && apt_install_now "$@"; status=$? ;; esac
    [ "$status" -ne 99 ] || return 1
    # A removal that was killed has left those that it had not come to marked for it.
    marked=$(dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n' | awk -F '|' '$1 ~ /^[rp]i/ { print $2 }' | apt_among new)
    # shellcheck disable=SC2086
    [ -z "$marked" ] || printf '%s install\n' $marked | dpkg --set-selections >&2
    # Whether ours are there is looked at; with them apt may have failed at something else.
    [ -z "$unfetched" ] || { cannot_fetch; return 1; }
}

apt_lists() {
    say "reading the package lists"
    apt_fetch update -qq || [ $? -ne 99 ]
}

apt_install_now() {
    # Somebody may install something else while this is interrupted: only what apt says now comes with ours.
    apt-get install -s -qq --no-install-recommends "$@" 2>/dev/null | awk '$1 == "Inst" { print $2 }' >> "$entry/brought"
    apt_fetch install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=false \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

apt_needed_by() {
    apt-get purge -s "$@" 2>/dev/null |
        awk -v ours=" $* " '$1 == "Purg" || $1 == "Remv" { if (!index(ours, " " $2 " ") && !index(ours, " " $2 ":")) print $2 }'
}

# Those of NAMES with which something else would go, each with a blank behind it.
apt_holding() {
    for name; do
        apt-get purge -s "$name" 2>/dev/null | awk -v ours=" $* " -v name="$name" '
            ($1 == "Purg" || $1 == "Remv") && !index(ours, " " $2 " ") && !index(ours, " " $2 ":") { printf "%s ", name; exit }'
    done
}

# Where only the configuration of one was there before (`rc`), that stays.
apt_remove() {
    apt_alone
    rest=$(awk '$1 == "rc" { print $2 }' "$entry/before" | tr '\n' ' ')
    purge= remove=
    for name; do case " $rest" in *" $name "*) remove="$remove $name" ;; *) purge="$purge $name" ;; esac; done
    # shellcheck disable=SC2086
    [ -z "$remove" ] || manage apt-get remove -y -q -o Dpkg::Use-Pty=0 $remove || [ $? -ne 99 ] || return 1
    # shellcheck disable=SC2086
    [ -z "$purge" ] || { apt_put_aside && manage apt-get purge -y -q -o Dpkg::Use-Pty=0 $purge; } || [ $? -ne 99 ] || return 1
    apt_put_back
}

# Debian's packages of NFS take these along when they are purged, whoever wrote them (their postrm): the files, and beside each
# what editors, dpkg and ucf leave there.
apt_purged_files() {
    for file in /etc/exports /etc/default/nfs-kernel-server /etc/default/nfs-common /etc/nfs.conf /etc/idmapd.conf; do
        for end in '' '~' '%' .bak .dpkg-tmp .dpkg-new .dpkg-old .dpkg-dist; do printf '%s\n' "$file$end"; done
    done
    printf '%s\n' /etc/nfs.conf.d/local.conf
}

# apt_put_aside, apt_put_back: around a purge. Of those files the ones that were there before ours come back as they were when the
# purge began; what ucf put beside one of them, when ours came (`FILE.ucf-dist`), goes.
apt_put_aside() {
    for at in "$mpiup_journal"/[0-9]*; do
        if [ ! -e "$at/purged" ] || [ -d "$at/aside" ]; then continue; fi
        rm -rf "$at/aside.new" && mkdir -m 700 "$at/aside.new" || return 1
        while read -r file; do
            ! is_there "$file" || cp -a "$file" "$at/aside.new/${file##*/}" || return 1
        done < "$at/purged"
        on_disk "$at/aside.new"/* "$at/aside.new" && mv "$at/aside.new" "$at/aside" || return 1
    done
}

apt_put_back() {
    for at in "$mpiup_journal"/[0-9]*; do
        [ -d "$at/aside" ] || continue
        apt_purged_files | while read -r file; do
            ! is_there "$file" || continue
            grep -qxF "$file.ucf-dist" "$at/purged" || ! is_there "$file.ucf-dist" || rm -f "$file.ucf-dist" || exit 1
            ! is_there "$at/aside/${file##*/}" ||
                { mkdir -p "${file%/*}" && cp -a "$at/aside/${file##*/}" "$file.mpiup" && mv -f "$file.mpiup" "$file"; } || exit 1
        done || return 1
        mv "$at/aside" "$at/aside.gone" && rm -rf "$at/aside.gone" || return 1
    done
}

is_there() { [ -e "$1" ] || [ -L "$1" ]; }

apt_older() {
    apt_alone
    apt_fetch install -y -q --no-install-recommends --allow-downgrades -o APT::Keep-Downloaded-Packages=false \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

apt_files() { dpkg -L "$@"; }

apt_note() {
    mkdir -m 700 "$1/apt" || return 1
    [ ! -f /var/lib/apt/extended_states ] || cp -a /var/lib/apt/extended_states "$1/apt/" || return 1
    case " $* " in *" nfs-"*) ;; *) return 0 ;; esac
    apt_purged_files | while read -r file; do
        for file in "$file" "$file.ucf-dist"; do ! is_there "$file" || printf '%s\n' "$file"; done
    done > "$1/purged"
}

apt_renote() { [ ! -f "$1/apt/extended_states" ] || cp -a "$1/apt/extended_states" /var/lib/apt/extended_states; }
