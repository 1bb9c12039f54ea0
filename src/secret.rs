//! A password while mpiup holds it: nothing prints it, it is overwritten when it goes, and no core file holds it.

use std::fmt;

use nix::sys::prctl;
use zeroize::Zeroizing;

/// Bytes, as they were typed. Not guaranteed: that ssh and sudo, who get it, treat it as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        hold_nothing_for_others();
        Self(Zeroizing::new(bytes))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// As it is typed: with the end of the line.
    pub fn line(&self) -> Zeroizing<Vec<u8>> {
        let mut line = Zeroizing::new(Vec::with_capacity(self.0.len() + 1));
        line.extend_from_slice(&self.0);
        line.push(b'\n');
        line
    }
}

/// From now on this process leaves no core file, and other processes of the same user cannot read its memory.
pub fn hold_nothing_for_others() {
    // A kernel that refuses leaves things as they are for every program.
    let _ = prctl::set_dumpable(false);
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_itself_to_nobody() {
        let secret = Secret::new(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!((secret.reveal(), secret.line().as_slice()), (b"hunter2".as_slice(), b"hunter2\n".as_slice()));
        assert!(!prctl::get_dumpable().unwrap());
    }
}
