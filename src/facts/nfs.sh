# What a node can do with NFS, and what it does already. Reads only; no module is loaded for it.
nfs_facts() {
    fact nfs "$(
        [ ! -d /run/systemd/system ] || echo "systemd yes"
        echo "container $(systemd-detect-virt -c 2>/dev/null)"
        if grep -qw nfsd /proc/filesystems || modprobe -n -q nfsd; then echo "serves yes"; fi
        if grep -qw nfs4 /proc/filesystems || modprobe -n -q nfsv4; then echo "mounts yes"; fi
        echo "enabled $(systemctl is-enabled nfs-server 2>/dev/null)"
        echo "active $(systemctl is-active nfs-server 2>/dev/null)"
    )" 2>/dev/null
    fact exports "$(for file in /etc/exports /etc/exports.d/*.exports; do
        [ ! -f "$file" ] || awk -v tab="$tab" '{ print FILENAME tab $0 }' "$file"
    done)"
    # What a mount would hide.
    case $mounts in *"$tab$share$tab"*) ;; *) fact share_holds "$(ls -A "$share" 2>/dev/null | head -n 3)" ;; esac
}
