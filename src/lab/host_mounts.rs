//! Which of this computer's file systems a node sees below `/`: real ones that hold the system, such as a separate
//! `/usr` or `/var`. A pure reading of `/proc/self/mountinfo` (proc(5)).

use std::path::{Path, PathBuf};

/// File systems that can lie below an overlay and are on this computer's own disks.
const REAL: [&str; 13] = [
    "bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "reiserfs", "squashfs", "xfs",
    "zfs",
];

/// Mount points of directories, `/` first and outer ones before inner ones, for which `seen` says yes.
pub(super) fn to_show(mountinfo: &str, seen: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for line in mountinfo.lines() {
        let Some(point) = real_mount(line) else { continue };
        // An option of overlay cannot hold these characters unescaped; no system puts its files behind such a name.
        let awkward = point.to_string_lossy().contains([':', ',', '\\', '"']);
        if point != Path::new("/") && !awkward && seen(&point) {
            found.retain(|earlier| *earlier != point);
            found.push(point);
        }
    }
    found[1..].sort_by_key(|point| (point.components().count(), point.clone()));
    found
}

/// The mount point of a line, when its file system is a real one.
fn real_mount(line: &str) -> Option<PathBuf> {
    let (mount, device) = line.split_once(" - ")?;
    let kind = device.split(' ').next()?;
    let point = mount.split(' ').nth(4)?;
    REAL.contains(&kind).then(|| PathBuf::from(unescape(point)))
}

/// The kernel writes a blank, tab, newline and backslash of a path as octal numbers.
fn unescape(word: &str) -> String {
    word.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "\
22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw,errors=remount-ro
31 28 0:25 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw
60 28 254:3 / /var/log rw,relatime shared:31 - ext4 /dev/mapper/vg-log rw
61 28 254:2 / /var rw,relatime shared:30 - ext4 /dev/mapper/vg-var rw
62 28 0:45 / /var/lib/nfs/rpc_pipefs rw,relatime shared:32 - rpc_pipefs sunrpc rw
63 28 259:1 / /boot/efi rw,relatime shared:33 - vfat /dev/nvme0n1p1 rw
64 28 254:9 / /home rw,relatime shared:34 - ext4 /dev/mapper/vg-home rw
65 28 0:50 /usr /usr ro,relatime shared:35 - btrfs /dev/sdb rw
66 28 8:17 / /opt/with\\040blank rw,relatime shared:36 - xfs /dev/sdb1 rw
67 28 0:51 / /opt/cloud rw,relatime shared:37 - nfs4 server:/opt rw
";

    #[test]
    fn shows_real_file_systems_outer_ones_first() {
        let found = to_show(DEBIAN, |point| !point.starts_with("/home"));
        assert_eq!(found, ["/", "/usr", "/var", "/opt/with blank", "/var/log"].map(PathBuf::from));
    }

    #[test]
    fn a_point_that_is_mounted_twice_is_shown_once() {
        let twice = format!("{DEBIAN}70 61 254:7 / /var rw - ext4 /dev/x rw\n");
        let found = to_show(&twice, |point| point.starts_with("/var"));
        assert_eq!(found, ["/", "/var", "/var/log"].map(PathBuf::from));
    }
}
