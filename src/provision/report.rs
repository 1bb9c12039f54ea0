//! What the shell of `changes/sh` reports: lines of `@ INDEX WORD [TEXT]`. Other lines are noise of commands.

use crate::error::Error;

/// One line of a script's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Begin,
    Say(String),
    /// Somebody else is waited for: a person wants to know whom, also where no line is overwritten.
    Waits(String),
    /// What a change made and others wait for: a public key.
    Value(String),
    /// Complete: made now, was there already, or noted for what comes over another stream.
    Done,
    /// Why `down` cannot finish here yet: what it leaves is its own.
    Held(String),
    /// `down` left it, for the reason that it said before; the journal keeps its entry.
    Kept,
    /// `down` took back what could be; what it said before tells what could not.
    Left,
    Failed,
    /// The change stands under guard, and goes back unless a new log-in confirms it.
    Confirm,
}

/// Begins every script that reports: what errors call it (`node::shell`).
pub const TITLE: &str = "# the changes of this node\n";

/// Why a script came to no end, with what was under way and without the lines of its report.
pub fn cut_off(error: &Error, under_way: &str) -> Error {
    let mut told = Error::failed(error.message());
    if !under_way.is_empty() {
        told = told.because(format!("it was at: {under_way}"));
    }
    for reason in error.reasons() {
        let lines: Vec<&str> = reason.lines().filter(|text| line(text).is_none()).collect();
        told = told.because(lines.join("\n"));
    }
    error.hints().iter().fold(told, |told, hint| told.hinted(hint))
}

/// The index of the change and what became of it.
pub fn line(text: &str) -> Option<(&str, Line)> {
    let mut words = text.strip_prefix("@ ")?.splitn(3, ' ');
    let (index, word, rest) = (words.next()?, words.next()?, words.next().unwrap_or_default());
    let line = match word {
        "begin" => Line::Begin,
        "say" => Line::Say(rest.to_owned()),
        "waits" => Line::Waits(format!("waits {rest}")),
        "value" => Line::Value(rest.to_owned()),
        "done" | "same" | "announced" => Line::Done,
        "held" => Line::Held(rest.to_owned()),
        "kept" => Line::Kept,
        "left" => Line::Left,
        "failed" => Line::Failed,
        "confirm" => Line::Confirm,
        _ => return None,
    };
    Some((index, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_under_way_is_told_and_the_report_is_not() {
        let error = Error::failed("The connection to client2 ended during the changes of this node")
            .because("Timeout, server client2 not responding.\n@ 6 begin\n@ 7 begin")
            .hinted("Check the machine.");
        let told = cut_off(&error, "key /home/mpi/.ssh/mpiup_lab");
        assert_eq!(
            told.reasons(),
            ["it was at: key /home/mpi/.ssh/mpiup_lab", "Timeout, server client2 not responding."]
        );
        assert_eq!((told.message(), told.hints()), (error.message(), error.hints()));
    }

    #[test]
    fn reads_reports_and_passes_over_noise() {
        assert_eq!(line("@ 3 begin"), Some(("3", Line::Begin)));
        assert_eq!(
            line("@ 0004 say Setting up libpmix2 (4.2.2-1)"),
            Some(("0004", Line::Say("Setting up libpmix2 (4.2.2-1)".into())))
        );
        assert_eq!(
            line("@ 0004 waits for process 812 (apt)"),
            Some(("0004", Line::Waits("waits for process 812 (apt)".into())))
        );
        assert_eq!(line("@ 3 announced"), Some(("3", Line::Done)));
        assert_eq!(line("@ 3 held it is in use"), Some(("3", Line::Held("it is in use".into()))));
        assert_eq!(line("Reading package lists..."), None);
        assert_eq!(line("@ 3 other"), None);
    }

    proptest::proptest! {
        #[test]
        fn only_whole_lines_of_ours_are_read(index in "[0-9]{1,4}", text in "\\PC{0,20}", noise in "\\PC{0,20}") {
            let whole = format!("@ {index} say {text}");
            proptest::prop_assert_eq!(line(&whole), Some((index.as_str(), Line::Say(text))));
            if !noise.starts_with("@ ") {
                proptest::prop_assert_eq!(line(&noise), None);
            }
        }
    }
}
