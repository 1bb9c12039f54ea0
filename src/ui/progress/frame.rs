//! The lines that the display shows, as pure functions of what is known: testable without a terminal.

use std::time::Duration;

use super::state::{Doing, Outcome, State};
use crate::ui::{clip, humane, paint, style, visible, width};

/// Up to so many nodes have a line each; more are counted.
const LINES: usize = 12;
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The display at time `now`, none of its lines wider than `columns`.
pub fn lines(state: &State, now: Duration, columns: usize) -> Vec<String> {
    let spinner = SPINNER[(now.as_millis() / 100) as usize % SPINNER.len()];
    let count = tally(state).map(|tally| format!(": {tally}")).unwrap_or_default();
    let head = clip(&format!("{}{count}{}", state.title, time(state, now)), columns.saturating_sub(2));
    let mut lines = vec![format!("{spinner} {}", paint(style::HEADING, &head))];
    let shown: Vec<&(String, Doing)> =
        if state.nodes.len() <= LINES { state.nodes.iter().collect() } else { state.events.iter().collect() };
    let names = shown.iter().map(|(node, _)| width(node)).max().unwrap_or(0).min(columns / 2);
    for (node, doing) in shown {
        let (mark, text) = words(doing);
        let name = clip(node, names);
        let name = format!("{name}{}", " ".repeat(names - width(&name)));
        lines.push(format!("  {mark} {name}  {}", clip(&text, columns.saturating_sub(names + 6))));
    }
    lines
}

/// One line when all is over.
pub fn closing(state: &State, now: Duration) -> String {
    let failed = state.count(|doing| matches!(doing, Doing::Ended(Outcome::Failed(_))));
    let open = state.count(|doing| !matches!(doing, Doing::Ended(_)));
    let mark = match (failed, open) {
        (0, 0) => paint(style::GOOD, "✓ "),
        (0, _) => String::new(),
        _ => paint(style::BAD, "✗ "),
    };
    let mut parts: Vec<String> = tally(state).into_iter().collect();
    if open > 0 {
        parts.push(format!("{open} not finished"));
    }
    let sum = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{mark}{}{sum}{}", state.title, time(state, now))
}

/// A line for each node that failed.
pub fn failures(state: &State) -> Vec<String> {
    let failed = |(node, doing): &(String, Doing)| match doing {
        Doing::Ended(outcome) if outcome.reason().is_some() => {
            Some(format!("{} {}", paint(style::BAD, "✗"), ended(node, outcome)))
        }
        _ => None,
    };
    state.nodes.iter().filter_map(failed).collect()
}

/// How `node` ended, in words.
pub fn ended(node: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => format!("{node}: done"),
        Outcome::Same => format!("{node}: nothing to change"),
        Outcome::Failed(reason) => format!("{node}: failed: {}", one_line(reason)),
    }
}

fn words(doing: &Doing) -> (String, String) {
    match doing {
        Doing::Waiting => (paint(style::DIM, "·"), "waiting".to_owned()),
        Doing::Working(doing) => ("→".to_owned(), one_line(doing)),
        Doing::Ended(Outcome::Done) => (paint(style::GOOD, "✓"), "done".to_owned()),
        Doing::Ended(Outcome::Same) => (paint(style::GOOD, "="), "nothing to change".to_owned()),
        Doing::Ended(Outcome::Failed(reason)) => (paint(style::BAD, "✗"), one_line(reason)),
    }
}

/// `12 of 50 nodes done, 3 unchanged, 1 failed`; nothing while no node has ended.
fn tally(state: &State) -> Option<String> {
    let done = state.count(|doing| *doing == Doing::Ended(Outcome::Done));
    let same = state.count(|doing| *doing == Doing::Ended(Outcome::Same));
    let failed = state.count(|doing| matches!(doing, Doing::Ended(Outcome::Failed(_))));
    // When all went well there is nothing to tell apart.
    if done == state.nodes.len() && done > 0 {
        return (done > 1).then(|| plural(done));
    }
    let named = [(done, "done"), (same, "unchanged"), (failed, "failed")];
    let parts: Vec<String> =
        named.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    (!parts.is_empty()).then(|| format!("{} of {}", parts.join(", "), plural(state.nodes.len())))
}

fn plural(nodes: usize) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}

/// Times below a second are not worth a word.
fn time(state: &State, now: Duration) -> String {
    let spent = now.saturating_sub(state.started);
    if spent < Duration::from_secs(1) { String::new() } else { format!(" ({})", humane::duration(spent)) }
}

fn one_line(text: &str) -> String {
    visible(text.trim().lines().next().unwrap_or_default()).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("client{number}")).collect()
    }

    fn shown(state: &State, columns: usize) -> String {
        anstream::adapter::strip_str(&lines(state, Duration::from_millis(12_340), columns).join("\n")).to_string()
    }

    #[test]
    fn a_small_cluster_has_a_line_per_node() {
        let mut state = State::new("Making the cluster", &names(4), Duration::ZERO);
        assert!(state.working("client1", "installing packages"));
        assert!(!state.working("client1", "installing packages"), "the same again is no news");
        assert!(state.ended("client2", Outcome::Same));
        assert!(!state.working("client2", "late"), "an ended node stays ended");
        state.ended("client3", Outcome::Failed("no route to host, after three attempts in 15 s\nmore".into()));
        insta::assert_snapshot!(shown(&state, 50), @r"
        ⠸ Making the cluster: 1 unchanged, 1 failed of 4 …
          → client1  installing packages
          = client2  nothing to change
          ✗ client3  no route to host, after three attemp…
          · client4  waiting
        ");
        assert!(shown(&state, 50).lines().all(|line| width(line) <= 50));
    }

    #[test]
    fn a_large_cluster_is_counted_and_shows_its_last_events() {
        let mut state = State::new("Making the cluster", &names(50), Duration::ZERO);
        for node in names(20) {
            state.ended(&node, Outcome::Done);
        }
        state.working("client21", "making the Python environment");
        insta::assert_snapshot!(shown(&state, 80), @r"
        ⠸ Making the cluster: 20 done of 50 nodes (12.3 s)
          ✓ client18  done
          ✓ client19  done
          ✓ client20  done
          → client21  making the Python environment
        ");
    }

    #[test]
    fn the_closing_line_counts_what_did_not_end() {
        let mut state = State::new("Collecting keys", &names(3), Duration::from_secs(1));
        assert_eq!(closing(&state, Duration::from_secs(1)), "Collecting keys: 3 not finished");
        state.ended("client1", Outcome::Done);
        state.ended("client3", Outcome::Failed("timed out".into()));
        let line = anstream::adapter::strip_str(&closing(&state, Duration::from_secs(4))).to_string();
        assert_eq!(line, "✗ Collecting keys: 1 done, 1 failed of 3 nodes, 1 not finished (3.0 s)");
    }
}
