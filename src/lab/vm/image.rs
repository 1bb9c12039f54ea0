//! The disk from which machines start, Debian as an ordinary installation has it: what goes in, and the files that come out.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{debian::Debian, sources};
use crate::lab::base;

/// Raised when the same recipe comes out differently.
const VERSION: &str = "1";

/// What every machine has: what Debian's installer puts on a small server, and the agent by which the lab speaks to it.
const PACKAGES: &[&str] = &[
    "adduser",
    "ca-certificates",
    "dbus",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libpam-systemd",
    "linux-image-cloud-amd64",
    "netbase",
    "openssh-server",
    "procps",
    "python3",
    "qemu-guest-agent",
    "sudo",
    "systemd-sysv",
    "udev",
    "zstd",
];

/// Run before the packages and after them, with the tree as `$1`.
pub(super) const FIRST: &str = include_str!("image_first.sh");
pub(super) const LAST: &str = include_str!("image_last.sh");

/// What goes in.
pub(super) struct Recipe {
    pub release: Debian,
    pub packages: Vec<String>,
    /// Lines for apt; none for mmdebstrap's own choice.
    pub sources: Vec<String>,
}

impl Recipe {
    pub(super) fn with(release: Debian, more: &[String]) -> Self {
        let mut more = more.to_vec();
        more.sort();
        more.dedup();
        let packages = PACKAGES.iter().map(|name| (*name).to_owned()).chain(more).collect();
        Self { release, packages, sources: sources::of(release) }
    }

    /// What it is kept by.
    pub(super) fn key(&self) -> String {
        let Self { release, packages, sources } = self;
        let release = release.suite();
        let scripts = [FIRST, LAST];
        base::short(Sha256::new().chain_update(format!("{VERSION} {release} {packages:?} {sources:?} {scripts:?}")))
    }
}

/// A finished one.
pub(super) struct Image {
    pub key: String,
    /// Raw, and never written again.
    pub disk: PathBuf,
    pub kernel: PathBuf,
    pub initrd: PathBuf,
}

impl Image {
    pub(super) fn in_folder(folder: &Path, key: &str) -> Self {
        let file = |name: &str| folder.join(name);
        Self { key: key.to_owned(), disk: file("disk.raw"), kernel: file("kernel"), initrd: file("initrd") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_release_and_its_packages_in_whatever_order() {
        let key = |release: Debian, more: &[&str]| {
            let more: Vec<String> = more.iter().map(|name| (*name).to_owned()).collect();
            Recipe { sources: Vec::new(), ..Recipe::with(release, &more) }.key()
        };
        assert_eq!(key(Debian::Bookworm, &["ufw", "acl"]), key(Debian::Bookworm, &["acl", "ufw", "ufw"]));
        assert_ne!(key(Debian::Bookworm, &["acl"]), key(Debian::Bookworm, &[]));
        assert_ne!(key(Debian::Bookworm, &[]), key(Debian::Trixie, &[]));
    }
}
