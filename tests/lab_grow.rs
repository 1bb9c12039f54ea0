//! A cluster that grows, shrinks and moves: each time only what is due changes, looked at from outside.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

#[path = "lab_grow/address.rs"]
mod address;
#[path = "lab_grow/members.rs"]
mod members;
