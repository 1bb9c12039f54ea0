//! `kind = "nfs"`: the head node exports the share, the others mount it.
//!
//! [`check`] refuses before anything is changed; [`export`] and [`mount`] are steps as all others. Between their waves is a
//! barrier: the export stands before anybody mounts it.

mod check;
mod export;
mod mount;

pub use check::{Server, check};
pub use export::step as export;
pub use mount::step as mount;

use std::net::IpAddr;

use crate::{
    facts::{Facts, exports, share::Mount},
    spec::Spec,
};

const FSTAB: &str = "/etc/fstab";
/// Not there by default; its files end in `.exports`.
const EXPORTS: &str = "/etc/exports.d";
/// So it is called by all families of systems.
const UNIT: &str = "nfs-server";

/// What has to be looked at.
pub fn files(spec: &Spec) -> Vec<String> {
    vec![FSTAB.into(), EXPORTS.into(), own_exports(spec)]
}

/// The address at which the kernel goes on asking, where the head node does not have it any more: `addresses` are its own.
fn left_behind(mount: &Mount, addresses: &[IpAddr]) -> Option<IpAddr> {
    mount.asks.filter(|asked| mount.is_nfs() && !addresses.contains(asked))
}

/// What is mounted below the share on the head node, and is an empty folder on the others.
pub fn hidden<'a>(share: &str, facts: &'a Facts) -> impl Iterator<Item = &'a Mount> {
    let exports = facts.nfs.as_ref().map(|nfs| nfs.exports.as_slice()).unwrap_or_default();
    facts.share.below.iter().filter(move |mount| {
        // The kernel knows no links, /etc/exports may.
        let asked = mount.at.strip_prefix(&facts.share.path).map(|rest| format!("{share}{rest}"));
        !exports::bring_along(exports, share, &mount.at)
            && !asked.is_some_and(|at| exports::bring_along(exports, share, &at))
    })
}

/// The file of the head node in which mpiup exports the share.
pub fn own_exports(spec: &Spec) -> String {
    format!("{EXPORTS}/mpiup-{}.exports", spec.name)
}
