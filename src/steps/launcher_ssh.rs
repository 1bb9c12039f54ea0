//! The ssh that MPI's launcher uses where plain ssh would not do, and the shells for which it does not.
//!
//! Open MPI writes the command for the other nodes in the language of the head node's login shell, and knows bash, zsh,
//! ksh and csh. `ssh.sh` lets every node's `sh` read it.

use super::{Cluster, Member, write};
use crate::changes::{Change, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let path = path(cluster);
    let why =
        "ssh for MPI's launcher: any login shell will do, and what start-up files print is no output of a program";
    write::user_file(cluster, member, Wave::Mesh, (&path, "755"), include_str!("ssh.sh").to_owned(), why)
        .into_iter()
        .collect()
}

/// The same on every node.
pub fn path(cluster: &Cluster) -> String {
    format!("{}/ssh", cluster.layout.own)
}

/// True when plain ssh starts no program of the cluster on some node: its shell speaks another language, or reads no file
/// in which the path to the programs could stand.
pub fn is_needed(cluster: &Cluster) -> bool {
    cluster.members.iter().any(|member| !matches!(member.shell(), "bash" | "zsh"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use crate::process::Command;

    /// The command as Open MPI writes it for bash, for csh, and one with every character that shells read differently.
    const COMMANDS: [(&str, &str); 3] = [
        ("A_B=/x y=1; export A_B;echo $A_B \"two  words\" >&2", "/x two  words\n"),
        (
            "setenv A_B /x;if ( $?LD_L == 1 ) set have;if ( $?LD_L == 0 ) setenv LD_L /l;if ( $?have == 1 ) setenv LD_L /l:$LD_L;echo $A_B $LD_L >&2",
            "/x /l\n",
        ),
        ("printf '%s\\n' 'it'\\''s !' \\\\ >&2\necho ñ >&2", "it's !\n\\\nñ\n"),
    ];

    #[test]
    fn the_launchers_command_means_the_same_to_every_login_shell() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, fake) = (folder.path().join("agent"), folder.path().join("ssh"));
        fs::write(&ours, include_str!("ssh.sh")).unwrap();
        for shell in ["sh", "bash", "zsh", "fish", "tcsh", "dash", "busybox sh"] {
            let program = shell.split(' ').next().unwrap_or(shell);
            if !["/bin", "/usr/bin"].iter().any(|place| std::path::Path::new(place).join(program).exists()) {
                continue;
            }
            // As sshd: the last word goes to the login shell.
            fs::write(
                &fake,
                format!("#!/bin/sh\n[ \"$1 $2 $3\" = '-x -- host' ] || exit 9\necho noise\nexec {shell} -c \"$4\"\n"),
            )
            .unwrap();
            fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
            for (command, said) in COMMANDS {
                let script = format!("PATH={}:$PATH; export PATH; exec sh \"$@\"", folder.path().display());
                let ours = ours.to_string_lossy();
                let output = Command::new("sh")
                    .args(["-c", &script, "sh", &ours, "-x", "host", command])
                    .env("HOME", folder.path())
                    .run_blocking()
                    .unwrap();
                assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", said), "{shell}: {command}");
            }
        }
    }
}
