//! A person at a terminal: a pseudo-terminal on which a command runs, with questions that are waited for and answered.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use nix::{
    pty::openpty,
    sys::termios::{LocalFlags, tcgetattr},
};

use super::child;

/// Longer than this nobody waits for a question, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Terminal {
    child: Child,
    keyboard: File,
    seen: Arc<Mutex<Vec<u8>>>,
    patience: Duration,
    /// How much of the screen was read when something was expected last.
    read: usize,
}

impl Terminal {
    /// `command` gets a terminal of its own, as its controlling one too.
    pub fn start(command: &Command) -> Self {
        let pty = openpty(None, None).unwrap();
        let mut on_terminal = child::program("setsid");
        on_terminal.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => on_terminal.env(name, value),
                None => on_terminal.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            on_terminal.current_dir(folder);
        }
        // A machine that says it is CI is given colour whatever its terminal.
        on_terminal.env("TERM", "dumb");
        on_terminal.env("NO_COLOR", "1");
        let theirs = || pty.slave.try_clone().unwrap();
        let child = on_terminal.stdin(theirs()).stdout(theirs()).stderr(theirs()).spawn().unwrap();
        drop(on_terminal);
        let keyboard = File::from(pty.master);
        let (seen, mut screen) = (Arc::<Mutex<Vec<u8>>>::default(), keyboard.try_clone().unwrap());
        let shared = seen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of a terminal is an error (EIO).
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                shared.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, keyboard, seen, patience: PATIENCE, read: 0 }
    }

    /// For a command that takes longer.
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that was on the screen so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).replace('\r', "")
    }

    /// Waits until `text` is on the screen, below what was expected before.
    pub fn expect(&mut self, text: &str) -> &mut Self {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if let Some(at) = screen[self.read..].find(text) {
                self.read += at + text.len();
                return self;
            }
            let ended = self.child.try_wait().unwrap().is_some();
            if ended && !self.screen()[self.read..].contains(text) || begun.elapsed() > self.patience {
                let _ = self.child.kill();
                panic!("{text:?} never came; the screen:\n{screen}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) -> &mut Self {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
        self
    }

    /// Presses a key, such as Ctrl-C ("\x03").
    pub fn press(&mut self, key: &str) -> &mut Self {
        self.keyboard.write_all(key.as_bytes()).unwrap();
        self
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    /// Looks at the terminal after the command has ended.
    pub fn after_end<T>(mut self, look: impl FnOnce(&Self) -> T) -> T {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < self.patience, "it did not end; the screen:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
        look(&self)
    }

    /// Waits for the end: the exit code and the whole screen.
    pub fn end(mut self) -> (i32, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > self.patience * 2 {
                let _ = self.child.kill();
                panic!("it did not end; the screen:\n{}", self.screen());
            }
            thread::sleep(Duration::from_millis(10));
        };
        // What it wrote last is still on its way.
        thread::sleep(Duration::from_millis(50));
        (status.code().unwrap_or(-1), self.screen())
    }
}
