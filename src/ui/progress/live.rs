//! The display on a terminal: redrawn in place a few times a second, and cleared at the end.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{frame, state::State};
use crate::ui::stream::{Streams, lock};

/// Fast enough for the spinner, slow enough for a thin line.
const REDRAW: Duration = Duration::from_millis(100);

pub struct Display {
    /// Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Display {
    /// Draws `state` from now on.
    pub fn open(streams: &Arc<Streams>, state: &Arc<Mutex<State>>) -> Self {
        streams.open_display();
        draw(streams, state);
        let (stop, stopped) = mpsc::channel();
        let (streams, state) = (Arc::clone(streams), Arc::clone(state));
        let thread = thread::spawn(move || {
            while matches!(stopped.recv_timeout(REDRAW), Err(mpsc::RecvTimeoutError::Timeout)) {
                draw(&streams, &state);
            }
        });
        Self { stop, thread }
    }

    /// Takes the display off the screen.
    pub fn close(self, streams: &Streams) {
        drop(self.stop);
        // A panic of the thread has lost nothing but pictures.
        drop(self.thread.join());
        streams.close_display();
    }
}

fn draw(streams: &Streams, state: &Mutex<State>) {
    let (columns, rows) = streams.size_now();
    // One column stays free: some terminals break a line that is exactly as wide as they are. And one row: the cursor
    // rests below the display.
    let mut lines = frame::lines(&lock(state), streams.clock(), columns.saturating_sub(1));
    lines.truncate(rows.saturating_sub(1).max(1));
    streams.draw(&lines);
}
