//! `mpiup` makes Linux machines that are reachable over SSH one MPI cluster, proves it with a real MPI job,
//! runs programs on it, and takes itself out again. Start reading at `docs/architecture.md`.
//!
//! The modules stand in the order in which they may use each other: each one uses only those below it.

pub mod commands;

pub mod lab;
pub mod launch;
pub mod provision;
pub mod sync;

pub mod steps;

pub mod changes;
pub mod facts;
pub mod python;

pub mod distributions;

pub mod node;
pub mod process;
pub mod spec;

pub mod error;
pub mod quote;
pub mod ui;

pub mod secret;
