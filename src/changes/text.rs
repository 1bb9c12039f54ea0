//! Text that may hold what a node has still to make: a public key that does not exist while the plan is shown.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::error::{Error, Result};

/// The text of a file or block. Placeholders look like `⟨public key of client1⟩`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(String);

/// The public keys that nodes reported, by node name.
pub type PublicKeys = BTreeMap<String, String>;

/// Stands for the key that a node makes in the first wave.
pub fn public_key_of(node: impl fmt::Display) -> String {
    format!("⟨public key of {node}⟩")
}

impl Text {
    /// Whole lines: a last line without its end gets one, since a here-document knows no other lines.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Self(text)
    }

    /// The text with every placeholder replaced.
    ///
    /// # Errors
    /// When a placeholder's key has not been reported.
    pub fn resolve(&self, keys: &PublicKeys) -> Result<String> {
        let mut text = self.0.clone();
        for (node, key) in keys {
            text = text.replace(&public_key_of(node), key);
        }
        match text.split_once("⟨public key of ") {
            None => Ok(text),
            Some((_, rest)) => {
                let node = rest.split('⟩').next().unwrap_or_default();
                Err(Error::failed("the node's public key was not reported").on(node))
            }
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_nobody_reported_is_an_error() {
        let text = Text::new(format!("a {} b {}\n", public_key_of("n1"), public_key_of("n10")));
        let keys = PublicKeys::from([("n1".into(), "K1".into()), ("n10".into(), "K10".into())]);
        assert_eq!(text.resolve(&keys).unwrap(), "a K1 b K10\n");
        let one = PublicKeys::from([("n1".into(), "K1".into())]);
        assert_eq!(text.resolve(&one).unwrap_err().node(), Some("n10"));
    }
}
