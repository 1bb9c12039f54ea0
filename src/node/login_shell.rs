//! One command line that every login shell reads the same way.
//!
//! sshd hands a command to the user's login shell, which may be bash, zsh, fish, tcsh or dash. They agree on plain words,
//! on single quotes and on `\'` outside of them; they differ, inside single quotes, on `\` (fish), `!` and newlines (csh).

use super::sudo::Passage;
use crate::quote;

/// Runs `script` in a POSIX `sh` in place of the login shell, with the rights to which `passage` leads.
/// A command line of more than 128 KiB is more than Linux takes in one argument.
pub(super) fn command(script: &str, passage: &Passage<'_>) -> String {
    let script = portable(&passage.script(script));
    format!("exec {}", quote::words([passage.command(), vec!["sh", "-c", &script]].concat()))
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
    use crate::node::sudo::{Rights, Sudo};

    #[test]
    fn simple_scripts_stay_readable() {
        let command = |script: &str, rights: Rights| command(script, &Passage::new(&rights));
        assert_eq!(command("uname -r", Rights::Own), "exec sh -c 'uname -r'");
        assert_eq!(command("echo 'a b'", Rights::Sudo(Sudo::default())), r"exec sudo -n -- sh -c 'echo '\''a b'\'''");
    }

    #[test]
    fn what_shells_read_differently_is_packed() {
        let line = command("echo '!'\nprintf '\\n'", &Passage::new(&Rights::Own));
        assert!(!line.contains(['!', '\n']), "{line}");
        assert!(line.starts_with("exec sh -c 'eval \"$(printf %b \"echo \\0047\\0041"), "{line}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { cases: 3, ..Default::default() })]
        /// Whatever stands in a script, every login shell hands it to `sh` as it is.
        #[test]
        fn scripts_pass_every_login_shell(words in proptest::collection::vec("[ -~]{0,9}|['\"\\\\$`!\n\t~^]{0,6}|\\PC{0,6}", 40)) {
            let line = command(&format!("printf '%s\\0' {}", quote::words(&words)), &Passage::new(&Rights::Own));
            let expected: String = words.iter().map(|word| format!("{word}\0")).collect();
            for shell in [&["sh"][..], &["dash"], &["bash"], &["zsh"], &["fish"], &["tcsh"], &["busybox", "sh"]] {
                #[allow(clippy::disallowed_methods, reason = "the shells themselves are under test")]
                let output = std::process::Command::new(shell[0]).args(&shell[1..]).args(["-c", &line]).output();
                if let Ok(output) = output {
                    proptest::prop_assert_eq!(&String::from_utf8_lossy(&output.stdout), &expected, "{:?}", shell);
                }
            }
        }
    }
}
