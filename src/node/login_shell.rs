//! One command line that every login shell reads the same way.
//!
//! sshd hands a command to the user's login shell, which may be bash, zsh, fish, tcsh or dash. They agree on plain words,
//! on single quotes and on `\'` outside of them; they differ, inside single quotes, on `\` (fish), `!` and newlines (csh).

use crate::quote;

/// Runs `script` in a POSIX `sh` in place of the login shell, as root through `sudo -n` if `elevated`.
/// A command line of more than 128 KiB is more than Linux takes in one argument.
pub(super) fn command(script: &str, elevated: bool) -> String {
    format!("exec {}", quote::words(argv(&portable(script), elevated)))
}

/// The same as words, for a place where no login shell stands between.
pub(super) fn argv(script: &str, elevated: bool) -> Vec<&str> {
    let sudo: &[&str] = if elevated { &["sudo", "-n", "--"] } else { &[] };
    [sudo, &["sh", "-c", script]].concat()
}

/// The script itself where all shells agree on it; otherwise one that unpacks it from octal digits.
fn portable(script: &str) -> String {
    if !script.contains(['\\', '!', '\n']) {
        return script.to_owned();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-./:=,+;()<>&|*?[]{}#~^@".contains(&byte);
    let packed: String =
        script.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { octal(byte) }).collect();
    // Inside sh's double quotes the digits' backslashes stay as they are, and printf's %b reads `\0ooo`.
    // sh goes by the exit status of eval's last command, as if the script itself had been given.
    format!("eval \"$(printf %b \"{packed}\")\"")
}

fn octal(byte: u8) -> String {
    format!("\\0{byte:03o}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_scripts_stay_readable() {
        assert_eq!(command("uname -r", false), "exec sh -c 'uname -r'");
        assert_eq!(command("echo 'a b'", true), r"exec sudo -n -- sh -c 'echo '\''a b'\'''");
    }

    #[test]
    fn what_shells_read_differently_is_packed() {
        let line = command("echo '!'\nprintf '\\n'", false);
        assert!(!line.contains(['!', '\n']), "{line}");
        assert!(line.starts_with("exec sh -c 'eval \"$(printf %b \"echo \\0047\\0041"), "{line}");
    }
}
