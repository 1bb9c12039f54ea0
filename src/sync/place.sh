# mpiup: gives what was unpacked in $2, a folder in the share $1, its names in the share. As the share's owner.
LC_ALL=C; export LC_ALL
umask 022
cd -- "$1/$2" || exit 1
move() {
    to=$1; shift
    [ $# -eq 0 ] || mv -f -- "$@" "$to/"
}
# No name holds a newline; the operator's side saw to that.
find . -type d | while IFS= read -r folder; do
    to=../$folder
    # A file of ours that is in the way of a folder goes: the operator has a folder there now.
    [ -d "$to" ] || { rm -f -- "$to"; mkdir -- "$to"; } || exit 1
    set --
    for file in "$folder"/* "$folder"/.[!.]* "$folder"/..?*; do
        [ -f "$file" ] || continue
        set -- "$@" "$file"
        # A command line has its limits.
        [ $# -lt 500 ] || { move "$to" "$@" || exit 1; set --; }
    done
    move "$to" "$@" || exit 1
done
