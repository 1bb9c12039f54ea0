//! What must hold of every parser for any bytes: one function a parser, which panics where something does not.
//!
//! The fuzz targets call them with what libFuzzer thinks up, and `tests/corpora.rs` with what is kept in `corpus/`. They
//! use public functions of the library alone, as a user of it would.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a check says that it failed")]

pub mod channel;
pub mod exports;
pub mod facts;
pub mod hostfile;
pub mod hosts;
pub mod members;
pub mod nfs;
mod nodes;
pub mod nodeset;
mod reference;
pub mod spec;
pub mod ssh_config;
mod text;
pub mod walls;

/// Panics where something does not hold of these bytes.
pub type Check = fn(&[u8]);

/// Every target by its name.
pub const CHECKS: [(&str, Check); 11] = [
    ("nodeset", nodeset::check),
    ("hostfile", hostfile::check),
    ("hosts", hosts::check),
    ("ssh_config", ssh_config::check),
    ("spec", spec::check),
    ("channel", channel::check),
    ("facts", facts::check),
    ("exports", exports::check),
    ("walls", walls::check),
    ("members", members::check),
    ("nfs", nfs::check),
];

pub use reference::expand as reference;
