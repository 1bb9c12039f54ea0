# What makes a machine one of this lab: clock, name, address, keys, password, the way to packages. The values stand above.
set -eu
umask 022
export LC_ALL=C
# It may go on from a state that was saved long ago.
date -s "@$now" >/dev/null
# Machines that were saved as one would have random numbers in common.
head -c 512 /dev/urandom > /dev/urandom
cat > /dev/urandom <<END
$salt
END
printf '%s\n' "$name" > /etc/hostname
hostname "$name"
printf '%s' "$hosts" > /etc/hosts
cat > /etc/systemd/network/10-lab.network <<END
[Match]
Name=en*

[Network]
Address=$address
IPv6AcceptRA=no
END
networkctl reload
printf '%s' "$apt" > /etc/apt/apt.conf.d/99mpiup-lab
chpasswd <<END
admin:$password
END
install -d -m 700 -o admin -g admin /home/admin/.ssh
printf '%s' "$key" > /home/admin/.ssh/authorized_keys
chown admin:admin /home/admin/.ssh/authorized_keys
chmod 600 /home/admin/.ssh/authorized_keys
rm -f /etc/ssh/ssh_host_*
for kind in ed25519 ecdsa; do
    ssh-keygen -q -t "$kind" -N '' -C "root@$name" -f "/etc/ssh/ssh_host_${kind}_key"
done
systemctl reset-failed ssh.service 2>/dev/null || :
systemctl restart ssh.service
tries=0
until ip -4 -brief address show scope global | grep -q " UP .*$address"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "the address did not come up" >&2; exit 1; }
    sleep 0.1
done
cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub
