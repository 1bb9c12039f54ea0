//! An sshd for the tests of the transport, on machines that have none: fetched and unpacked below `target/`, never installed.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    packages,
    run::{self, quoted},
};

/// Names the program to the tests.
pub const VARIABLE: &str = "MPIUP_TEST_SSHD";

/// The package, and the library of its that a machine without it usually lacks.
const PACKAGES: [&str; 2] = ["openssh-server", "libwrap0"];

/// The path of an sshd that can be started; `None` where the machine has its own, or none can be had: then the tests that
/// need one are skipped, and counted.
pub fn program(target: &Path) -> Option<String> {
    if Path::new("/usr/sbin/sshd").exists() || std::env::var_os(VARIABLE).is_some() {
        return None;
    }
    let folder = target.join("sshd");
    let program = folder.join("sshd");
    if !works(&program) {
        run::say("Fetching an sshd for the tests of the transport (it is not installed)");
        fetch(&folder, &program)?;
    }
    works(&program).then(|| program.display().to_string())
}

/// Old versions do not know `-V`, but say who they are all the same.
fn works(program: &Path) -> bool {
    run::succeeds(&["sh", "-c", &format!("{} -V 2>&1 | grep -q ^OpenSSH", quoted(program))])
}

fn fetch(folder: &Path, program: &Path) -> Option<()> {
    let tree = folder.join("tree");
    fs::create_dir_all(&tree).ok()?;
    let in_folder =
        format!("cd {} && apt-get -q -o APT::Sandbox::User=root download {}", quoted(folder), PACKAGES.join(" "));
    let download = || run::run(&["sh", "-c", &in_folder]);
    // A fresh machine has no package lists, which only root may fetch.
    let after_update = || packages::is_root() && run::run(&["apt-get", "-q", "update"]) && download();
    if !(download() || after_update()) {
        return None;
    }
    for package in archives(folder) {
        run::run(&["dpkg-deb", "-x", &package.display().to_string(), &tree.display().to_string()]);
    }
    // sshd starts itself anew by its own path, with this environment; sessions get one of their own.
    let script = format!(
        "#!/bin/sh\ntree={}\nLD_LIBRARY_PATH=$(echo \"$tree\"/usr/lib/*-linux-gnu*) exec \"$tree/usr/sbin/sshd\" \"$@\"\n",
        quoted(&tree)
    );
    fs::write(program, script).ok()?;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).ok()
}

fn archives(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "deb")).collect()
}
