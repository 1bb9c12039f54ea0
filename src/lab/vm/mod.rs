//! Machines that boot: each one a virtual machine of QEMU with a kernel, an init and a disk of its own, for what a
//! namespace cannot show: services, reboots, kernel NFS, packages.
//!
//! They stand in the same place as the other kind: the lab's network namespace, where they have the same addresses, are
//! reached by the same ssh configuration, and fetch packages through the same relay; no port of this computer is open.
//! Their disks are thin layers over a cached image, and they are gone with the process that runs them.
//!
//! The first start boots them and keeps what they are then; later ones go on from there within seconds. Names, keys and
//! passwords are a lab's own: they come over the guest agent, and are in no image and no saved state.

mod accelerator;
mod agent;
mod boot;
mod debian;
mod disk;
mod handle;
mod identity;
mod image;
mod image_build;
mod monitor;
mod qemu;
mod saved;
mod socket;
mod sources;
mod start;

pub use debian::Debian;
pub use handle::Power;

pub(super) use disk::remove_leftovers;
pub(super) use handle::{run, runs};
pub(super) use identity::ADMIN;
pub(super) use identity::password_file;
pub(super) use qemu::{Sockets, missing};
pub(super) use start::all;
