//! Lines that launchers print though nothing is wrong, left out of what a person sees.
//!
//! Only whole lines that match to the last character are taken away; everything else passes, a beginning of a line at
//! once unless it may still become such a line.

/// Open MPI's launcher and its child both set the child's group, and the slower one complains
///: harmless, and frequent.
const SETPGID: [&str; 2] = ["plm:rsh: Warning: setpgid(", "plm:ssh: Warning: setpgid("];

/// What MPICH's launcher and its daemons begin their own messages with; all they say while a job is being ended is that
/// it is being ended.
const HYDRA: [&str; 2] = ["[mpiexec@", "[proxy:"];

/// A line of this length is no such line.
const LONGEST: usize = 400;

/// The filter of one stream.
#[derive(Debug, Default)]
pub struct Noise {
    held: Vec<u8>,
    /// What was shown last is the beginning of a line.
    within_line: bool,
    ending: bool,
}

impl Noise {
    /// From now on the job is being ended.
    pub fn job_is_ending(&mut self) {
        self.ending = true;
    }

    pub fn feed(&mut self, bytes: &[u8], show: &mut dyn FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let whole = piece.ends_with(b"\n");
            if self.within_line {
                show(piece);
                self.within_line = !whole;
                continue;
            }
            self.held.extend_from_slice(piece);
            let line = std::mem::take(&mut self.held);
            match self.judge(&line) {
                Verdict::Noise if whole => {}
                Verdict::Noise | Verdict::Undecided if !whole && line.len() < LONGEST => self.held = line,
                _ => {
                    show(&line);
                    self.within_line = !whole;
                }
            }
        }
    }

    /// The stream has ended.
    pub fn rest(&mut self, show: &mut dyn FnMut(&[u8])) {
        if !self.held.is_empty() {
            show(&std::mem::take(&mut self.held));
        }
    }

    fn judge(&self, line: &[u8]) -> Verdict {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\n');
        let hydra = HYDRA.iter().map(|begin| begins(line, begin)).max().unwrap_or(Verdict::Other);
        if self.ending && hydra != Verdict::Other {
            return hydra;
        }
        setpgid(line)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Other,
    /// More of the line has to be seen.
    Undecided,
    Noise,
}

fn begins(line: &str, begin: &str) -> Verdict {
    if line.starts_with(begin) {
        Verdict::Noise
    } else if begin.starts_with(line) {
        Verdict::Undecided
    } else {
        Verdict::Other
    }
}

/// `[master:01617] plm:ssh: Warning: setpgid(1622,1622) failed in parent with errno=Permission denied(13)`
fn setpgid(line: &str) -> Verdict {
    let Some(rest) = line.strip_prefix('[') else { return begins(line, "[") };
    let name = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let Some((who, said)) = rest.split_once(']') else {
        return if rest.chars().all(name) { Verdict::Undecided } else { Verdict::Other };
    };
    if !who.chars().all(name) || !who.contains(':') {
        return Verdict::Other;
    }
    let said = if said.is_empty() { return Verdict::Undecided } else { said.trim_start() };
    SETPGID.iter().map(|begin| begins(said, begin)).max().unwrap_or(Verdict::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: &str =
        "[master:01617] plm:ssh: Warning: setpgid(1622,1622) failed in parent with errno=Permission denied(13)\n";

    fn through(noise: &mut Noise, stream: &str, cut: usize) -> String {
        let mut shown = Vec::new();
        noise.feed(&stream.as_bytes()[..cut], &mut |bytes| shown.extend_from_slice(bytes));
        noise.feed(&stream.as_bytes()[cut..], &mut |bytes| shown.extend_from_slice(bytes));
        noise.rest(&mut |bytes| shown.extend_from_slice(bytes));
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn the_warning_goes_and_all_else_stays_wherever_the_stream_is_cut() {
        let stream = format!("[1, 2]\n{WARNING}text {WARNING}[a:1] other\n\n[master:7] plm:ssh: Warning\nend");
        let expected = format!("[1, 2]\ntext {WARNING}[a:1] other\n\n[master:7] plm:ssh: Warning\nend");
        for cut in 0..stream.len() {
            assert_eq!(through(&mut Noise::default(), &stream, cut), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_prompt_is_shown_at_once() {
        for prompt in ["name? ", "[y/N] ", "[##"] {
            let mut shown = Vec::new();
            Noise::default().feed(prompt.as_bytes(), &mut |bytes| shown.extend_from_slice(bytes));
            assert_eq!(shown, prompt.as_bytes());
        }
    }

    #[test]
    fn what_mpich_says_of_a_job_that_is_being_ended() {
        let said = "[mpiexec@master] HYDU_sock_write (/x/sock.c:250): write error (Bad file descriptor)\n[proxy:1@client1] x\nmine\n";
        assert_eq!(through(&mut Noise::default(), said, 3), said);
        let mut noise = Noise::default();
        noise.job_is_ending();
        assert_eq!(through(&mut noise, said, 3), "mine\n");
    }
}
