//! A turn to make labs: as many tests at a time as there are cores, over all test programs, so that no test waits for a
//! machine that has no time for it.

use std::{
    fs::{self, File, OpenOptions},
    path::Path,
    thread::{available_parallelism, sleep},
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};

/// Ends when it is dropped; the kernel ends it for a test that was killed.
pub struct Turn(#[allow(dead_code, reason = "held, not looked at")] Flock<File>);

/// Waits for a turn. A test takes one at most.
pub fn take() -> Turn {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-turns");
    fs::create_dir_all(&folder).expect("the folder of turns can be made");
    let turns = available_parallelism().map_or(2, usize::from).clamp(2, 4);
    loop {
        for number in 0..turns {
            let path = folder.join(number.to_string());
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("a turn opens");
            if let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                return Turn(lock);
            }
        }
        sleep(Duration::from_millis(50));
    }
}
