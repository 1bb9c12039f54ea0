# mpiup: takes an archive on standard input into $share, as $user. All of it is unpacked beside the files first; what
# arrived is noted in the journal ($state); only then each file takes its name, by a rename ($place).
LC_ALL=C; export LC_ALL
fail() { printf '%s\n' "$*" >&2; exit 1; }
own() {
    if [ "$(id -un)" = "$user" ]; then sh -c "$@"; else runuser -u "$user" -- sh -c "$@"; fi
}

stage=$(own 'umask 022; cd -- "$1" && mktemp -d .mpiup-sync.XXXXXX' own "$share") || exit 1
trap 'own "cd -- \"\$1\" && rm -rf -- \"\$2\"" own "$share" "$stage"' EXIT
trap 'exit 1' HUP INT TERM
own 'umask 022; cd -- "$1" && exec tar -xof - -C "$2"' own "$share" "$stage" || exit 1

(umask 077; mkdir -p "$state/synced") && cd "$state/synced" && printf %s "$share" > path && printf %s "$user" > owner ||
    fail "The journal in $state cannot be written."
# `\HASH  ./PATH` where backslashes of the path are doubled.
(cd -- "$share/$stage" && find . -type f -exec sha256sum -- {} +) |
    sed -e '/^\\/{s/^\\//;s/\\\\/\\/g;}' -e 's/  \.\// /' > list.new || fail "What was sent cannot be noted."
cat list list.new 2>/dev/null | sort -u > list.all && mv -f list.all list && rm -f list.new ||
    fail "What was sent cannot be noted."

# What killed runs left is an hour old, or may still be in use.
own 'cd -- "$1" && find . -maxdepth 1 -name ".mpiup-sync.*" -mmin +60 -exec rm -rf -- {} +' own "$share" 2>/dev/null
own "$place" own "$share" "$stage"
