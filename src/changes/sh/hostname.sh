# do_hostname NAME: the node's own name, now and after the next boot.
do_hostname() {
    if ! find_entry "hostname"; then
        new_entry "hostname" /etc/hostname root || return 1
        hostname > "$draft/name" || return 1
        if [ -f /etc/hostname ]; then cp -a /etc/hostname "$draft/before" || return 1; else printf "" > "$draft/absent" || return 1; fi
        commit_entry || return 1
    fi
    printf '%s\n' "$1" | put root /etc/hostname 644 && hostname "$1" && sum /etc/hostname > "$entry/after" && finish_entry
}

undo_hostname() {
    no_draft root /etc/hostname
    if [ "$(sum /etc/hostname)" != "$(cat "$1/after")" ] && [ -f "$1/done" ]; then
        kept "/etc/hostname was changed after mpiup wrote it"
        return 0
    fi
    give_back "$1" /etc/hostname root && hostname "$(cat "$1/name")"
}
