# mpiup: what stands in $share under the names that `list` prints, and what mpiup ever put there ($synced). Reads only.
LC_ALL=C; export LC_ALL
cd -- "$share" || exit 1
list | tr '\n' '\0' | xargs -0 sha256sum -- 2>/dev/null
echo "== kinds"
list | tr '\n' '\0' | xargs -0 stat -L -c '%f %n' -- 2>/dev/null
echo "== noted"
cat "$synced" 2>/dev/null
echo "== end"
