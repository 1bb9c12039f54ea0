//! The display on a terminal: redrawn in place a few times a second, and cleared at the end.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{frame, state::State};
use crate::ui::stream::{Streams, lock};

/// Fast enough for the spinner, slow enough for a connection over a modem.
const REDRAW: Duration = Duration::from_millis(100);

pub struct Display {
    bar: ProgressBar,
    /// Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Display {
    /// Draws `state` from now on.
    pub fn open(streams: &Arc<Streams>, state: &Arc<Mutex<State>>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(lines) = ProgressStyle::with_template("{msg}") {
            bar.set_style(lines);
        }
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn({
            let (bar, streams, state) = (bar.clone(), Arc::clone(streams), Arc::clone(state));
            move || {
                while matches!(stopped.recv_timeout(REDRAW), Err(mpsc::RecvTimeoutError::Timeout)) {
                    draw(&bar, &streams, &state);
                }
            }
        });
        streams.set_display(Some(bar.clone()));
        draw(&bar, streams, state);
        Self { bar, stop, thread }
    }

    /// Takes the display off the screen.
    pub fn close(self, streams: &Streams) {
        drop(self.stop);
        // A panic of the thread has lost nothing but pictures.
        drop(self.thread.join());
        self.bar.finish_and_clear();
        streams.set_display(None);
    }
}

fn draw(bar: &ProgressBar, streams: &Streams, state: &Mutex<State>) {
    // One column stays free: some terminals break a line that is exactly as wide as they are.
    let columns = streams.width_now().saturating_sub(1);
    let lines = frame::lines(&lock(state), streams.clock(), columns).join("\n");
    bar.set_message(streams.for_err(&lines));
    bar.tick();
}
