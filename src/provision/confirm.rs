//! Confirms what stands under guard on a node (`changes/sh/guard.sh`): by a log-in over a connection made for it alone.
//!
//! Guarantees: nothing is confirmed but by that new connection itself, which makes the mark on the node; where it does not
//! get through, the node is told so at once over the connection that is there, and takes the change back. When mpiup or its
//! connection ends before either, the node takes it back by itself.

use std::{cell::Cell, future::Future, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use tokio::sync::Notify;

use crate::{node::Node, quote};

/// A new log-in, however busy the node is: shorter than the patience of its switch.
const LOG_IN: Duration = Duration::from_secs(20);

/// What the script that is running on the node asks of its operator.
#[derive(Default)]
pub struct Asked {
    times: Cell<usize>,
    now: Notify,
}

impl Asked {
    /// The node waits for a new log-in.
    pub fn ask(&self) {
        self.times.set(self.times.get() + 1);
        self.now.notify_one();
    }
}

/// Waits for `work`, a script on the node whose journal is in `state`, and answers what it asks meanwhile.
pub async fn beside<T>(node: &Node, state: &str, asked: &Asked, work: impl Future<Output = T>) -> T {
    let answers = async {
        loop {
            asked.now.notified().await;
            for _ in 0..asked.times.take() {
                answer(node, state).await;
            }
        }
    };
    match select(pin!(work), pin!(answers)).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

async fn answer(node: &Node, state: &str) {
    let guard = format!("{state}/guard");
    let mark = format!("ln -s confirmed {}", quote::sh(&format!("{guard}/decision")));
    let refused = match node.fresh(&mark, LOG_IN).await {
        Ok(output) if output.success() => return,
        Ok(output) => output.last_words(),
        Err(error) => error.words(),
    };
    let refusal = format!(
        "printf '%s' {} > {1}/reason; ln -s refused {1}/decision",
        quote::sh(&refused.replace('\n', " ")),
        quote::sh(&guard)
    );
    // When this does not arrive either, the switch takes the change back without it.
    if let Ok(running) = node.spawn(&refusal, false).await {
        let _ = tokio::time::timeout(LOG_IN, running.output()).await;
    }
}
