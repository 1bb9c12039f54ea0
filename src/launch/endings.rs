//! How each rank of a job ended, told by the ranks themselves.
//!
//! Launchers are no witnesses: Open MPI 5 gives the exit code of the rank that failed last, crashes (134) or hangs when a
//! rank ends while others still connect; MPICH waits for ever when a rank leaves without a signal. So every rank's
//! program runs below a few lines of shell that write its end into standard error, and [`Endings`] takes that out again.
//! Not guaranteed: a word from a rank that was killed together with its shell, as launchers do with the rest of a job.

use super::JOB_VARIABLE;

/// Begins a rank's last line. A control character that no text holds; a program that prints it gets it through.
const MARK: u8 = 0x1e;

/// A longer line is none of ours: job, rank, node (at most 255 bytes by DNS) and status.
const LONGEST: usize = 320;

/// `argv` of a rank, below the shell that tells how it ended. [`JOB_VARIABLE`] must be set for the rank.
pub fn telling(argv: &[String]) -> Vec<String> {
    let shell = ["sh", "-c", include_str!("rank.sh"), "rank"].map(str::to_owned);
    shell.into_iter().chain(argv.iter().cloned()).collect()
}

/// The end of one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its number in `MPI_COMM_WORLD`; `-` where the launcher does not tell.
    pub rank: String,
    pub node: String,
    /// As a shell gives it: 128 and the number of a signal.
    pub status: u8,
}

impl Ending {
    /// `rank 3 ended with exit code 5`
    pub fn sentence(&self, program: &str) -> String {
        let rank = &self.rank;
        match self.status {
            126 => format!("rank {rank} could not run `{program}`: it is there, but is not executable (exit code 126)"),
            127 => format!("rank {rank} found no program `{program}` (exit code 127)"),
            status @ 129..=192 => {
                let name = nix::sys::signal::Signal::try_from(i32::from(status) - 128).map_or("", |s| s.as_str());
                format!("rank {rank} was ended by signal {} {name}", status - 128).trim_end().to_owned()
            }
            status => format!("rank {rank} ended with exit code {status}"),
        }
    }
}

/// Takes the ranks' last lines out of a stream.
#[derive(Debug)]
pub struct Endings {
    /// What every such line of this job begins with.
    mark: Vec<u8>,
    held: Vec<u8>,
    all: Vec<Ending>,
    daemons: Option<String>,
}

impl Endings {
    /// Of the job with this id; the lines of others pass.
    pub fn new(job: &str) -> Self {
        debug_assert!(!JOB_VARIABLE.is_empty() && !job.contains(' '));
        Self {
            mark: [&[MARK], format!("mpiup {job} ").as_bytes()].concat(),
            held: Vec::new(),
            all: Vec::new(),
            daemons: None,
        }
    }

    /// Hands on what is no rank's last line, at once: only what may still become one is held back.
    pub fn feed(&mut self, bytes: &[u8], show: &mut dyn FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        loop {
            let at = self.held.iter().position(|byte| *byte == MARK).unwrap_or(self.held.len());
            if at > 0 {
                show(&self.held[..at]);
                self.held.drain(..at);
            }
            let begun = self.held.len().min(self.mark.len());
            if begun == 0 {
                return;
            }
            let ours = self.held[..begun] == self.mark[..begun];
            match self.held.iter().position(|byte| *byte == b'\n') {
                Some(end) if ours && let Some(word) = parse(&self.held[begun..end]) => {
                    match word {
                        Word::Ending(ending) => self.all.push(ending),
                        Word::Daemons(pattern) => self.daemons = Some(pattern),
                    }
                    self.held.drain(..=end);
                }
                None if ours && self.held.len() < LONGEST => return,
                _ => {
                    show(&self.held[..1]);
                    self.held.remove(0);
                }
            }
        }
    }

    /// The stream has ended: what was held back is no line of ours.
    pub fn rest(&mut self, show: &mut dyn FnMut(&[u8])) {
        if !self.held.is_empty() {
            show(&std::mem::take(&mut self.held));
        }
    }

    /// What the launcher's daemons of this run are known by, as the wrapper on the head node told: for the sweep.
    pub fn daemons(&self) -> Option<&str> {
        self.daemons.as_deref()
    }

    /// Ranks that have ended so far.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The first rank that ended with a status other than 0: the one that took the others along.
    pub fn first_failed(&self) -> Option<&Ending> {
        self.all.iter().find(|ending| ending.status != 0)
    }

    /// The job's exit code, from the ranks' own words and what the launcher ended with.
    ///
    /// The first rank that failed decides. When all `ranks` ended well, a launcher that failed at cleaning up does not
    /// make the job a failure.
    pub fn code(&self, ranks: u32, launcher: u8) -> u8 {
        match self.first_failed() {
            Some(failed) => failed.status,
            None if self.all.len() >= ranks as usize => 0,
            None => launcher,
        }
    }
}

enum Word {
    Ending(Ending),
    Daemons(String),
}

/// `RANK NODE STATUS`, or `daemons PATTERN`
fn parse(line: &[u8]) -> Option<Word> {
    let line = std::str::from_utf8(line).ok()?;
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["daemons", pattern] => Some(Word::Daemons(pattern.to_owned())),
        [rank, node, status] => {
            Some(Word::Ending(Ending { rank: rank.to_owned(), node: node.to_owned(), status: status.parse().ok()? }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Command;

    const JOB: &str = "0123456789abcdef";

    fn through(pieces: &[&[u8]]) -> (String, Endings) {
        let (mut endings, mut shown) = (Endings::new(JOB), Vec::new());
        for piece in pieces {
            endings.feed(piece, &mut |bytes| shown.extend_from_slice(bytes));
        }
        endings.rest(&mut |bytes| shown.extend_from_slice(bytes));
        (String::from_utf8(shown).unwrap(), endings)
    }

    #[test]
    fn last_words_are_taken_out_wherever_the_stream_is_cut() {
        let stream = b"Traceback\n half a line\x1empiup 0123456789abcdef 3 client1 5\n of text\x1e, \x1empiup other 1 a 0\n\x1empiup 0123456789abcdef 0 master 0\n";
        let expected = "Traceback\n half a line of text\x1e, \x1empiup other 1 a 0\n";
        for cut in 0..stream.len() {
            let (shown, endings) = through(&[&stream[..cut], &stream[cut..]]);
            assert_eq!(shown, expected, "cut at {cut}");
            let failed = endings.first_failed().unwrap();
            assert_eq!((failed.rank.as_str(), failed.node.as_str(), failed.status), ("3", "client1", 5));
            assert_eq!(endings.count(), 2);
        }
    }

    #[test]
    fn what_never_becomes_a_last_word_is_shown() {
        for text in ["\x1e", "\x1empiup", "\x1empiup 0123456789abcdef x\n", "a\x1e\x1e\n"] {
            let (shown, endings) = through(&[text.as_bytes()]);
            assert_eq!((shown.as_str(), endings.count()), (text, 0));
        }
        let endless = format!("\x1empiup {JOB} {}", "x".repeat(1000));
        assert_eq!(through(&[endless.as_bytes()]).0, endless);
    }

    #[test]
    fn a_beginning_is_not_kept_waiting() {
        let (mut endings, mut shown) = (Endings::new(JOB), Vec::new());
        endings.feed(b"Password: ", &mut |bytes| shown.extend_from_slice(bytes));
        assert_eq!(shown, b"Password: ");
    }

    #[test]
    fn ranks_decide_before_the_launcher_does() {
        let told = |text: &str| through(&[text.replace('#', &format!("\x1empiup {JOB}")).as_bytes()]).1;
        assert_eq!(told("# 1 n 7\n# 0 n 14\n").code(2, 14), 7, "Open MPI 5 gives the last one's");
        assert_eq!(told("# 1 n 0\n# 0 n 0\n").code(2, 134), 0, "crashed while it cleaned up");
        assert_eq!(told("# 1 n 0\n").code(2, 3), 3, "MPI_Abort on a rank that had no time for a word");
        assert_eq!(told("# 1 n 1\n# 0 n 0\n").code(2, 0), 1, "MPICH forgot it");
    }

    #[test]
    fn the_shell_tells_the_status_and_changes_nothing_else() {
        let run = |argv: &[&str]| {
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
            let argv = telling(&argv);
            let command = Command::new(&argv[0]).args(&argv[1..]).stdin("not the rank's");
            let command = command.env(JOB_VARIABLE, JOB).env("PMI_RANK", "4").env("HOME", "/nonexistent");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let output = runtime.block_on(command.output()).unwrap();
            let (stderr, endings) = through(&[output.stderr.as_bytes()]);
            let ending = endings.all.first().cloned().unwrap();
            assert_eq!(ending.rank, "4");
            assert_eq!(Some(i32::from(ending.status)), output.status.code());
            (output.stdout, stderr, ending.status)
        };
        assert_eq!(run(&["cat"]), (String::new(), String::new(), 0));
        assert_eq!(run(&["sh", "-c", "echo out; echo err >&2; exit 7"]), ("out\n".into(), "err\n".into(), 7));
        assert_eq!(run(&["sh", "-c", "kill -9 $$"]), (String::new(), String::new(), 137));
        // A program of this name, not the shell's own word, which would read the backslash.
        assert_eq!(run(&["echo", r"a\tb", ""]).0, "a\\tb \n");
        for nothing in ["no-such-program", "./no-such-program", "/no such program", "--"] {
            assert_eq!(run(&[nothing]), (String::new(), String::new(), 127), "mpiup says it, once");
        }
        let (_, said, status) = run(&["/etc/passwd"]);
        assert!(status == 126 && said.contains("ermission denied"), "{said}");
    }

    #[test]
    fn sentences() {
        let sentence = |status| Ending { rank: "3".into(), node: "client1".into(), status }.sentence("./a.out");
        assert_eq!(sentence(5), "rank 3 ended with exit code 5");
        assert_eq!(sentence(139), "rank 3 was ended by signal 11 SIGSEGV");
        assert_eq!(sentence(127), "rank 3 found no program `./a.out` (exit code 127)");
        assert_eq!(sentence(255), "rank 3 ended with exit code 255");
    }
}
