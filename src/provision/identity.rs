//! Commands as the cluster's user.

use crate::quote;

/// The command line that runs `script` as `user`, with nothing of the login user's surroundings but a path.
/// When mpiup is that user already, no privilege is touched.
pub fn as_user(is_root: bool, user: &str, home: &str, script: &str) -> String {
    let clean = format!(
        "cd {home} && exec env HOME={home} USER={user} LOGNAME={user} sh -c {}",
        quote::sh(script),
        home = quote::sh(home),
        user = quote::sh(user)
    );
    if is_root { format!("runuser -u {} -- sh -c {}", quote::sh(user), quote::sh(&clean)) } else { clean }
}
