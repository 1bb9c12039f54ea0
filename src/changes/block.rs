//! Marked blocks in files of somebody else: the same rules as `sh/block.sh`, for showing a diff before anything is done.

use super::Place;

fn first(mark: &str) -> String {
    format!("# >>> {mark} >>>")
}

fn last(mark: &str) -> String {
    format!("# <<< {mark} <<<")
}

/// The file's text with the block in its place; a block of this mark that is there already is replaced.
pub fn with(text: &str, mark: &str, place: Place, content: &str) -> String {
    let others = without(text, mark);
    let block = format!("{}\n{content}{}\n", first(mark), last(mark));
    match place {
        Place::Top => block + &others,
        Place::Bottom if others.is_empty() || others.ends_with('\n') => others + &block,
        Place::Bottom => format!("{others}\n{block}"),
    }
}

/// The file's text without the block. A first marker without its end takes nothing away.
pub fn without(text: &str, mark: &str) -> String {
    apart(text, mark).0
}

/// The lines between the markers; `None` when there is no whole block.
pub fn content(text: &str, mark: &str) -> Option<String> {
    apart(text, mark).1
}

/// What stands outside of blocks, and the content of the first block.
fn apart(text: &str, mark: &str) -> (String, Option<String>) {
    let (first, last) = (first(mark), last(mark));
    let (mut kept, mut content) = (String::new(), None);
    // A first marker's line and what follows it.
    let mut held: Option<(&str, String)> = None;
    // A first marker was given back: a last one further down would make a block with it, and what stands between them is
    // somebody's.
    let mut is_open = false;
    let give_back = |kept: &mut String, held: Option<(&str, String)>| {
        if let Some((marker, lines)) = held {
            kept.push_str(marker);
            kept.push_str(&lines);
        }
    };
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        if bare == first {
            // The one above has no end of its own: what follows it is somebody's.
            is_open |= held.is_some();
            give_back(&mut kept, held.replace((line, String::new())));
        } else if let Some((_, lines)) = &mut held {
            if bare == last {
                content.get_or_insert(std::mem::take(lines));
                held = None;
            } else {
                lines.push_str(line);
            }
        } else if !(is_open && bare == last) {
            kept.push_str(line);
        }
    }
    give_back(&mut kept, held);
    (kept, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_goes_in_and_out() {
        for text in ["", "a\n", "a\nb\n", "\n\n"] {
            for place in [Place::Top, Place::Bottom] {
                let whole = with(text, "mpiup aula", place, "x\ny\n");
                assert_eq!(without(&whole, "mpiup aula"), text);
                assert_eq!(content(&whole, "mpiup aula").unwrap(), "x\ny\n");
                assert_eq!(with(&whole, "mpiup aula", place, "x\ny\n"), whole, "twice is once");
            }
        }
    }

    #[test]
    fn a_last_line_without_newline_gets_one() {
        assert_eq!(with("a", "m", Place::Bottom, "x\n"), "a\n# >>> m >>>\nx\n# <<< m <<<\n");
    }

    #[test]
    fn a_block_without_its_end_is_left_alone() {
        let text = "a\n# >>> m >>>\nb\nc\n";
        assert_eq!(without(text, "m"), text);
        assert_eq!(content(text, "m"), None);
        let whole = with(text, "m", Place::Bottom, "x\n");
        assert_eq!(whole, format!("{text}# >>> m >>>\nx\n# <<< m <<<\n"));
        assert_eq!((without(&whole, "m").as_str(), content(&whole, "m").as_deref()), (text, Some("x\n")));
    }

    #[test]
    fn what_stands_around_a_block_makes_no_second_one() {
        let text = "# >>> m >>>\na\n# >>> m >>>\nb\n# <<< m <<<\nc\n# <<< m <<<\nd\n";
        let others = "# >>> m >>>\na\nc\nd\n";
        assert_eq!(without(text, "m"), others);
        assert_eq!(without(&with(text, "m", Place::Top, "x\n"), "m"), others);
        assert_eq!(without("# <<< m <<<\na\n", "m"), "# <<< m <<<\na\n");
    }

    #[test]
    fn a_marker_inside_of_a_line_is_none() {
        let text = "echo # >>> m >>>\na\n# <<< m <<<\n";
        assert_eq!((without(text, "m").as_str(), content(text, "m")), (text, None));
    }
}
