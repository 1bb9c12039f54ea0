//! A test that cannot run here says so, and is counted as skipped and not as passed: the harness knows no such thing.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses what it needs; a test may panic")]

use std::{fs::OpenOptions, io::Write as _};

/// Notes that the running test is skipped: on the screen, past the harness, which would swallow it, and in the file that
/// `cargo xtask test` counts from.
pub fn skip(reason: &str) {
    let program = std::env::current_exe().unwrap_or_default();
    let file = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Cargo puts a hash behind the name.
    let file = file.rsplit_once('-').map_or(file.as_str(), |(name, _)| name);
    let line = format!("{file}::{}: {reason}\n", std::thread::current().name().unwrap_or("a test"));
    std::io::stderr().write_all(format!("SKIPPED {line}").as_bytes()).unwrap();
    if let Some(path) = std::env::var_os("MPIUP_SKIPPED_FILE") {
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
    }
}
