//! How the person at this terminal calls mpiup as root: what a hint says can then be typed as it stands.

use std::path::Path;

use crate::quote;

/// `mpiup`, with its path where root would not find it, and with `sudo` where this person uses it.
pub fn mpiup() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "mpiup".into());
    format!("{}{}", sudo(), name_for_root(&program))
}

/// `sudo ` for whoever is not root by login.
pub fn sudo() -> &'static str {
    let root = nix::unistd::geteuid().is_root();
    if root && std::env::var_os("SUDO_USER").is_none() { "" } else { "sudo " }
}

/// sudo looks only in the directories of its `secure_path`, which are these on Debian (sudoers(5)).
fn name_for_root(program: &Path) -> String {
    let known = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let found = program.parent().is_some_and(|directory| known.iter().any(|known| directory == Path::new(known)));
    if found { "mpiup".to_owned() } else { quote::sh(&program.to_string_lossy()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_somebodys_home_is_called_by_its_path() {
        assert_eq!(name_for_root(Path::new("/usr/local/bin/mpiup")), "mpiup");
        assert_eq!(name_for_root(Path::new("/home/ana/.cargo/bin/mpiup")), "/home/ana/.cargo/bin/mpiup");
        assert_eq!(name_for_root(Path::new("/home/ana/my tools/mpiup")), "'/home/ana/my tools/mpiup'");
    }
}
