//! The shell that keeps a node for one operator at a time.
//!
//! Guarantees: of two operators one has the node; a lock whose holder is gone is free, for it is the kernel's (flock) and
//! its process ends with the connection, with the node, and after [`LEASE_SECONDS`] without a sign of life; a script that
//! begins after its operator lost the node does nothing, and one that still runs then is waited for.
//! Not guaranteed: that such a script is stopped. It ends by itself, or is named.

use std::fmt::Write as _;

use crate::quote;

/// How often the holder on a node hears from mpiup.
pub const BEAT_SECONDS: u64 = 5;

/// Longer than ssh takes to give a silent connection up (ServerAliveInterval × ServerAliveCountMax): who has no lock any
/// more has no connection either.
pub const LEASE_SECONDS: u64 = 40;

/// How long others are waited for who are about to end: a mirroring of files, and the script of an operator who has gone.
pub const PATIENCE_SECONDS: u64 = 60;

/// What tells one holder from all others, and to a person who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Random: a script with another one does nothing.
    pub token: String,
    /// `USER@MACHINE` of the operator.
    pub who: String,
    /// The verb.
    pub doing: String,
}

impl Key {
    /// For a session of its own on the node, which holds the lock as long as lines arrive.
    pub fn hold(&self) -> String {
        let mut script = String::new();
        for (name, value) in [("token", &self.token), ("who", &self.who), ("doing", &self.doing)] {
            let _ = writeln!(script, "{name}={}", quote::sh(value));
        }
        let _ = writeln!(script, "lease={LEASE_SECONDS} patience={PATIENCE_SECONDS}");
        // It stands in the node's list of processes, where reasons are of no use.
        let parts = [include_str!("sh/lock_paths.sh"), include_str!("sh/came_by.sh"), include_str!("sh/hold.sh")];
        let lines = parts.iter().flat_map(|part| part.lines());
        for line in lines.filter(|line| !line.trim_start().starts_with('#')) {
            let _ = writeln!(script, "{line}");
        }
        script
    }

    /// What every script begins with that alters a node.
    pub fn alone(&self) -> String {
        let doing = format!("{}\t{}", self.who, self.doing);
        let words = format!("mpiup_token={} mpiup_doing={}\n", quote::sh(&self.token), quote::sh(&doing));
        words + include_str!("sh/lock_paths.sh") + include_str!("sh/alone.sh")
    }
}

/// What the holder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Held,
    /// A script of an operator who has gone still runs there.
    Waits(Orphan),
    /// It still ran when patience ended.
    Orphan(Orphan),
    Taken(Holder),
    /// A program that is needed there.
    Lacks(String),
}

/// Who has the node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub who: String,
    /// Empty for the machine itself.
    pub from: String,
    pub doing: String,
    /// The node's clock: `21:45:10`.
    pub since: String,
    pub seconds: u64,
}

/// Whose script still runs, and under which number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphan {
    pub process: String,
    pub who: String,
    pub doing: String,
}

/// One line of the holder's; what start-up files print is passed over.
pub fn said(line: &str) -> Option<Said> {
    let (word, rest) =
        line.strip_prefix("mpiup-lock ")?.split_once(' ').unwrap_or((line.strip_prefix("mpiup-lock ")?, ""));
    let mut fields = rest.split('\t').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    Some(match word {
        "held" => Said::Held,
        "waits" | "orphan" => {
            let orphan = Orphan { process: next(), who: next(), doing: next() };
            if word == "waits" { Said::Waits(orphan) } else { Said::Orphan(orphan) }
        }
        "taken" => {
            let (who, from, doing, since) = (next(), next(), next(), next());
            let _begun = next();
            Said::Taken(Holder { who, from, doing, since, seconds: next().parse().unwrap_or(0) })
        }
        "lacks" => Said::Lacks(rest.to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_holder_says() {
        assert_eq!(said("mpiup-lock held"), Some(Said::Held));
        let holder = Holder {
            who: "ana@laptop".into(),
            from: "10.77.0.1".into(),
            doing: "up".into(),
            since: "21:45:10".into(),
            seconds: 12,
        };
        assert_eq!(
            said("mpiup-lock taken ana@laptop\t10.77.0.1\tup\t21:45:10\t1764020710\t12"),
            Some(Said::Taken(holder))
        );
        let orphan = Orphan { process: "3412".into(), who: "ana@laptop".into(), doing: "up".into() };
        assert_eq!(said("mpiup-lock waits 3412\tana@laptop\tup"), Some(Said::Waits(orphan)));
        assert_eq!(said("mpiup-lock lacks flock"), Some(Said::Lacks("flock".into())));
        assert_eq!(said("Welcome to client1"), None);
        assert_eq!(said("mpiup-lock taken"), Some(Said::Taken(Holder::default())));
    }
}
