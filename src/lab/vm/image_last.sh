# What Debian's installer would do now, and what a machine has to do without that is only sometimes busy.
set -eu
root=$1
printf 'debian\n' > "$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n' > "$root/etc/hosts"
printf '/dev/vda / ext4 errors=remount-ro 0 1\n' > "$root/etc/fstab"
# Empty: made at the first start of the machine. Host keys are made when it gets its name.
: > "$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
chroot "$root" useradd --create-home --shell /bin/bash --groups sudo admin
chroot "$root" systemctl --quiet enable systemd-networkd.service
# A machine without a network in its image must not wait for one.
chroot "$root" systemctl --quiet disable systemd-networkd-wait-online.service
# They would change files at some hour, also of a machine that goes on from a saved state days later.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim man-db systemd-tmpfiles-clean; do
    chroot "$root" systemctl --quiet mask "$timer.timer"
done
# It looks for snapshots of LVM, which these machines do not have, for half of a start's time.
chroot "$root" systemctl --quiet mask e2scrub_reap.service
# Nothing of this image's making is the machine's own past.
rm -f "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/var/cache/apt/archives/*.deb
