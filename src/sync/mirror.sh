# mpiup: which of the files on standard input (`HASH PATH` a line) does $share not have as they are, and which were changed
# here since mpiup put them there ($synced)? Prints `want PATH` or `theirs PATH`.
cd "$share" || exit 1
while IFS= read -r line; do
    hash=${line%% *} path=${line#* }
    [ -f "$path" ] || { [ -e "$path" ] && printf 'theirs %s\n' "$path" || printf 'want %s\n' "$path"; continue; }
    now=$(sha256sum < "$path"); now=${now%% *}
    [ "$now" = "$hash" ] && { printf 'have %s\n' "$path"; continue; }
    if grep -qxF -- "$now $path" "$synced" 2>/dev/null; then printf 'want %s\n' "$path"; else printf 'theirs %s\n' "$path"; fi
done
