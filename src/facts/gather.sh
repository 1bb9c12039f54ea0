# mpiup: what is seen on a node. Reads only. Expects: user, state, env, share, files (one path a line, `~/` is the home of
# the cluster's user) and packages. Each fact is `== NAME BYTES`, a newline, the bytes, a newline.
LC_ALL=C; export LC_ALL
fact() { printf '== %s %s\n%s\n' "$1" "${#2}" "$2"; }
text() { fact "$1" "$(cat "$2" 2>/dev/null; printf x)"; }

fact id "$(id -u) $(id -un) $(id -g)"
fact passwd_self "$(getent passwd "$(id -un)" || grep "^$(id -un):" /etc/passwd)"
account=$(getent passwd "$user" 2>/dev/null || grep "^$user:" /etc/passwd)
fact passwd_user "$account"
# The last day of the account, where it has one; nothing else of this file is read into a report.
if [ -n "$account" ] && [ -r /etc/shadow ]; then
    while IFS=: read -r name _ _ _ _ _ _ day _; do
        [ "$name" != "$user" ] || [ -z "$day" ] || fact user_expires "$day $(($(date +%s) / 86400))"
    done < /etc/shadow
fi
fact ids_in_use "$( { getent passwd || cat /etc/passwd; getent group || cat /etc/group; } 2>/dev/null | cut -d: -f3 | sort -un | tr '\n' ' ')"
home=$(printf '%s' "$account" | cut -d: -f6)
[ -n "$home" ] || home=/home/$user
operator=$(getent passwd "${SUDO_USER:-$(id -un)}" | cut -d: -f6)
fact operator "${SUDO_USER:-$(id -un)}"
fact operator_keys "$(cat "$operator/.ssh/authorized_keys" 2>/dev/null)"
fact os "$(cat /etc/os-release 2>/dev/null)"
fact kernel "$(uname -srm)"
fact host_name "$(uname -n)"
fact boot_id "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
fact machine_id "$(cat /etc/machine-id 2>/dev/null)"
fact cores "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
fact cpu "$(grep -E '^(model name|physical id|core id)' /proc/cpuinfo | sort -u)"
fact memory "$(grep MemTotal: /proc/meminfo)"
fact addresses "$(ip -o addr 2>/dev/null || ifconfig -a 2>/dev/null)"
fact infiniband "$(ls /sys/class/infiniband 2>/dev/null)"
fact host_keys "$(cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null)"
if [ "$(id -u)" = 0 ]; then
    sshd=$(command -v sshd || command -v /usr/sbin/sshd)
    [ -n "$sshd" ] && fact sshd "$("$sshd" -T -C "user=$user,host=localhost,addr=127.0.0.1" 2>&1)"
fi
for candidate in python3 /usr/bin/python3 /usr/local/bin/python3; do
    python=$(command -v "$candidate") && break
done
[ -n "$python" ] && fact python "$("$python" -c 'import os, sys, sysconfig
print(os.path.realpath(sys.executable)); print("%d.%d" % sys.version_info[:2])
try: print(os.confstr("CS_GNU_LIBC_VERSION"))
except (ValueError, OSError): print("other")' 2>/dev/null)"
fact mpi "$(for name in mpiexec.openmpi mpiexec.mpich mpiexec; do
    found=$(command -v $name) && printf '%s %s\n' "$found" "$("$found" --version 2>/dev/null </dev/null | head -n 3 | tr '\n' ' ')"; done)"
# Without a name dpkg-query would list every package there is.
if [ -n "$packages" ] && command -v dpkg-query >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    present=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' $packages 2>/dev/null | grep '^ii')
    fact packages "$present"
    missing=
    for name in $packages; do case $present in *"ii  $name "*) ;; *) missing="$missing $name" ;; esac; done
    # What else apt would bring along. A simulation needs no root and no lock; root's would still write a log of the
    # planner and a cache of the lists, which these options leave out.
    quiet="-o Dir::Log::Planner= -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
    # shellcheck disable=SC2086
    [ -z "$missing" ] || fact apt "$(apt-get install -s -qq $quiet --no-install-recommends $missing 2>&1 | grep -E '^(Inst|E:) ')"
fi
fact tools "$(for name in sudo apt-get dnf zypper pacman apk tar ssh ssh-keygen setpriv runuser systemctl getent awk sha256sum; do command -v $name >/dev/null 2>&1 && printf '%s ' $name; done)"
printf '%s\n' "$files" | while IFS= read -r name; do
    case $name in "~/"*) path=$home/${name#"~/"} ;; *) path=$name ;; esac
    if [ -f "$path" ]; then
        fact "file $(stat -L -c '%a %U' "$path") $name" "$(cat "$path" 2>/dev/null; printf x)"
    elif [ -d "$path" ]; then fact "dir $(stat -L -c '%a %U' "$path") $name" ""; fi
done
case $env in "~/"*) env=$home/${env#"~/"} ;; esac
fact env_stamp "$(cat "$env/.mpiup-env" 2>/dev/null)"
fact disk_free "$({ df -Pk "$home" || df -Pk /; } 2>/dev/null | tail -n 1)"
fact tmp_free "$(df -Pk /tmp 2>/dev/null)"
[ -w /etc ] || fact etc_is_read_only yes
case $state in "~/"*) state=$HOME/${state#"~/"} ;; esac
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
fact end ""
