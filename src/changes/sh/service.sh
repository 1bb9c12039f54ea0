# do_service UNIT: a unit of systemd's that runs now and after each boot.
do_service() {
    unit=$1
    if ! find_entry "service $unit"; then
        new_entry "service $unit" - root || return 1
        # Both say it in a word, and fail where that is no.
        systemctl is-enabled "$unit" > "$draft/enabled" 2>/dev/null
        systemctl is-active "$unit" > "$draft/active" 2>/dev/null
        note_needs "$draft" "$unit" || return 1
        commit_entry || return 1
    fi
    systemctl is-enabled -q "$unit" 2>/dev/null || systemctl enable -q "$unit" >&2 || return 1
    systemctl is-active -q "$unit" || systemctl start "$unit" >&2 || {
        fail "$unit does not start: $(journalctl -q -o cat -n 3 -u "$unit" 2>/dev/null | tr '\n' ' ')"; return 1; }
    finish_entry
}

# Gives back what it was. The service of somebody who came to need it meanwhile goes on.
undo_service() {
    read -r key < "$1/key"; unit=${key#service }
    systemctl cat "$unit" >/dev/null 2>&1 || return 0
    enabled=; read -r enabled < "$1/enabled"; active=; read -r active < "$1/active"
    [ "$enabled $active" != "enabled active" ] || return 0
    needs=$(needed_here "$unit")
    if [ -n "$needs" ]; then kept "the service $unit goes on, because $needs"; return 0; fi
    case $enabled in enabled) ;; *) systemctl disable -q "$unit" >&2 || return 1 ;; esac
    [ "$active" = active ] || systemctl stop "$unit" >&2
}

# needed_here NAMES…: what on this node has come to need one of these units or packages, in words. Each service that mpiup sets up
# answers for its own, by what they are called everywhere. note_needs ENTRY NAMES…: keeps what they were used for before.
needed_here() { for name; do case $name in nfs-*) ! needs_nfs "$name" || return 0 ;; esac; done; }
note_needs() { noting=$1; shift; for name; do case $name in nfs-*) note_nfs "$noting"; return ;; esac; done; }
