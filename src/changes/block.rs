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
    let (first, last) = (first(mark), last(mark));
    let mut kept = String::new();
    let mut held: Option<String> = None;
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        match &mut held {
            None if bare == first => held = Some(line.to_owned()),
            None => kept.push_str(line),
            Some(_) if bare == last => held = None,
            Some(block) => block.push_str(line),
        }
    }
    kept.push_str(&held.unwrap_or_default());
    kept
}

/// The lines between the markers; `None` when there is no whole block.
pub fn content(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("{}\n", first(mark)))?;
    let (content, _) = rest.split_once(&format!("{}\n", last(mark)))?;
    Some(content.to_owned())
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
    }
}
