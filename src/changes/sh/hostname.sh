# do_hostname NAME: the node's own name, now and after the next boot.
do_hostname() {
    wanted=$mpiup_state/wanted
    printf '%s\n' "$1" > "$wanted" || return 1
    if ! find_entry "hostname"; then
        new_entry "hostname" /etc/hostname root || return 1
        hostname > "$draft/name" || return 1
        if [ -f /etc/hostname ]; then cp -a /etc/hostname "$draft/before" || return 1; else printf "" > "$draft/absent" || return 1; fi
        commit_entry || return 1
    fi
    # Earlier versions wrote the sum without a newline.
    [ ! -s "$entry/after" ] || printf '\n' >> "$entry/after"
    no_whole root /etc/hostname && will_write "$wanted" && put root /etc/hostname 644 < "$wanted" && hostname "$1" && rm -f "$wanted" && finish_entry
}

undo_hostname() {
    no_draft root /etc/hostname || return 1
    if [ -e /etc/hostname ] && ! is_ours "$1" /etc/hostname && ! is_before "$1" /etc/hostname; then
        kept "/etc/hostname was changed after mpiup wrote it"
        return 0
    fi
    give_back "$1" /etc/hostname root && hostname "$(cat "$1/name")"
}
