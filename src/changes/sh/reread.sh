# reread PATH: some files of the system are read once and kept in memory; who does so is told that one changed. Sets refused:
# why what stands there does not hold then; nothing when it does.
reread() {
    refused=
    case $1 in
    /etc/fstab) by_systemd daemon-reload ;;
    /etc/exports.d/*.exports) exports_hold "$1" ;;
    esac
}

by_systemd() { [ ! -d /run/systemd/system ] || systemctl "$@" >&2; }
