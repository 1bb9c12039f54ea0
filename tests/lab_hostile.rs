//! Machines as people really have them: other shells, start-up files that talk, odd files, missing tools. One odd thing per
//! machine, one `up` for all of them, looked at from outside over plain ssh, and `down` gives every byte back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

#[path = "lab_hostile/accounts.rs"]
mod accounts;
#[path = "lab_hostile/files.rs"]
mod files;
#[path = "lab_hostile/shells.rs"]
mod shells;
#[path = "lab_hostile/tools.rs"]
mod tools;
