//! What a change does to a file, as a unified diff.

use similar::{ChangeTag, TextDiff};

use super::{paint, style, visible};

/// Lines around a change that show where it is.
const CONTEXT: usize = 2;

/// The lines of a unified diff from `before` to `after`, without a file header; empty when they are equal.
/// Long lines are not wrapped: they may be copied. Control characters of the texts are shown, not sent.
pub fn unified(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        lines.push(paint(style::DIM, &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let text = visible(change.value().trim_end_matches(['\n', '\r']));
            // A line end that alone differs would otherwise look like a change of nothing.
            let end = if change.value().ends_with("\r\n") { "\\r" } else { "" };
            lines.push(match change.tag() {
                ChangeTag::Equal => format!(" {text}").trim_end().to_owned(),
                ChangeTag::Insert => paint(style::ADDED, &format!("+{text}{end}")),
                ChangeTag::Delete => paint(style::REMOVED, &format!("-{text}{end}")),
            });
            if change.missing_newline() {
                lines.push(paint(style::DIM, "\\ No newline at end of file"));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(before: &str, after: &str) -> String {
        anstream::adapter::strip_str(&unified(before, after).join("\n")).to_string()
    }

    #[test]
    fn shows_two_lines_around_each_change() {
        let before = "127.0.0.1 localhost\n127.0.1.1 master\n\n# IPv6\n::1 ip6-localhost\nff02::1 ip6-allnodes\n";
        let after = before.replace("127.0.1.1 master\n", "").replace("allnodes\n", "allnodes\n10.1.0.2 client1\n");
        insta::assert_snapshot!(plain(before, &after), @r"
        @@ -1,6 +1,6 @@
         127.0.0.1 localhost
        -127.0.1.1 master

         # IPv6
         ::1 ip6-localhost
         ff02::1 ip6-allnodes
        +10.1.0.2 client1
        ");
    }

    #[test]
    fn a_new_file_an_equal_one_and_a_missing_line_end() {
        assert_eq!(plain("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b");
        assert!(unified("a\n", "a\n").is_empty());
        assert_eq!(plain("a", "a\n"), "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a");
        assert_eq!(plain("a\r\n", "a\n"), "@@ -1 +1 @@\n-a\\r\n+a");
    }
}
