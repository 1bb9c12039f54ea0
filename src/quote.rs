//! The one place that quotes for a POSIX shell.

/// `text` as one word of a POSIX shell: as it is when no character of it is special, in single quotes otherwise.
pub fn sh(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    // zsh, into which a person may paste it, takes `=name` for the path of a command.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Several words, each quoted, with spaces between.
pub fn words<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    words.into_iter().map(|word| sh(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(
            words(["mpiexec", "-n", "4", "a b", "it's", "", "ñ", "~", "=x", "x=y"]),
            r"mpiexec -n 4 'a b' 'it'\''s' '' 'ñ' '~' '=x' x=y"
        );
    }
}
