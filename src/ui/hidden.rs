//! A line that is typed and not shown. The terminal is as before afterwards, also after Ctrl-C; Ctrl-Z and Ctrl-\ are
//! characters here. Not guaranteed: that it is after a signal from elsewhere (`kill`), by which mpiup ends at once.
//!
//! By hand, since no crate does it (looked at in November 2026). rpassword 7.5.4 raises SIGINT before it puts the terminal
//! back (its pull request 134), and replaces what is no UTF-8 in a password. console 0.16 and dialoguer 0.12 leave the
//! interrupt to the terminal, which then ends the program mute (dialoguer's pull request 359), and read into memory that
//! grows. inquire 0.9 draws a screen of its own in raw mode and keeps plain strings. readpassphrase(3), behind
//! readpassphrase-3, counts on the signal to break the read, which it does in one thread only: questions of nodes are asked
//! in another one than the main thread (`node/desk.rs`).

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
};

use nix::sys::{
    signal::{Signal, raise},
    termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr},
};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A terminal that shows nothing of what is typed, until this is dropped.
pub struct Hidden {
    terminal: File,
    before: Termios,
}

/// A longer password was pasted by mistake; memory that grew would leave copies behind.
const LONGEST: usize = 4096;

impl Hidden {
    pub fn begin(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut during = before.clone();
        // An interrupt would end mpiup and leave the terminal mute: it ends the line instead, and is raised after.
        during.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
        during.local_flags.insert(LocalFlags::ECHONL);
        during.control_chars[SpecialCharacterIndices::VEOL as usize] = interrupt(&before);
        tcsetattr(terminal.as_fd(), SetArg::TCSAFLUSH, &during)?;
        Ok(Self { terminal, before })
    }

    /// The line; none at the end of the input.
    pub fn line(mut self) -> io::Result<Option<Secret>> {
        let mut typed = Zeroizing::new(Vec::with_capacity(LONGEST));
        let mut byte = [0];
        loop {
            if self.terminal.read(&mut byte)? == 0 {
                return Ok(None);
            }
            match byte[0] {
                b'\n' => return Ok(Some(Secret::new(typed.to_vec()))),
                other if other == interrupt(&self.before) && other != 0 => {
                    drop(self);
                    raise(Signal::SIGINT)?;
                    return Ok(None);
                }
                other if typed.len() < LONGEST => typed.push(other),
                _ => {}
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that went away needs no restoring.
        let _ = tcsetattr(self.terminal.as_fd(), SetArg::TCSANOW, &self.before);
    }
}

fn interrupt(terminal: &Termios) -> u8 {
    terminal.control_chars[SpecialCharacterIndices::VINTR as usize]
}
