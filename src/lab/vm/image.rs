//! The disk from which machines start: Debian as an ordinary installation has it, made out of packages once, and kept by what
//! it is made of.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{disk, image_build, sources};
use crate::{
    error::{Error, Result},
    lab::{base, watch::Watch},
};

/// Raised when the same recipe comes out differently.
const VERSION: &str = "1";
/// The release of Debian's that machines have.
const RELEASE: &str = "bookworm";

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

/// What goes in.
pub(super) struct Recipe {
    pub release: &'static str,
    pub packages: Vec<String>,
    /// Lines for apt; none for mmdebstrap's own choice.
    pub sources: Vec<String>,
}

impl Recipe {
    pub(super) fn with(more: &[String]) -> Self {
        let mut more = more.to_vec();
        more.sort();
        more.dedup();
        let packages = PACKAGES.iter().map(|name| (*name).to_owned()).chain(more).collect();
        Self { release: RELEASE, packages, sources: sources::of(RELEASE) }
    }

    fn key(&self) -> String {
        let Self { release, packages, sources } = self;
        let scripts = [image_build::FIRST, image_build::LAST];
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

/// The image with these packages beyond the usual ones, built first if need be.
///
/// # Errors
/// When it cannot be built, or nobody wants it any more.
pub(super) fn ensure(watch: &Watch, more: &[String], report: &mut dyn FnMut(&str)) -> Result<Image> {
    if let Some(odd) = more.iter().find(|package| !base::is_package(package)) {
        return Err(Error::usage(format!("{odd:?} cannot be the name of a package")));
    }
    let recipe = Recipe::with(more);
    let key = recipe.key();
    disk::make_folder(Path::new(disk::CACHE))?;
    let images = Path::new(disk::CACHE).join("images");
    let folder = images.join(&key);
    disk::make_folder(&images)?;
    let _lock = base::lock(watch, &images, report)?;
    if !folder.exists() {
        report("Making the disk of the machines, once: Debian out of its packages, a minute or two");
        image_build::run(watch, &recipe, &folder, report)?;
    }
    Ok(Image::in_folder(&folder, &key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_packages_in_whatever_order() {
        let recipe = |more: &[&str]| Recipe {
            sources: Vec::new(),
            ..Recipe::with(&more.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(recipe(&["ufw", "acl"]).key(), recipe(&["acl", "ufw", "ufw"]).key());
        assert_ne!(recipe(&["acl"]).key(), recipe(&[]).key());
    }
}
