# ufw, of Ubuntu and Debian: its rules stand in files that it loads at each boot, and a comment tells ours (ufw(8)). They come
# first: a `limit` on ssh, which many set, would refuse a node that starts several jobs.
ufw_there() { command -v ufw >/dev/null; }
ufw_files() { printf '%s\n' /etc/ufw/user.rules /etc/ufw/user6.rules; }
ufw_ours() { ufw show added | sed -n "s/^ufw allow from \([^ ]*\) comment '$mark'\$/\1/p" | tr '\n' ' '; }
ufw_allow() {
    stand=" $(ufw_ours)"
    for address in $stand; do
        case " $* " in *" $address "*) ;; *) ufw delete allow from "$address" >&2 || return 1 ;; esac
    done
    for address; do
        case $stand in *" $address "*) ;; *) ufw prepend allow from "$address" comment "$mark" >&2 || return 1 ;; esac
    done
    stand=" $(ufw_ours)"
    for address; do
        case $stand in *" $address "*) ;; *) fail "ufw has a rule of its own about $address: \`ufw status\` there shows it"; return 1 ;; esac
    done
}

# firewalld: a rule is made twice, for now and for later boots. It has no comments: the journal knows which addresses were ours.
# Where it is stopped (252, firewall-cmd(1)), only the later ones are there. Each call starts a Python, and the guard's time runs.
firewalld_there() { command -v firewall-cmd >/dev/null; }
firewalld_files() { printf '%s\n' "/etc/firewalld/zones/$place.xml" "/etc/firewalld/zones/$place.xml.old"; }
firewalld_allow() {
    wanted=" $* " in_force=0
    now=$(firewall-cmd "--zone=$place" --list-rich-rules) || in_force=$?
    case $in_force in
    0) firewalld_later firewall-cmd --permanent && firewalld_change "$now" firewall-cmd ;;
    252) firewalld_later firewall-offline-cmd ;;
    *) return 1 ;;
    esac
}
firewalld_later() { later=$("$@" "--zone=$place" --list-rich-rules) && firewalld_change "$later" "$@"; }
# firewalld_change RULES COMMAND…: where these are the rules, all that is due in one call.
firewalld_change() {
    rules=$1; shift
    set -- "$@" "--zone=$place"
    words=$#
    for address in $(sort -u "$entry/ever" 2>/dev/null); do
        case $address in *:*) rule=ipv6 ;; *) rule=ipv4 ;; esac
        rule="rule family=\"$rule\" source address=\"$address\" accept"
        stands=no; ! printf '%s\n' "$rules" | grep -qxF "$rule" || stands=yes
        case $stands$wanted in
        no*" $address "*) set -- "$@" "--add-rich-rule=$rule" ;;
        yes*" $address "*) ;;
        yes*) set -- "$@" "--remove-rich-rule=$rule" ;;
        esac
    done
    [ $# -eq "$words" ] || "$@" >&2
}

# nftables: all at once or not at all, at the head of a chain (FAMILY TABLE CHAIN). A file that is read at boot is a change of
# its own, where one can be had.
# shellcheck disable=SC2086
nft_there() { nft list chain $place >/dev/null 2>&1; }
nft_files() { :; }
nft_allow() {
    four='' six=''
    for address; do
        case $address in *:*) six="$six${six:+, }$address" ;; *) four="$four${four:+, }$address" ;; esac
    done
    # shellcheck disable=SC2086
    old=$(nft -a list chain $place | sed -n "s/^.* accept comment \"$mark\" # handle \([0-9]*\)\$/\1/p") || return 1
    {
        for handle in $old; do printf 'delete rule %s handle %s\n' "$place" "$handle"; done
        if [ -n "$six" ]; then printf 'insert rule %s ip6 saddr { %s } accept comment "%s"\n' "$place" "$six" "$mark"; fi
        if [ -n "$four" ]; then printf 'insert rule %s ip saddr { %s } accept comment "%s"\n' "$place" "$four" "$mark"; fi
    } | nft -f - >&2
}

# iptables, where nobody else keeps its rules: at the head of the chain.
iptables_there() { iptables -S "$place" >/dev/null 2>&1; }
iptables_files() { :; }
iptables_allow() {
    stand=' '
    for tool in iptables ip6tables; do
        for address in $("$tool" -S "$place" 2>/dev/null | sed -n "s/^-A $place -s \([^ ]*\) -m comment --comment \"$mark\" -j ACCEPT\$/\1/p"); do
            address=${address%/32} address=${address%/128}
            case " $* " in *" $address "*) stand="$stand$address " ;;
            *) "$tool" -D "$place" -s "$address" -m comment --comment "$mark" -j ACCEPT || return 1 ;; esac
        done
    done
    for address; do
        case $stand in *" $address "*) continue ;; esac
        case $address in *:*) tool=ip6tables ;; *) tool=iptables ;; esac
        "$tool" -I "$place" -s "$address" -m comment --comment "$mark" -j ACCEPT || return 1
    done
}
