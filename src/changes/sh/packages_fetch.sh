# How packages come to a node: as it is configured for, with its mirrors and proxies; or, where mpiup was told to bring them over
# its own connection, through a proxy on the node's loopback, whose address is $mpiup_relay.

# apt_get COMMAND…: that address holds a word that is no other user's business, so apt reads it from a file that is root's
# alone, the last of all it reads. What it fetches it checks as ever.
apt_get() {
    if [ -z "${mpiup_relay-}" ]; then apt-get "$@"; return; fi
    conf=$mpiup_state/relay.conf
    (umask 077; printf '%s\n' '#clear Acquire::http::Proxy;' '#clear Acquire::https::Proxy;' '#clear Acquire::http::Proxy-Auto-Detect;' \
        '#clear Acquire::http::ProxyAutoDetect;' "Acquire::http::Proxy \"$mpiup_relay\";" "Acquire::https::Proxy \"$mpiup_relay\";" \
        'Acquire::http::Pipeline-Depth "0";' > "$conf") || return 1
    (unset no_proxy; apt-get -c "$conf" "$@")
    fetched=$?
    rm -f "$conf"
    return $fetched
}

# apt_fetch COMMAND…: through `manage`; what apt could not fetch stays in $unfetched, in its words.
apt_fetch() {
    manage apt_get "$@" 2> "$mpiup_state/said"
    fetched=$?
    cat "$mpiup_state/said" >&2
    unfetched=$(sed -n 's/^[EW]: Failed to fetch [^ ]*  *//p' "$mpiup_state/said" | head -n 1)
    rm -f "$mpiup_state/said"
    return $fetched
}

cannot_fetch() {
    if [ -n "${mpiup_relay-}" ]; then fail "Through this machine, too, apt cannot fetch what is needed: $unfetched"
    else fail "apt cannot fetch what is needed: $unfetched. Without a way to its mirrors a node gets packages through this machine: \`mpiup up --via-operator\`. None are needed with \`source = \"wheels\"\` in [mpi]."; fi
}

# What everybody on the node is told of proxies, where this log-in was not: sudo keeps it from root, and not every log-in reads it.
node_proxies() {
    for name in http_proxy https_proxy no_proxy; do
        eval "told=\${$name-}"
        [ -z "$told" ] || continue
        told=$(sed -n "s/^\(export  *\)\{0,1\}$name=//p" /etc/environment 2>/dev/null | tail -n 1)
        told=${told#[\"\']} told=${told%[\"\']}
        [ -z "$told" ] || export "$name=$told"
    done
}

# Nobody is there to be asked: a file of somebody's stays where a package brings another. Services of others are not
# restarted (needrestart looks again at the next occasion).
apt_alone() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
    export DEBIAN_FRONTEND NEEDRESTART_SUSPEND APT_LISTCHANGES_FRONTEND UCF_FORCE_CONFFOLD
}
