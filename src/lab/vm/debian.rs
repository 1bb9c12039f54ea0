//! The releases of Debian's that machines which boot can have.

use std::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// A release, in the order in which they came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Debian {
    Bookworm,
    Trixie,
}

impl Debian {
    /// What machines have when nothing else is asked for.
    pub const USUAL: Self = Self::Bookworm;
    pub(super) const ALL: [Self; 2] = [Self::Bookworm, Self::Trixie];

    /// The one for the machine of this place, where the first ones are named: those beyond have the last of them.
    pub(super) fn of_place(place: usize, named: &[Self]) -> Self {
        named.get(place).or(named.last()).copied().unwrap_or(Self::USUAL)
    }

    /// The name of its archive.
    pub(super) fn suite(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }
}

impl fmt::Display for Debian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bookworm => "12",
            Self::Trixie => "13",
        })
    }
}

impl FromStr for Debian {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|release| release.to_string() == text);
        known.ok_or_else(|| Error::usage("machines that boot have Debian 12 or 13"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_beyond_the_list_have_its_last_one() {
        let of = |named: &[Debian]| [0, 1, 2].map(|place| Debian::of_place(place, named).to_string()).join(",");
        assert_eq!(of(&[]), "12,12,12");
        assert_eq!(of(&[Debian::Trixie]), "13,13,13");
        assert_eq!(of(&[Debian::Bookworm, Debian::Trixie]), "12,13,13");
    }

    #[test]
    fn only_known_ones_are_read() {
        assert_eq!("13".parse::<Debian>().unwrap(), Debian::Trixie);
        for odd in ["11", "14", "", "trixie", "12 "] {
            assert!(odd.parse::<Debian>().is_err(), "{odd:?}");
        }
    }
}
