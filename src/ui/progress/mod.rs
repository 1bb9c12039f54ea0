//! What each node is doing, from the first moment until all have ended.
//!
//! On a terminal a calm display that is redrawn in place and leaves one closing line; elsewhere one line per event.
//! All of it goes to standard error. One progress at a time may be on the screen.

mod frame;
mod live;
mod state;

use std::sync::{Arc, Mutex};

pub use state::Outcome;

use super::stream::{Side, Streams, lock};
use live::Display;
use state::State;

/// A piece of work on several nodes. Cheap to clone; the display closes when the last clone is gone.
#[derive(Clone)]
pub struct Progress(Arc<Shared>);

struct Shared {
    streams: Arc<Streams>,
    quiet: bool,
    state: Arc<Mutex<State>>,
    display: Mutex<Option<Display>>,
}

impl Progress {
    pub(super) fn start(streams: &Arc<Streams>, quiet: bool, nodes: &[String], title: &str) -> Self {
        let state = Arc::new(Mutex::new(State::new(title, nodes, streams.clock())));
        let display = (streams.live && !quiet).then(|| Display::open(streams, &state));
        let progress =
            Self(Arc::new(Shared { streams: Arc::clone(streams), quiet, state, display: Mutex::new(display) }));
        progress.0.plain(title);
        progress
    }

    /// `node` is now at `doing`: a few words that begin with a verb ("installing packages").
    pub fn node(&self, node: &str, doing: &str) {
        if lock(&self.0.state).working(node, doing) {
            self.0.plain(&format!("  {node}: {doing}"));
        }
    }

    /// As [`Progress::node`], for what changes many times a second: only a live display shows it.
    pub fn meter(&self, node: &str, doing: &str) {
        lock(&self.0.state).working(node, doing);
    }

    /// `node` has ended. What it does afterwards is not shown.
    pub fn finish(&self, node: &str, outcome: Outcome) {
        // Where lines stay, the closing one says how many went well.
        let text = outcome.reason().map(|_| frame::ended(node, &outcome));
        if lock(&self.0.state).ended(node, outcome)
            && let Some(text) = text
        {
            self.0.plain(&format!("  {text}"));
        }
    }

    /// A line that stays on the screen, above the display.
    pub fn say(&self, text: &str) {
        if !self.0.quiet {
            self.0.streams.line(Side::Err, text);
        }
    }
}

impl Shared {
    /// A line of the plain form; nothing while the live display shows the same.
    fn plain(&self, text: &str) {
        if !self.quiet && lock(&self.display).is_none() {
            self.streams.line(Side::Err, text);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.quiet {
            return;
        }
        let live = lock(&self.display).take().map(|display| display.close(&self.streams)).is_some();
        let state = lock(&self.state);
        if live {
            for line in frame::failures(&state) {
                self.streams.line(Side::Err, &line);
            }
        }
        self.streams.line(Side::Err, &frame::closing(&state, self.streams.clock()));
    }
}
