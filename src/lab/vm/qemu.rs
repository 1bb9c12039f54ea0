//! The program QEMU: what is needed of it on this computer, and how one machine is started.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::{
        fd::AsFd,
        unix::{fs::OpenOptionsExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    sched::CloneFlags,
    unistd::{dup2_stderr, dup2_stdout},
};
use serde::{Deserialize, Serialize};

use super::{accelerator::Accelerator, image::Image};
use crate::{
    error::{Context, Error, Result},
    lab::{
        child::{self, Child},
        host::{self, command},
    },
};

pub(super) const PROGRAM: &str = "qemu-system-x86_64";

/// A program that this needs, where Debian puts it, and its package.
const PROGRAMS: [(&str, &str); 4] =
    [(PROGRAM, "qemu-system-x86"), ("qemu-img", "qemu-utils"), ("mmdebstrap", "mmdebstrap"), ("mke2fs", "e2fsprogs")];

/// Fails when this computer lacks something that virtual machines need, and names the packages.
pub(in crate::lab) fn missing() -> Result<()> {
    if std::env::consts::ARCH != "x86_64" {
        return Err(Error::failed(format!(
            "machines that boot are made for x86_64 computers, and this one is {}",
            std::env::consts::ARCH
        ))
        .hinted(format!("Machines without a kernel of their own run here: {} lab up 3", crate::lab::mpiup())));
    }
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, _)| !is_there(program)).collect();
    if !missing.is_empty() {
        let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
        let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
        return Err(Error::failed(format!(
            "machines that boot need {}, which this computer lacks",
            programs.join(", ")
        ))
        .hinted(format!(
            "Install it, on Debian and Ubuntu: sudo apt-get install --no-install-recommends {}",
            packages.join(" ")
        )));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Err(Error::failed("this kernel has no /dev/net/tun, through which virtual machines are connected")
            .hinted("Try: sudo modprobe tun"));
    }
    Ok(())
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).any(|folder| folder.join(program).is_file())
}

/// What `--version` says: a saved machine goes on only in the QEMU that saved it.
pub(super) fn version() -> Result<String> {
    let output = host::run(command(PROGRAM).arg("--version"))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// The two ways to a running machine beside its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lab) struct Sockets {
    pub monitor: PathBuf,
    pub agent: PathBuf,
}

impl Sockets {
    pub(super) fn of(folder: &Path, machine: &str) -> Self {
        Self { monitor: folder.join(format!("{machine}.monitor")), agent: folder.join(format!("{machine}.agent")) }
    }
}

/// One machine, as far as QEMU is told about it.
pub(super) struct Hardware<'a> {
    pub name: &'a str,
    pub place: usize,
    pub image: &'a Image,
    /// A qcow2 layer that is the machine's own.
    pub disk: &'a Path,
    /// Where sockets, console and log go.
    pub folder: &'a Path,
    /// To stand still until a saved memory is given to it.
    pub waits: bool,
}

const MEMORY_MIB: &str = "1024";

/// The name of the machine's cable on this side.
pub(super) fn tap(place: usize) -> String {
    format!("node{place}")
}

/// Starts it in the caller's network namespace; it ends when the caller does.
pub(super) fn start(hardware: &Hardware<'_>, accelerator: Accelerator) -> Result<Child> {
    let log_path = hardware.folder.join(format!("{}.log", hardware.name));
    let log = private(&log_path)?;
    // The console may show what the machine thinks to be its own business.
    private(&hardware.folder.join(format!("{}.console", hardware.name)))?;
    let mut qemu = arguments(hardware, accelerator);
    qemu.stdin(Stdio::null());
    let body: child::Body<'_> = Box::new(|| {
        if dup2_stdout(&log).and_then(|()| dup2_stderr(&log)).is_err() {
            return 1;
        }
        // Returns only when there is no such program.
        let error = qemu.exec();
        let _ = writeln!(&log, "cannot start {PROGRAM}: {error}");
        1
    });
    child::spawn(c"mpiup-qemu", CloneFlags::empty(), &[log.as_fd()], body)
}

/// What QEMU wrote when it ended by itself.
pub(super) fn last_words(folder: &Path, machine: &str) -> String {
    let log = fs::read_to_string(folder.join(format!("{machine}.log"))).unwrap_or_default();
    host::last_lines(&log, 6)
}

/// Takes away what belonged to a machine that has ended.
pub(super) fn remove_files(folder: &Path, machine: &str) {
    for kind in ["agent", "console", "log", "monitor"] {
        // All of the folder goes with the lab.
        let _ = fs::remove_file(folder.join(format!("{machine}.{kind}")));
    }
}

fn private(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .context(|| format!("cannot write {}", path.display()))
}

fn arguments(hardware: &Hardware<'_>, accelerator: Accelerator) -> Command {
    let Hardware { name, place, image, disk, folder, waits } = hardware;
    let Sockets { monitor, agent } = Sockets::of(folder, name);
    let mut qemu = command(PROGRAM);
    qemu.args(["-name", name, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"]);
    qemu.args(accelerator.arguments()).args(["-smp", "1", "-m", MEMORY_MIB, "-rtc", "base=utc"]);
    qemu.arg("-kernel").arg(&image.kernel).arg("-initrd").arg(&image.initrd);
    qemu.args(["-append", "root=/dev/vda rw console=ttyS0 quiet"]);
    // A crash of this computer takes the machine along, so nothing has to be safe from that.
    qemu.arg("-drive").arg(format!("file={},if=virtio,format=qcow2,cache=unsafe", option(disk)));
    qemu.args(["-netdev", &format!("tap,id=lan,ifname={},script=no,downscript=no", tap(*place))]);
    qemu.args(["-device", &format!("virtio-net-pci,netdev=lan,mac={},romfile=", hardware_address(*place))]);
    qemu.args(["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]);
    qemu.arg("-chardev").arg(format!("socket,id=agent,path={},server=on,wait=off", option(&agent)));
    qemu.args(["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]);
    qemu.arg("-chardev").arg(format!("socket,id=monitor,path={},server=on,wait=off", option(&monitor)));
    qemu.args(["-mon", "chardev=monitor,mode=control"]);
    qemu.arg("-chardev")
        .arg(format!("file,id=console,append=on,path={}", option(&folder.join(format!("{name}.console")))));
    qemu.args(["-serial", "chardev:console"]);
    // A machine that is off can be switched on again.
    qemu.arg("-no-shutdown");
    if *waits {
        qemu.args(["-incoming", "defer"]);
    }
    qemu
}

/// In QEMU's options a comma ends a value, unless it is doubled.
fn option(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// Of the range that is for local use; the same place has the same one in every lab, since labs do not meet.
fn hardware_address(place: usize) -> String {
    let [.., high, low] = place.to_be_bytes();
    format!("52:54:00:77:{high:02x}:{low:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_an_address_of_its_own() {
        assert_eq!(hardware_address(0), "52:54:00:77:00:00");
        assert_eq!(hardware_address(258), "52:54:00:77:01:02");
        assert_eq!(option(Path::new("/a,b")), "/a,,b");
    }
}
