//! An error as a person reads it.

use super::{paint, style, text};
use crate::error::{Error, Kind};

/// The lines of `error`, wrapped at `columns`. A reason of several lines is a snippet or a command's output and is kept
/// as it is. A program's own exit code has no lines: the program has said what there is to say.
pub fn lines(error: &Error, columns: usize) -> Vec<String> {
    let prefix = match error.kind() {
        Kind::Program(_) => return Vec::new(),
        // Nothing failed: the machines only differ from the spec.
        Kind::Differences => String::new(),
        Kind::Failed | Kind::Usage => format!("{} ", paint(style::BAD, "error:")),
    };
    let message = text::visible(error.message());
    let message = match error.node() {
        Some(node) => format!("{node}: {message}"),
        None => message,
    };
    let mut lines = text::wrap(&prefix, &message, columns);
    for reason in error.reasons() {
        let reason = text::visible(reason);
        match reason.contains('\n') {
            true => lines.extend(reason.lines().map(|line| format!("  {line}").trim_end().to_owned())),
            false => lines.extend(text::wrap("  ", &reason, columns)),
        }
    }
    for hint in error.hints() {
        lines.extend(text::wrap(&format!("{} ", paint(style::HINT, "hint:")), &text::visible(hint), columns));
    }
    lines
}
