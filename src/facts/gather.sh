# mpiup: what is seen on a node. Reads only. Expects: user, state, env, share, files (one path a line, `~/` is the home of
# the cluster's user), secrets (the same, of which only mode and owner are told), needed (programs), manager and packages,
# launchers_aside; and nfs=yes where the share comes over NFS. Each fact is `== NAME BYTES`, a newline, the bytes, a newline.
# Every program that is started costs a millisecond or two, and all nodes of a lab share one computer: hence what the shell can
# do by itself it does, and one awk reads all files.
LC_ALL=C; export LC_ALL
fact() { printf '== %s %s\n%s\n' "$1" "${#2}" "$2"; }
first_line() { line=; if [ -f "$1" ]; then IFS= read -r line < "$1"; fi; } 2>/dev/null
account() { getent passwd "$1" 2>/dev/null || grep "^$1:" /etc/passwd; }
home_of() { home=${1%:*}; home=${home##*:}; }

uid=$(id -u); me=$(id -un)
fact id "$uid $me $(id -g)"
self=$(account "$me")
fact passwd_self "$self"
[ -z "${SUDO_USER:-}" ] || self=$(account "$SUDO_USER")
home_of "$self"
fact operator "${SUDO_USER:-$me}"
fact operator_keys "$(cat "$home/.ssh/authorized_keys" 2>/dev/null)"
account=$(account "$user")
fact passwd_user "$account"
# Whether the account may be used: its last day, where it has one, and whether the password is locked or has to be changed at
# the next log-in (shadow(5)). Nothing else of this file is read into a report.
if [ -n "$account" ] && [ -r /etc/shadow ]; then
    while IFS=: read -r name secret changed _ longest _ _ day _; do
        [ "$name" = "$user" ] || continue
        today=$(($(date +%s) / 86400))
        [ -z "$day" ] || fact user_expires "$day $today"
        case $secret in '!'*) fact user_is_locked yes ;; esac
        case $changed in
        0) fact user_must_change yes ;;
        ?*) [ -z "$longest" ] || [ $((changed + longest)) -ge "$today" ] || fact user_must_change yes ;;
        esac
    done < /etc/shadow
fi
fact ids_in_use "$( { getent passwd || cat /etc/passwd; getent group || cat /etc/group; } 2>/dev/null | cut -d: -f3)"
home_of "$account"
[ -n "$home" ] || home=/home/$user
fact os "$(cat /etc/os-release 2>/dev/null)"
fact kernel "$(uname -srm)"
fact host_name "$(uname -n)"
first_line /proc/sys/kernel/random/boot_id; fact boot_id "$line"
first_line /etc/machine-id; fact machine_id "$line"
fact cores "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
fact cpu "$(sed -n '/^model name/{p;q;}' /proc/cpuinfo)"
first_line /proc/meminfo; fact memory "$line"
devices=
for device in /sys/class/infiniband/*; do [ -e "$device" ] && devices="$devices ${device##*/}"; done
fact infiniband "$devices"
fact host_keys "$(cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null)"
if [ "$uid" = 0 ]; then
    sshd=$(command -v sshd || command -v /usr/sbin/sshd)
    [ -n "$sshd" ] && fact sshd "$("$sshd" -T -C "user=$user,host=localhost,addr=127.0.0.1" 2>&1)"
fi
# Firewalls that drop what they do not know, in their own words; one that is switched off, or is not there, costs nothing.
# Of those that keep their rules in iptables or nftables, what they have there is not told once more.
has() { command -v "$1" >/dev/null; }
walls() {
    helped=
    if has ufw && grep -qi '^ENABLED=yes' /etc/ufw/ufw.conf; then
        helped=yes
        fact ufw "$(grep -h -e '^DEFAULT_INPUT_POLICY=' -e '^### tuple ###' /etc/default/ufw /etc/ufw/user.rules /etc/ufw/user6.rules)"
    elif has firewall-cmd && [ "$(firewall-cmd --state)" = running ]; then
        helped=yes
        fact firewalld "$(firewall-cmd --get-default-zone; echo; firewall-cmd --list-all-zones)"
    fi
    managed=
    if has iptables; then
        managed=INPUT
        # The older iptables makes its table when it is asked for one.
        case $(iptables -V) in *nf_tables*) ;; *) grep -qx filter /proc/net/ip_tables_names || helped=yes ;; esac
        [ -n "$helped" ] || { fact iptables "$(iptables -S INPUT)"; fact ip6tables "$(ip6tables -S INPUT)"; }
    fi
    has nft || return
    chains=$(nft -s list chains | awk -v managed="$managed" '
        $1 == "table" { family = $2; table = $3 } $1 == "chain" { chain = $2 }
        /type filter hook input / && table != "firewalld" && !(table == "filter" && chain == managed) { print family, table, chain }')
    [ -n "$chains" ] || return
    # shellcheck disable=SC2086
    fact nft "$(printf '%s\n' "$chains" | while read -r chain; do nft -n -s list chain $chain; done)"
    for file in /etc/nftables.conf /etc/sysconfig/nftables.conf; do [ ! -f "$file" ] || break; done
    # The last folder that is included below all tables. Of several forms of such a line, only the plain one counts.
    folder=$(awk '
        { line = $0; sub(/#.*/, "", line) }
        !depth && line ~ /^table/ { found = "" }
        !depth && line ~ /^include "[^"*]*[/][*][.]nft"/ { split(line, part, "\""); found = part[2]; sub(/[/][*][.]nft$/, "", found) }
        { depth += gsub(/{/, "", line) - gsub(/}/, "", line) }
        END { print found }' "$file")
    [ -d "$folder" ] || return
    for own in "$folder"/zz-mpiup-*.nft; do
        [ ! -f "$own" ] || fact "file $(stat -c '%a %U' "$own") $own" "$(cat "$own"; printf x)"
    done
    # Which of the chains the file makes is found out by reading it on trial, with a rule more.
    fact nft_at_boot "$folder
$file
$(printf '%s\n' "$chains" | while read -r chain; do
    { cat "$file"; printf 'insert rule %s accept\n' "$chain"; } | nft -c -f - && printf '%s\n' "$chain"
done)"
}
[ "$uid" != 0 ] || walls 2>/dev/null
for candidate in python3 /usr/bin/python3 /usr/local/bin/python3; do
    python=$(command -v "$candidate") && break
done
[ -n "$python" ] && fact python "$("$python" -I -S -c 'import os, sys
print(os.path.realpath(sys.executable)); print("%d.%d" % sys.version_info[:2])
try: print(os.confstr("CS_GNU_LIBC_VERSION"))
except (ValueError, OSError): print("other")' 2>/dev/null)"
# Where there is no ip, Python asks the kernel, and answers as ip does.
fact addresses "$(ip -o addr 2>/dev/null || { [ -n "$python" ] && "$python" -c 'import fcntl, ipaddress, socket, struct
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def ask(what, name): return socket.inet_ntoa(fcntl.ioctl(link, what, struct.pack("256s", name.encode()[:15]))[20:24])
for number, name in socket.if_nameindex():
    try: print("%d: %s inet %s" % (number, name, ipaddress.ip_interface(ask(0x8915, name) + "/" + ask(0x891b, name))))
    except OSError: pass
try: lines = open("/proc/net/if_inet6").read().splitlines()
except OSError: lines = []
for line in lines:
    words = line.split()
    print("%d: %s inet6 %s/%d" % (int(words[1], 16), words[5], ipaddress.IPv6Address(int(words[0], 16)), int(words[2], 16)))' 2>/dev/null; } )"
# Fedora and openSUSE let an MPI stand outside of PATH. A launcher takes long to say its version: one that has two names, as on
# Debian, is asked by the first.
fact mpi "$(asked=; for name in mpiexec.openmpi mpiexec.mpich mpiexec $launchers_aside; do
    found=$(command -v $name) || continue
    real=$(readlink -f "$found" 2>/dev/null)
    [ -n "$real" ] && [ "$real" = "$asked" ] || said=$("$found" --version 2>/dev/null </dev/null | head -n 3 | tr '\n' ' ')
    asked=$real
    printf '%s %s\n' "$found" "$said"; done)"
# What of the packages is there, and what else would come along with those that are missing: `ii NAME VERSION` a line, and
# what the manager prints. It is asked to tell what it would do, with the lists that it has: no network, no lock.
present_packages() {
    # shellcheck disable=SC2086
    case $manager in
    apt) dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' $packages | grep '^ii' ;;
    dnf|zypper) rpm -q --qf 'ii  %{NAME} %{VERSION}-%{RELEASE}\n' $packages | grep '^ii' ;;
    pacman) pacman -Q $packages | sed 's/^/ii  /' ;;
    esac 2>/dev/null
}
would_come() {
    # Root's apt would still write a log of the planner and a cache of the lists, which the options leave out.
    case $manager in
    apt) apt-get install -s -qq -o Dir::Log::Planner= -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        --no-install-recommends "$@" 2>&1 | grep -E '^(Inst|E:) ' ;;
    dnf) dnf -C --assumeno --setopt=install_weak_deps=False install "$@" </dev/null 2>&1 ;;
    zypper) zypper --non-interactive --no-refresh install --dry-run --no-recommends "$@" </dev/null 2>&1 ;;
    pacman) pacman -S --print --needed --print-format '%n %v' "$@" 2>/dev/null | while read -r name version; do
        old=$(pacman -Q "$name" 2>/dev/null)
        printf '%s %s %s\n' "$name" "$version" "${old#* }"
    done ;;
    esac
}
if [ -n "$packages" ]; then
    present=$(present_packages)
    fact packages "$present"
    missing=
    for name in $packages; do case $present in *"ii  $name "*) ;; *) missing="$missing $name" ;; esac; done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || fact "$manager" "$(would_come $missing)"
fi
fact tools "$(for name in sudo apt-get dnf zypper pacman apk systemctl exportfs mount.nfs; do command -v $name >/dev/null 2>&1 && printf '%s ' $name; done)"
missing=
for name in $needed; do command -v "$name" >/dev/null 2>&1 || missing="$missing $name"; done
fact missing "$missing"
tab=$(printf '\t')
case $share in "~/"*) share=$home/${share#"~/"} ;; esac
asked_share=$share
look_at_share
fact share_path "$share"
fact share_mounts "$mounts"
[ -z "$silent" ] || fact share_silent "$silent"
[ "$nfs" != yes ] || nfs_facts
asked=; set --
while IFS= read -r name; do
    case $name in "~/"*) path=$home/${name#"~/"} ;; *) path=$name ;; esac
    case $path in "$asked_share"|"$asked_share/"*) [ -z "$silent" ] || continue ;; esac
    if [ -f "$path" ]; then kind=file; elif [ -d "$path" ]; then kind=dir; else continue; fi
    set -- "$@" "$path"
    asked="$asked$path$tab$kind$tab$name
"
done <<FILES
$files
FILES
# What was asked for, an empty line, and modes and owners. A record that ends where no text does (at a byte 1, which is lost
# only where it is a file's very last) is a whole file; an `x` keeps its last newlines.
[ -z "$asked" ] || { printf '%s\n' "$asked"; stat -L -c "%n$tab%a %U" "$@" 2>/dev/null; } | awk -F "$tab" '
    $0 == "" { listed = 1; next }
    !listed { path[++count] = $1; kind[count] = $2; name[count] = $3; next }
    { mode[$1] = $2 }
    END {
        RS = "\001"
        for (i = 1; i <= count; i++) {
            if (!(path[i] in mode)) continue
            text = ""
            if (kind[i] == "file") {
                glue = ""
                while ((getline part < path[i]) > 0) { text = text glue part; glue = RS }
                close(path[i])
                text = text "x"
            }
            printf "== %s %s %s %d\n", kind[i], mode[path[i]], name[i], length(text)
            print text
        }
    }'
printf '%s\n' "$secrets" | while IFS= read -r name; do
    case $name in "~/"*) path=$home/${name#"~/"} ;; *) path=$name ;; esac
    if [ -f "$path" ]; then fact "file $(stat -L -c '%a %U' "$path") $name" x; fi
done
case $env in "~/"*) env=$home/${env#"~/"} ;; esac
first_line "$env/.mpiup-env"; fact env_stamp "$line"
# Packages that Python programs find without mpiup: their folders say it, and none of their code runs.
fact modules "$(for folder in /usr/lib/python3/dist-packages /usr/local/lib/python3.*/dist-packages \
    /usr/lib/python3.*/site-packages /usr/lib64/python3.*/site-packages /usr/local/lib/python3.*/site-packages \
    "$home"/.local/lib/python3.*/site-packages; do
    for info in "$folder"/mpi4py-*-info "$folder"/mpi4py-*.egg-info; do [ ! -e "$info" ] || printf '%s\n' "$info"; done
done)"
fact clock "$(date +%s)"
fact disk_free "$({ df -Pk "$home" || df -Pk /; } 2>/dev/null | tail -n 1)"
fact tmp_free "$(df -Pk /tmp 2>/dev/null)"
[ -w /etc ] || fact etc_is_read_only yes
case $state in "~/"*) state=$HOME/${state#"~/"} ;; esac
above=$state
while [ ! -d "$above" ]; do above=${above%/*}; [ -n "$above" ] || above=/; done
fact state_free "$(df -Pk "$above" 2>/dev/null | tail -n 1)"
[ ! -f "$state/members" ] || fact members "$(cat "$state/members")"
fact journal "$(for entry in "$state"/journal/[0-9]*; do
    [ -d "$entry" ] || continue
    key= what="a damaged entry of the journal"
    read -r key < "$entry/key"; read -r what < "$entry/what"
    done=no; [ -f "$entry/done" ] && done=yes
    printf '%s\t%s\t%s\t%s\n' "${entry##*/}" "$done" "$key" "$what"
done 2>/dev/null
# What a kill left when the first entry was not there yet, or the last one no more.
if [ -z "$(ls -A "$state/journal" 2>/dev/null)" ] && { [ -d "$state" ] || { [ -d "${state%/*}" ] && [ -z "$(ls -A "${state%/*}")" ]; }; }; then
    printf -- '-\tyes\t-\tthe folder of the journal, and what `sync` brought\n'
fi)"
# A change under guard that nobody confirmed (guard.sh): the node put it back, or stopped before it could.
if [ -f "$state/unconfirmed" ]; then first_line "$state/unconfirmed"; fact unconfirmed "back $line"
elif [ -f "$state/guard/key" ] && [ ! -L "$state/guard/decision" ]; then
    first_line "$state/guard/pid"
    if [ -n "$line" ] && ! tr '\0' ' ' 2>/dev/null < "/proc/$line/cmdline" | grep -qF "$state/guard/switch"; then
        attempt=make; [ ! -e "$state/guard/undo" ] || attempt=undo
        first_line "$state/guard/key"; fact unconfirmed "stands $attempt $line"
    fi
fi
fact end ""
