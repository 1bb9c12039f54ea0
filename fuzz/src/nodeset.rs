//! Node sets: refused with a place in the text, or expanded as the reference does, and folded back to the same names.

use std::collections::{BTreeSet, HashSet};

use mpiup::spec::nodeset::{MAX_NAME_LENGTH, expand, expand_in_order, fold, fold_in_order};

pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    let names = match expand_in_order(text) {
        Ok(names) => names,
        Err(error) => {
            assert!(text.is_char_boundary(error.offset), "{error:?} points at a character of {text:?}");
            assert!(!error.to_string().contains(char::is_control), "{error:?} cannot act on the terminal");
            assert!(expand(text).is_err());
            return;
        }
    };
    // A large set costs the fuzzer's time and says nothing that a small one does not.
    if names.len() > 2_000 {
        return;
    }
    assert_eq!(names, super::reference(text), "{text:?}");
    for name in &names {
        assert!(!name.is_empty() && name.len() <= MAX_NAME_LENGTH, "{name:?} of {text:?}");
        assert!(!name.contains(|c: char| c.is_whitespace() || c.is_control() || "[],".contains(c)), "{name:?}");
    }
    let mut seen = HashSet::new();
    let once: Vec<String> = names.iter().filter(|name| seen.insert(name.as_str())).cloned().collect();
    assert_eq!(expand(text).unwrap(), once, "each once, in the order written");
    let folded = fold_in_order(&names);
    assert_eq!(expand_in_order(&folded).unwrap(), names, "{folded}");
    let folded = fold(&names);
    let back = expand(&folded).unwrap();
    assert_eq!(fold(&back), folded, "a folded set folds to itself");
    assert_eq!(back.into_iter().collect::<BTreeSet<_>>(), names.into_iter().collect(), "{folded}");
}
