# pacman: Arch Linux and its children. It knows no older versions, and it does not wait for another pacman: it fails.
pacman_list() { pacman -Q | sed 's/^/ii /'; }
pacman_has() { pacman -Q "$1" >/dev/null 2>&1; }
pacman_mend() { :; }

pacman_holder() { :; }
pacman_line() { case $1 in *"installing "*|*"upgrading "*) say "$1" ;; esac; }

pacman_install() {
    pacman_wait || return 1
    manage pacman -S --noconfirm --needed --noprogressbar "$@"
    for name; do
        # New lists without the packages to them are a partial upgrade, which Arch does not support: a person decides.
        pacman_has "$name" || { fail "pacman did not install $name; if its package lists are old: \`pacman -Syu\` there, then again"; return 1; }
    done
}

# A lock whose pacman was killed stays, and nothing tells it from one that is held.
pacman_wait() {
    lock=$(pacman-conf DBPath 2>/dev/null || echo /var/lib/pacman/)db.lck
    tries=0
    while [ -e "$lock" ]; do
        [ "$tries" -gt 0 ] || waits "for another pacman"
        tries=$((tries + 1))
        [ "$tries" -le 300 ] || { fail "another pacman works, or one was killed: if none runs there, \`rm $lock\`, then again"; return 1; }
        sleep 1
    done
}

# `:: removing libx breaks dependency 'libx' required by app`, and nothing is removed.
pacman_needed_by() { pacman -R --print "$@" 2>&1 | sed -n 's/^:: removing .* breaks dependency .* required by //p'; }
pacman_remove() { pacman_wait && manage pacman -R --noconfirm --nosave "$@"; }
pacman_older() { false; }
pacman_files() { pacman -Qlq "$@"; }
pacman_note() { :; }
pacman_renote() { :; }
