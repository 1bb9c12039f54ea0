# What a killed apt or dpkg left in the middle. dpkg completes what is unpacked; what is only half-installed neither it nor apt
# mends by itself where it came along with something else (apt 2.6, dpkg 1.21), and apt does not remove it either.
apt_mend() {
    apt_put_back || return 1
    unfinished=$(apt_unfinished)
    if [ -z "$unfinished" ] && [ -z "$(ls /var/lib/dpkg/updates 2>/dev/null)" ]; then return 0; fi
    apt_alone
    scratch=$(apt_scratch)
    # Who is at work now comes to an end first.
    manage_quietly=yes
    manage apt-get check -qq || [ $? -ne 99 ] || return 1
    manage_quietly=
    theirs=$(apt_unfinished | apt_among theirs)
    if [ -n "$theirs" ]; then
        why="dpkg was interrupted at packages that are not mpiup's (${theirs% }), which stay as they are; there: \`dpkg --configure -a\`, then \`apt-get -f install\`, and this command again"
        return 1
    fi
    manage dpkg --configure -a || [ $? -ne 99 ] || return 1
    # Where dpkg unpacked: what is still the same is nobody's any more.
    [ -z "$scratch" ] || [ "$(apt_scratch)" != "$scratch" ] || rm -rf /var/lib/dpkg/tmp.ci
    # What came with us goes, and comes anew where it is wanted; what was there before is brought back in full.
    apt_put_aside || return 1
    apt_mend_by new dpkg --force-remove-reinstreq --force-depends --purge
    mended=$?
    apt_put_back && [ "$mended" = 0 ] && apt_mend_by rest dpkg --force-remove-reinstreq --force-depends --remove &&
        apt_mend_by here apt-get install -y -q --no-install-recommends --reinstall -o Dpkg::Use-Pty=0
}

apt_scratch() { stat -c %d:%i /var/lib/dpkg/tmp.ci 2>/dev/null; }

# apt_mend_by KIND COMMAND…: runs it over those that are still in the middle.
apt_mend_by() {
    kind=$1; shift
    names=$(apt_unfinished | apt_among "$kind")
    # shellcheck disable=SC2086
    [ -z "$names" ] || manage "$@" $names || [ $? -ne 99 ]
}

# Half-installed, unpacked, half-configured, or to be installed anew. Those that only wait for others' triggers are whole.
apt_unfinished() {
    dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n' | awk -F '|' '$1 ~ /^.[HUF]|R/ { print $2 }'
}

# apt_among KIND: of the names on standard input those that are, by the journal, `new` (they came with ours), `rest` (of which
# there was only the configuration), `here` (there before, in another version), or `theirs`.
apt_among() {
    {
        for at in "$mpiup_journal"/[0-9]*; do
            read -r word names 2>/dev/null < "$at/key" && [ "$word" = packages ] || continue
            # shellcheck disable=SC2086
            { printf '%s\n' $names; cat "$at/brought" 2>/dev/null; } | awk -v before="$at/before" '
                BEGIN { while ((getline < before) > 0) { sub(/:.*/, "", $2); was[$2] = $1 } }
                { sub(/:.*/, ""); print "ours", $1, (!($1 in was) ? "new" : was[$1] == "rc" ? "rest" : "here") }'
        done
        sed 's/^/asked /'
    } | awk -v kind="$1" '
        $1 == "ours" { if (!($2 in is) || $3 == "new") is[$2] = $3; next }
        kind == (($2 in is) ? is[$2] : "theirs") { printf "%s ", $2 }'
}
