# do_keypair PATH OWNER COMMENT: an ed25519 key that is made here and never leaves; its public half is reported.
do_keypair() {
    path=$1 owner=$2 comment=$3
    if ! find_entry "keypair $path"; then
        new_entry "keypair $path" "$path" "$owner" && commit_entry || return 1
    fi
    # One that somebody else took is no secret of this account any more.
    if [ ! -s "$path.pub" ] || [ ! -s "$path" ] || [ "$(stat -c %U "$path")" != "$owner" ]; then
        as "$owner" rm -f "$path" "$path.pub"
        as "$owner" ssh-keygen -q -t ed25519 -N '' -C "$comment" -f "$path" </dev/null >&2 || return 1
    fi
    as "$owner" chmod 600 "$path" || return 1
    value "$(cat "$path.pub")"
    finish_entry
}

undo_keypair() {
    path=$(cat "$1/path"; printf x); path=${path%x}
    as "$(cat "$1/owner")" rm -f "$path" "$path.pub"
}
