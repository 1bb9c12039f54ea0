//! One line of a hostfile: a host, and options that say whose dialect it is.

use std::ops::Range;

use super::{Dialect, HostEntry};
use crate::{
    error::{Error, Result},
    spec::{address, names::shown, place::Source, suggest::nearest},
};

pub(super) struct Line {
    /// Of the host.
    pub span: Range<usize>,
    /// `slots` is the number that this line gives. `None` for a line that excludes its host.
    pub entry: Option<HostEntry>,
    pub signals: Vec<Signal>,
    pub notes: Vec<String>,
}

/// Something that only one of the dialects knows.
pub(super) struct Signal {
    pub dialect: Dialect,
    pub span: Range<usize>,
}

struct Word<'a> {
    at: usize,
    text: &'a str,
}

impl Word<'_> {
    fn span(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }
}

/// Spellings that Open MPI's lexer knows, by what they mean here.
const SLOTS: [&str; 3] = ["slots", "count", "cpu"];
const MAX_SLOTS: [&str; 12] = [
    "max_slots",
    "max-slots",
    "slots_max",
    "slots-max",
    "max_count",
    "max-count",
    "count_max",
    "count-max",
    "max_cpu",
    "max-cpu",
    "cpu_max",
    "cpu-max",
];
const USER: [&str; 3] = ["username", "user_name", "user-name"];
const PORT: [&str; 1] = ["port"];
const IGNORED: [&str; 9] = [
    "boards",
    "sockets",
    "sockets_per_board",
    "sockets-per-board",
    "cores",
    "cores_per_socket",
    "cores-per-socket",
    "cpu_set",
    "cpu-set",
];
/// What hydra knows.
const MPICH: [&str; 2] = ["user", "binding"];

/// Reads the line at `offset`, comments already blanked; `None` for an empty one.
pub(super) fn read(source: Source<'_>, offset: usize, line: &str) -> Result<Option<Line>> {
    let words = words(offset, line);
    let Some((host, options)) = words.split_first() else { return Ok(None) };
    let mut found = Line { span: host.span(), entry: None, signals: Vec::new(), notes: Vec::new() };
    if host.text == "rank" && options.first().is_some_and(|word| word.text.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(source
            .error(host.span(), "this is a rankfile, which says where each rank runs, not a hostfile")
            .hinted("Give mpiup the hostfile: a host on each line."));
    }
    if host.text.starts_with('+') {
        return Err(source
            .error(host.span(), format!("`{}` counts the nodes of a batch system's allocation", shown(host.text)))
            .hinted("Write the host's name or address."));
    }
    if let Some(excluded) = host.text.strip_prefix('^') {
        found.signals.push(Signal { dialect: Dialect::OpenMpi, span: host.span() });
        found.notes.push(format!("`^{}` excludes that host, and it is left out", shown(excluded)));
        return Ok(Some(found));
    }
    let mut entry = read_host(source, host, &mut found.signals)?;
    let mut maximum = None;
    let mut rest = options;
    while let Some((key, value, after)) = option(source, rest)? {
        rest = after;
        let span = key.at..value.at + value.text.len();
        let dialect = if MPICH.contains(&key.text) { Dialect::Mpich } else { Dialect::OpenMpi };
        found.signals.push(Signal { dialect, span: span.clone() });
        match key.text {
            name if SLOTS.contains(&name) => {
                // Hydra's `n1:4` has set it already where the line mixes both; the signals say so first.
                entry.slots = Some(entry.slots.unwrap_or(0).saturating_add(count(source, value)?));
            }
            name if MAX_SLOTS.contains(&name) => maximum = Some((count(source, value)?, span)),
            name if USER.contains(&name) || name == "user" => {
                address::login_user(value.text).map_err(|what| source.error(value.span(), what))?;
                entry.user = Some(value.text.to_owned());
            }
            name if PORT.contains(&name) => {
                entry.port = Some(address::parse_port(value.text).map_err(|what| source.error(value.span(), what))?);
            }
            name => found.notes.push(format!("`{}={}` is left out", shown(name), shown(value.text))),
        }
    }
    if let Some((maximum, span)) = maximum {
        match entry.slots {
            Some(slots) if slots > maximum => {
                let message = format!("the host has {slots} slots and at most {maximum}");
                return Err(source.error(span, message).hinted("`max_slots` is at least `slots`."));
            }
            Some(_) => found.notes.push(format!("`max_slots={maximum}` is left out")),
            None => entry.slots = Some(maximum),
        }
    }
    found.entry = Some(entry);
    Ok(Some(found))
}

/// Words between blanks; `=` is a word of its own, as Open MPI allows `slots = 4`.
fn words(offset: usize, line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        if !c.is_whitespace() && c != '=' {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            words.push(Word { at: offset + start, text: &line[start..at] });
        }
        if c == '=' {
            words.push(Word { at: offset + at, text: "=" });
        }
    }
    words
}

fn read_host(source: Source<'_>, word: &Word<'_>, signals: &mut Vec<Signal>) -> Result<HostEntry> {
    let wrong = |what: String| {
        source
            .error(word.span(), format!("`{}` is not a host: {what}", shown(word.text)))
            .hinted("A line begins with one host: `client1`, `mpi@client1`, `192.168.1.11`.")
    };
    let (user, rest) = match word.text.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, word.text),
    };
    if let Some(user) = user {
        address::login_user(user).map_err(wrong)?;
    }
    let mut slots = None;
    let host = match rest.split_once(':') {
        Some((host, number)) if !address::is_ipv6(rest) => {
            signals.push(Signal { dialect: Dialect::Mpich, span: word.span() });
            let at = word.at + word.text.len() - number.len();
            slots = Some(count(source, &Word { at, text: number })?);
            host
        }
        _ => rest,
    };
    if host.starts_with(['+', '^']) {
        // At the beginning of a line both mean something else, so it could not be written again.
        return Err(wrong(format!("the host begins with `{}`", &host[..1])));
    }
    if !address::is_ipv6(host) {
        address::host_name(host).map_err(wrong)?;
    }
    Ok(HostEntry { host: host.to_owned(), slots, user: user.map(str::to_owned), port: None })
}

/// The next `key = value` and what follows it.
fn option<'w, 't>(
    source: Source<'_>,
    words: &'w [Word<'t>],
) -> Result<Option<(&'w Word<'t>, &'w Word<'t>, &'w [Word<'t>])>> {
    let Some((key, rest)) = words.split_first() else { return Ok(None) };
    let known = || SLOTS.iter().chain(&MAX_SLOTS).chain(&USER).chain(&PORT).chain(&IGNORED).chain(&MPICH).copied();
    if !known().any(|name| name == key.text) {
        return Err(unknown(source, key, nearest(key.text, known())));
    }
    match rest {
        [equals, value, after @ ..] if equals.text == "=" && value.text != "=" => Ok(Some((key, value, after))),
        _ => Err(source
            .error(key.span(), format!("`{}` has no value", key.text))
            .hinted(format!("Write it as `{}=VALUE`.", key.text))),
    }
}

fn unknown(source: Source<'_>, word: &Word<'_>, near: Option<&str>) -> Error {
    let error = source.error(word.span(), format!("neither Open MPI nor MPICH knows `{}` here", shown(word.text)));
    let error = match near {
        Some(name) => error.hinted(format!("Did you mean `{name}`?")),
        None => error,
    };
    error.hinted("After the host come options: `slots=4`, `max_slots=8` (Open MPI); `user=mpi`, `binding=...` (MPICH).")
}

fn count(source: Source<'_>, word: &Word<'_>) -> Result<u32> {
    let digits = !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit());
    match word.text.parse() {
        Ok(number @ 1..=crate::spec::keys::MAX_SLOTS) if digits => Ok(number),
        _ => {
            let message = format!("the number of processes is from 1 to 65535, not `{}`", shown(word.text));
            Err(source.error(word.span(), message))
        }
    }
}
