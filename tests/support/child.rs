//! Programs that a test starts: none of them may keep it waiting for ever.

use std::{
    io::{Read, Write as _},
    process::{Child, Command, Output, Stdio},
    thread::{self, sleep},
    time::{Duration, Instant},
};

#[allow(clippy::disallowed_methods, reason = "a test starts programs as a user does")]
pub fn program(name: &str) -> Command {
    Command::new(name)
}

/// Runs to the end with `input`; one that does not end before the deadline is killed, and the test fails.
pub fn run(command: &mut Command, input: &[u8], deadline: Duration) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let what = format!("{command:?}");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_owned();
    // A program that reads nothing breaks the pipe, and that is its right.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = finish(child, &what, deadline);
    writer.join().expect("its input was written");
    output
}

/// Waits for one that was started with its outputs piped.
pub fn finish(mut child: Child, what: &str, deadline: Duration) -> Output {
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if begun.elapsed() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            let said = String::from_utf8_lossy(&stderr.join().expect("its errors were read")).into_owned();
            panic!("{what} did not end in {deadline:?}; it said: {said}");
        }
        sleep(Duration::from_millis(5));
    };
    let read = |reader: thread::JoinHandle<Vec<u8>>| reader.join().expect("its output was read");
    Output { status, stdout: read(stdout), stderr: read(stderr) }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Waits until it is so, looking every now and then; the test fails when it does not come.
pub fn wait_until(what: &str, deadline: Duration, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < deadline, "still not after {deadline:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}
