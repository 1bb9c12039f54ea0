//! QEMU for the tests on machines that boot: the machine's own, or one that is fetched and unpacked below `target/`.
//!
//! It is not installed: the package has dozens of others, and clashes with a newer `qemu-utils` that a machine may have from
//! elsewhere.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    packages,
    run::{self, quoted},
};

/// The programs, and the packages that have them.
const PROGRAMS: [&str; 2] = ["qemu-system-x86_64", "qemu-img"];
const PACKAGES: [&str; 2] = ["qemu-system-x86", "qemu-utils"];

/// A value for `PATH` with which QEMU is found; `None` where it is already, or cannot be had: then the tests that need it are
/// skipped, and counted.
pub fn path(target: &Path) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    if PROGRAMS.iter().all(|program| run::succeeds(&[program, "--version"])) {
        return None;
    }
    let folder = target.join("qemu");
    let programs = folder.join("bin");
    let work = || PROGRAMS.iter().all(|program| works(&programs.join(program)));
    if !work() {
        run::say("Fetching QEMU for the tests on machines that boot (it is not installed)");
        fetch(&folder, &programs)?;
    }
    work().then(|| format!("{}:{path}", programs.display()))
}

fn works(program: &Path) -> bool {
    run::succeeds(&[&program.display().to_string(), "--version"])
}

fn fetch(folder: &Path, programs: &Path) -> Option<()> {
    let (debs, tree) = (folder.join("debs"), folder.join("tree"));
    fs::create_dir_all(&debs).ok()?;
    fs::create_dir_all(&tree).ok()?;
    fs::create_dir_all(programs).ok()?;
    let wanted = wanted().or_else(|| {
        // A fresh machine has no package lists, which only root may fetch.
        (packages::is_root() && run::run(&["apt-get", "-q", "update"])).then(wanted).flatten()
    })?;
    let in_folder =
        format!("cd {} && apt-get -q -o APT::Sandbox::User=root download {}", quoted(&debs), wanted.join(" "));
    if !run::run(&["sh", "-c", &format!("{in_folder} >/dev/null")]) {
        return None;
    }
    for package in fs::read_dir(&debs).ok()?.flatten().map(|entry| entry.path()) {
        run::run(&["dpkg-deb", "-x", &package.display().to_string(), &tree.display().to_string()]);
    }
    // What is unpacked is all that is needed.
    fs::remove_dir_all(&debs).ok()?;
    PROGRAMS.iter().try_for_each(|program| wrap(&tree, programs, program))
}

/// QEMU's packages and the libraries of theirs that this machine lacks: what apt would install, if it had to.
fn wanted() -> Option<Vec<String>> {
    // An empty status would bring half a system along, and the real one refuses where versions clash: what clashes is left out.
    let status = "sed '/^Package: qemu-/,/^$/d' /var/lib/dpkg/status";
    let simulate = "apt-get -s -q -o Dir::State::status=\"$file\" install --no-install-recommends";
    let script = format!("file=$(mktemp) && {status} >\"$file\" && {simulate} {}; rm -f \"$file\"", PACKAGES.join(" "));
    let wanted = parse(&run::output(&["env", "LC_ALL=C", "sh", "-c", &script])?);
    PACKAGES.iter().all(|package| wanted.iter().any(|name| name.split('=').next() == Some(package))).then_some(wanted)
}

/// `NAME=VERSION` of each line `Inst NAME [OLD] (VERSION …)`, as `apt-get download` takes it.
fn parse(simulated: &str) -> Vec<String> {
    simulated
        .lines()
        .filter_map(|line| {
            let name = line.strip_prefix("Inst ")?.split(' ').next()?;
            let version = line.split_once('(')?.1.split(' ').next()?;
            Some(format!("{name}={version}"))
        })
        .collect()
}

/// A program that finds the libraries, modules and firmware beside it.
fn wrap(tree: &Path, programs: &Path, program: &str) -> Option<()> {
    let firmware =
        if program == "qemu-img" { "" } else { r#" -L "$tree/usr/share/qemu" -L "$tree/usr/share/seabios""# };
    let script = format!(
        "#!/bin/sh\ntree={}\n\
         for folder in \"$tree\"/lib/*-linux-gnu \"$tree\"/usr/lib/*-linux-gnu; do\n    \
         LD_LIBRARY_PATH=$folder${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\ndone\n\
         QEMU_MODULE_DIR=$(echo \"$tree\"/usr/lib/*-linux-gnu/qemu)\nexport LD_LIBRARY_PATH QEMU_MODULE_DIR\n\
         exec \"$tree/usr/bin/{program}\"{firmware} \"$@\"\n",
        quoted(tree)
    );
    let path: PathBuf = programs.join(program);
    fs::write(&path, script).ok()?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_apt_would_install() {
        let simulated = "Reading package lists...\nInst libfdt1 (1.6.1-4+b1 Debian:12.15/oldstable [amd64])\n\
            Inst qemu-system-x86 [1:6.0] (1:7.2+dfsg-7 Debian:12.15/oldstable [amd64]) []\nConf libfdt1 (1.6.1-4+b1 Debian)\n";
        assert_eq!(parse(simulated), ["libfdt1=1.6.1-4+b1", "qemu-system-x86=1:7.2+dfsg-7"]);
    }
}
