//! Equal outputs of several nodes shown once, as `clush -b` does.

use super::{paint, style, visible};

/// Nodes that said the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// In the order in which they were given.
    pub nodes: Vec<String>,
    /// What they said, without line ends at its end.
    pub text: String,
}

/// Groups `(node, output)` pairs with equal output. Groups stand in the order of their first nodes, so the order of
/// the pairs alone decides, and not who answered first. Trailing line ends make no difference.
pub fn group(outputs: &[(String, String)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (node, output) in outputs {
        let text = output.trim_end_matches(['\n', '\r']);
        match groups.iter_mut().find(|group| group.text == text) {
            Some(group) => group.nodes.push(node.clone()),
            None => groups.push(Group { nodes: vec![node.clone()], text: text.to_owned() }),
        }
    }
    groups
}

/// One line `client[1-15]: text` for a short output, a header line and the output below it for a longer one.
/// `names` writes a set of nodes in its short form.
pub fn lines(outputs: &[(String, String)], names: &dyn Fn(&[String]) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    for group in group(outputs) {
        let head = paint(style::HEADING, &format!("{}:", names(&group.nodes)));
        let text = visible(&group.text);
        match text.contains('\n') {
            true => {
                lines.push(head);
                lines.extend(text.lines().map(|line| format!("  {line}").trim_end().to_owned()));
            }
            false if text.is_empty() => lines.push(format!("{head} (no output)")),
            false => lines.push(format!("{head} {text}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_outputs_are_shown_once_in_the_order_of_the_nodes() {
        let outputs = [
            ("master", "6.1.0-18-amd64\n"),
            ("client1", "6.1.0-18-amd64"),
            ("client2", "a\n\n b\n"),
            ("client3", ""),
            ("client4", "6.1.0-18-amd64\n"),
            ("client5", "a\n\n b\n"),
        ]
        .map(|(node, output)| (node.to_owned(), output.to_owned()));
        let names = |nodes: &[String]| nodes.join(",");
        let text = anstream::adapter::strip_str(&lines(&outputs, &names).join("\n")).to_string();
        insta::assert_snapshot!(text, @r"
        master,client1,client4: 6.1.0-18-amd64
        client2,client5:
          a

           b
        client3: (no output)
        ");
    }
}
