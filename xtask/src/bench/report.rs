//! The result for a person, 80 columns wide, and for a program.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    counts::Count,
    figures::{Figures, Measure},
    targets,
};

const WIDTH: usize = 80;
/// So much of a reason is shown; the whole of it was said when it happened, and is in the result for programs.
const REASON_LINES: usize = 4;

/// A table for each number of nodes, promises, and counts.
pub fn text(figures: &Figures, counts: &[Count]) -> String {
    let mut text = String::new();
    for nodes in figures.sizes() {
        table(&mut text, figures, nodes);
    }
    if !figures.sizes().is_empty() {
        line(&mut text, "Promises (medians)");
    }
    for nodes in figures.sizes() {
        for verdict in targets::verdicts(figures, nodes) {
            let (promise, found) = (verdict.promise, verdict.found);
            line(&mut text, &format!("{nodes:>4}  {promise:<55}  {found}{}", mark(verdict.kept)));
        }
    }
    if !counts.is_empty() {
        line(&mut text, "\nCounts");
    }
    for Count { what, found, kept } in counts {
        line(&mut text, &format!("  {what}\n      {found}{}", mark(*kept)));
    }
    text
}

fn table(text: &mut String, figures: &Figures, nodes: usize) {
    line(
        text,
        &format!(
            "{:<42}{:>7}{:>7}{:>7}{:>4}{:>11}",
            format!("{nodes} nodes, seconds"),
            "median",
            "min",
            "max",
            "of",
            "x ssh"
        ),
    );
    let ssh = figures.median(nodes, Measure::Ssh);
    for measure in Measure::ALL {
        let times = figures.times(nodes, measure);
        let (Some(median), Some(first), Some(last)) = (figures.median(nodes, measure), times.first(), times.last())
        else {
            continue;
        };
        let ratio = ssh.map(|ssh| format!("{:.1}", median / ssh)).unwrap_or_default();
        line(
            text,
            &format!("  {:<40}{median:>7.2}{first:>7.2}{last:>7.2}{:>4}{ratio:>11}", measure.name(), times.len()),
        );
    }
    for (contender, reasons) in figures.failures(nodes) {
        let rounds = if reasons.len() == 1 {
            "1 round:".to_owned()
        } else {
            format!("{} rounds; the last time:", reasons.len())
        };
        line(text, &format!("  {contender} failed in {rounds}"));
        // The end of what a program says tells most.
        let said = reasons.last().map(|reason| reason.lines().collect::<Vec<_>>()).unwrap_or_default();
        for part in &said[said.len().saturating_sub(REASON_LINES)..] {
            line(text, &format!("    {}", part.chars().take(WIDTH - 4).collect::<String>()));
        }
    }
    text.push('\n');
}

fn mark(kept: bool) -> &'static str {
    if kept { "" } else { "  MISSED" }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

/// All times, so that other medians can be taken.
pub fn json(figures: &Figures, counts: &[Count]) -> String {
    let times = figures.sizes().into_iter().flat_map(|nodes| {
        Measure::ALL.map(|measure| {
            json!({"nodes": nodes, "measure": format!("{measure:?}"), "seconds": figures.times(nodes, measure)})
        })
    });
    let verdicts = figures.sizes().into_iter().flat_map(|nodes| targets::verdicts(figures, nodes));
    let promises = verdicts.map(|verdict| {
        json!({"nodes": verdict.nodes, "promise": verdict.promise.trim(), "found": verdict.found, "kept": verdict.kept})
    });
    let failures = figures.sizes().into_iter().flat_map(|nodes| {
        figures
            .failures(nodes)
            .map(move |(contender, reasons)| json!({"nodes": nodes, "contender": contender, "reasons": reasons}))
    });
    let counts = counts.iter().map(|count| json!({"what": count.what, "found": count.found, "kept": count.kept}));
    let all = json!({
        "times": times.collect::<Vec<_>>(),
        "failures": failures.collect::<Vec<_>>(),
        "promises": promises.collect::<Vec<_>>(),
        "counts": counts.collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn fits_into_a_terminal() {
        let mut figures = Figures::default();
        for measure in Measure::ALL {
            figures.add(30, measure, Duration::from_secs_f64(123.456));
        }
        figures.fail(10, "pyinfra", format!("`pyinfra` failed: exit status: 1\n{}\n[n7] timed out", "x".repeat(200)));
        let counts = [Count { what: "memory".into(), found: "9 MB".into(), kept: false }];
        let text = text(&figures, &counts);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("1.00 times") && text.contains("1.0 times  MISSED") && text.contains("9 MB  MISSED"));
        assert!(text.contains("10 nodes, seconds") && text.contains("\n  pyinfra failed in 1 round:\n"));
        assert!(text.contains("\n    [n7] timed out\n"), "{text}");
        assert!(json(&figures, &counts).contains("\"contender\": \"pyinfra\""));
        assert!(json(&figures, &counts).contains("\"AnsibleFirst\""));
    }
}
