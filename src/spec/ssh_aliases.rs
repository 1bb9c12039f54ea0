//! The hosts that an ssh configuration names, so that `init client1 client2` can tell an alias from a slip.
//!
//! Pure: one text in. Files that it includes are named, not followed. What a `Match` block applies to is no alias.
//! Source: ssh_config(5), "Host", "Include" and the description of the file's format.

/// What a text of ssh_config(5) names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshConfig {
    /// Hosts of `Host` lines without wildcards and negations, each once, in the order of the text.
    pub aliases: Vec<String>,
    /// The patterns of `Include` lines, as written: relative ones begin at `~/.ssh` (or `/etc/ssh`).
    pub includes: Vec<String>,
}

/// Reads the text; lines that it does not understand are skipped, as they are ssh's to judge.
pub fn parse(text: &str) -> SshConfig {
    let mut found = SshConfig::default();
    for line in text.lines() {
        let (keyword, arguments) = keyword(line);
        let list = match keyword.to_ascii_lowercase().as_str() {
            "host" => &mut found.aliases,
            "include" => {
                found.includes.extend(words(arguments));
                continue;
            }
            _ => continue,
        };
        let aliases: Vec<String> = words(arguments).into_iter().filter(|word| is_alias(word)).collect();
        list.extend(aliases);
    }
    let mut seen = std::collections::HashSet::new();
    found.aliases.retain(|alias| seen.insert(alias.clone()));
    found
}

fn is_alias(pattern: &str) -> bool {
    !pattern.is_empty() && !pattern.starts_with('!') && !pattern.contains(['*', '?'])
}

/// `keyword arguments` or `keyword = arguments`.
fn keyword(line: &str) -> (&str, &str) {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    (keyword, rest.strip_prefix('=').unwrap_or(rest))
}

/// Words between blanks; quotes hold a word with blanks together; `#` begins a comment.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_the_concrete_hosts() {
        let config = parse(
            "# the classroom\n\
             Include lab.conf \"with blank/*\"\n\
             Host master client1\n    HostName 192.168.1.10\n    User mpi\n\
             host=client2 client2.aula # the old one\n\
             \tHOST = \"client 3\" 'client4'\n\
             Host *.example.org !bad gw? *\n  ProxyJump gw\n\
             Host client1 client5\n\
             Match host client6\n  User root\n\
             Hostname client7\n\
             #Host client8\n\
             Host\n",
        );
        assert_eq!(config.aliases, ["master", "client1", "client2", "client2.aula", "client 3", "client4", "client5"]);
        assert_eq!(config.includes, ["lab.conf", "with blank/*"]);
        assert_eq!(parse(""), SshConfig::default());
    }
}
