//! Whether the processor's own virtualisation (KVM) can be used: by trying, since there are computers that have
//! `/dev/kvm` and on which a machine that uses it stands still. Software emulation works everywhere, some ten times slower.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{disk, image::Image};
use crate::lab::host::command;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accelerator {
    Kvm,
    Emulation,
}

/// A kernel's first word on its console takes a fraction of a second with KVM.
const DEADLINE: Duration = Duration::from_secs(8);

impl Accelerator {
    pub(super) fn arguments(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Emulation => ["-accel", "tcg", "-cpu", "max"],
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Emulation => "tcg",
        }
    }
}

/// What works with this QEMU on this computer. It is tried once after each of its starts.
pub(super) fn choose(qemu: &str, image: &Image) -> Accelerator {
    let note = Path::new(disk::CACHE).join("accelerator");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let noted = fs::read_to_string(&note).unwrap_or_default();
    let found = match noted.strip_prefix(&boot).map(str::trim) {
        Some("kvm") => return Accelerator::Kvm,
        Some("tcg") => return Accelerator::Emulation,
        _ if kvm_works(qemu, image) => Accelerator::Kvm,
        _ => Accelerator::Emulation,
    };
    // Without the note it is tried again the next time.
    let _ = fs::write(&note, format!("{boot}{}\n", found.name()));
    found
}

/// Boots the image's kernel without a disk, and looks whether it says anything.
fn kvm_works(qemu: &str, image: &Image) -> bool {
    if fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_err() {
        return false;
    }
    let Ok(console) = tempfile::NamedTempFile::new() else { return false };
    let mut qemu = command(qemu);
    qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-m", "256", "-no-reboot"]);
    qemu.args(Accelerator::Kvm.arguments()).arg("-kernel").arg(&image.kernel);
    qemu.args(["-append", "console=ttyS0 panic=-1"]).arg("-serial").arg(format!("file:{}", console.path().display()));
    let child = qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = child else { return false };
    let until = Instant::now() + DEADLINE;
    let speaks = || fs::metadata(console.path()).is_ok_and(|file| file.len() > 0);
    let mut works = speaks();
    while !works && Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        sleep(Duration::from_millis(50));
        works = speaks();
    }
    let _ = child.kill();
    let _ = child.wait();
    works
}
