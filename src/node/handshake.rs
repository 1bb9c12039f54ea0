//! The first words in a new shell: they make every node's shell alike and learn who we are there.

/// What a shell said about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    pub uid: u32,
    pub user: String,
    /// The process group of the shell on the node, for hanging it up; unknown where there is no /proc.
    pub group: Option<u32>,
}

/// Start-up files and pam_env can leave root a path without these.
pub(super) const ROOTS_PATH: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH";

/// Prints a greeting between two lines of `word` (and one such line on standard error), then becomes a plain `sh`
/// that reads scripts. No newline, backslash or `!`, so that it stays readable through every login shell.
pub(super) fn script(word: &str) -> String {
    // A shell that stands in a home directory or a share would keep it from being unmounted: hence `cd /`.
    format!(
        "LC_ALL=C LANG=C LANGUAGE=; export LC_ALL LANG LANGUAGE; {ROOTS_PATH}; \
         unset ENV BASH_ENV CDPATH GREP_OPTIONS; umask 022; cd /; s=; read -r s 2>/dev/null </proc/$$/stat; \
         echo; echo {word}; id -u; id -un; echo \"$s\"; echo {word}; echo >&2; echo {word} >&2; exec sh"
    )
}

/// True once both streams hold the whole greeting.
pub(super) fn complete(word: &str, stdout: &[u8], stderr: &[u8]) -> bool {
    let lines = |bytes: &[u8]| {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes[..whole].split(|byte| *byte == b'\n').filter(|line| *line == word.as_bytes()).count()
    };
    lines(stdout) >= 2 && lines(stderr) >= 1
}

/// Reads the greeting out of whatever start-up files printed around it.
pub(super) fn parse(word: &str, stdout: &[u8]) -> Option<Hello> {
    let text = String::from_utf8_lossy(stdout);
    let mut lines = text.lines().skip_while(|line| *line != word).skip(1);
    let uid = lines.next()?.trim().parse().ok()?;
    let user = lines.next()?.trim().to_owned();
    Some(Hello { uid, user, group: lines.next().and_then(process_group) })
}

/// The fifth field of /proc/PID/stat (proc(5)); the second is a name in parentheses that may hold blanks.
fn process_group(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok().filter(|group| *group > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "2211 (sh) S 2203 2210 2203 34816 2211 4194304 93 0 0 0 0 0 0 0 20 0 1 0 3562 2641920 225";

    #[test]
    fn reads_the_greeting_behind_noise() {
        let stdout = format!("Welcome!\nfortune: m1\nm1\n1000\nana\n{STAT}\nm1\n");
        let hello = parse("m1", stdout.as_bytes()).unwrap();
        assert_eq!(hello, Hello { uid: 1000, user: "ana".into(), group: Some(2210) });
        assert!(complete("m1", stdout.as_bytes(), b"motd\n\nm1\n"));
        assert!(!complete("m1", stdout.trim_end().as_bytes(), b"m1\n"));
        assert!(!complete("m1", stdout.as_bytes(), b""));
    }

    #[test]
    fn no_proc_no_group() {
        assert_eq!(parse("m", b"m\n0\nroot\n\nm\n").unwrap().group, None);
        assert_eq!(parse("m", b"bash: sh: command not found\n"), None);
        assert_eq!(process_group("7 (a (b) c) R 1 42 42"), Some(42));
    }
}
