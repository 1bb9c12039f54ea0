//! How an archive of [`super::bundle`] becomes an environment on a node: one POSIX shell script.
//!
//! Guarantees: killed at any point, the path holds the environment that was there, none, or the whole new one; what a
//! killed run left beside it is removed by the next. The interpreter is the node's own: it must have the version that
//! the packages were made for, and the script says so when it has not.
//! Not promised: that two machines which share the folder may install into it at the same moment.

use crate::quote;

/// The file in an environment that holds its bundle's key, and a newline.
pub const STAMP: &str = ".mpiup-env";

/// A script for `sh` that reads the archive on standard input and makes the environment `env` (an absolute path) of it.
/// It prints nothing, or on standard error one sentence that says why not.
pub fn install_script(env: &str, key: &str) -> String {
    format!("env={}\nkey={}\n{}", quote::sh(env), quote::sh(key), include_str!("install.sh"))
}
