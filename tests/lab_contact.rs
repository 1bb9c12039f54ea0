//! First contact, as a person has it with machines that know nobody's key: passwords at a terminal, jump hosts, aliases,
//! other ports, questions about host keys. Asserted from outside: by what sshd and sudo logged, by plain ssh, and by a
//! search for the password everywhere.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

#[path = "lab_contact/passwords.rs"]
mod passwords;
#[path = "lab_contact/people.rs"]
mod people;
#[path = "lab_contact/ways.rs"]
mod ways;
#[path = "lab_contact/whole_path.rs"]
mod whole_path;
