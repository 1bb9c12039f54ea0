//! Machines that have booted, as they were right after: later labs go on from there, and need seconds where a start takes a
//! minute. A saved machine has no name, no keys and no password; each place of a lab has one of its own, so that no two
//! machines of a lab have the same start, hardware address or machine id.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{
    accelerator::Accelerator,
    boot::{self, Booting},
    disk,
    image::Image,
    qemu::{self, Hardware},
};
use crate::{
    error::{Context, Result},
    lab::{base, start::Cables, watch::Watch},
};

/// Raised when machines are wired differently.
const VERSION: &str = "1";
/// For services that start at leisure.
const SETTLES: Duration = Duration::from_secs(300);

pub(super) struct Saved {
    /// qcow2, and never written again.
    pub disk: PathBuf,
    pub memory: PathBuf,
}

impl Saved {
    fn of(folder: &Path, place: usize) -> Self {
        Self { disk: folder.join(format!("{place}.qcow2")), memory: folder.join(format!("{place}.memory")) }
    }

    fn exists(&self) -> bool {
        self.disk.exists() && self.memory.exists()
    }
}

/// The saved machines for these places; those that are not there yet are booted, side by side.
///
/// # Errors
/// When one does not boot, or nobody wants them any more.
pub(super) fn ensure(
    watch: &Watch,
    image: &Image,
    accelerator: Accelerator,
    places: &[usize],
    cables: &mut Cables,
    sockets: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<Vec<Saved>> {
    let folder = disk::saved().join(key(image, accelerator)?);
    note_use(watch, &folder, report)?;
    let _lock = base::lock(watch, &folder, report)?;
    let missing: Vec<usize> = places.iter().copied().filter(|place| !Saved::of(&folder, *place).exists()).collect();
    if !missing.is_empty() {
        let how = if accelerator == Accelerator::Kvm { "" } else { ", without KVM" };
        report(&format!("Booting {} machines, once{how}: later labs go on from there", missing.len()));
        boot_and_save(watch, image, accelerator, &missing, cables, sockets, &folder)?;
    }
    Ok(places.iter().map(|place| Saved::of(&folder, *place)).collect())
}

/// The lock of the images is what keeps it from being removed as forgotten.
fn note_use(watch: &Watch, folder: &Path, report: &mut dyn FnMut(&str)) -> Result<()> {
    let _images = base::lock(watch, &disk::images(), report)?;
    disk::make_folder(folder)?;
    disk::note_use(folder)
}

/// A memory fits only the QEMU, the processor and the disk that it was saved with.
fn key(image: &Image, accelerator: Accelerator) -> Result<String> {
    let processor = match accelerator {
        Accelerator::Emulation => String::new(),
        Accelerator::Kvm => {
            let all = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            all.lines().filter(|line| line.starts_with("model name") || line.starts_with("flags")).take(2).collect()
        }
    };
    let parts = format!("{VERSION} {} {} {processor} {}", image.key, accelerator.name(), qemu::version()?);
    Ok(base::short(Sha256::new().chain_update(parts)))
}

fn boot_and_save(
    watch: &Watch,
    image: &Image,
    accelerator: Accelerator,
    places: &[usize],
    cables: &mut Cables,
    sockets: &Path,
    folder: &Path,
) -> Result<()> {
    let draft = folder.join("partial");
    // What a start that was stopped has left.
    let _ = fs::remove_dir_all(&draft);
    disk::make_folder(&draft)?;
    let mut booting = Vec::new();
    for place in places {
        let layer = Saved::of(&draft, *place).disk;
        disk::layer(&image.disk, "raw", &layer)?;
        let name = first_start(*place);
        let hardware = Hardware { name: &name, place: *place, image, disk: &layer, folder: sockets, waits: false };
        booting.push((*place, boot::start(watch, &hardware, accelerator, cables)?));
    }
    for (place, machine) in booting {
        save(watch, machine, sockets, &Saved::of(&draft, place), &Saved::of(folder, place))?;
    }
    for place in places {
        qemu::remove_files(sockets, &first_start(*place));
    }
    fs::remove_dir(&draft).context(|| format!("cannot remove {}", draft.display()))
}

/// Its name on this side, until it is a lab's.
fn first_start(place: usize) -> String {
    format!("first-start-{place}")
}

fn save(watch: &Watch, mut machine: Booting, sockets: &Path, draft: &Saved, saved: &Saved) -> Result<()> {
    let mut agent = machine.agent(watch, sockets)?;
    // It has host keys only in a lab, and so its sshd has not started: that it is "degraded" is right.
    agent.script("systemctl is-system-running --wait >/dev/null || :; sync", SETTLES)?;
    drop(agent);
    machine.monitor.save_to(&draft.memory)?;
    // Its disk is complete: QEMU has let go of it.
    drop(machine);
    let keep = |from: &Path, to: &Path| fs::rename(from, to).context(|| format!("cannot name {}", to.display()));
    keep(&draft.disk, &saved.disk)?;
    keep(&draft.memory, &saved.memory)
}
