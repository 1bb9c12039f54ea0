//! What is known of the nodes' work; no printing.

use std::{collections::VecDeque, time::Duration};

/// How the work on one node ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Something was done.
    Done,
    /// There was nothing to do: it stood as it should.
    Same,
    /// It failed, for this reason.
    Failed(String),
}

impl Outcome {
    /// Why it failed; `None` when it did not, or when the reason is told elsewhere.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) if !reason.is_empty() => Some(reason),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    Waiting,
    Working(String),
    Ended(Outcome),
}

pub struct State {
    pub title: String,
    /// In the order in which they were given, which is the spec's.
    pub nodes: Vec<(String, Doing)>,
    /// The latest events, oldest first.
    pub events: VecDeque<(String, Doing)>,
    /// On the screen's clock.
    pub started: Duration,
}

/// As many events as the display of a large cluster shows.
const EVENTS: usize = 4;

impl State {
    pub fn new(title: &str, nodes: &[String], started: Duration) -> Self {
        let nodes = nodes.iter().map(|node| (node.clone(), Doing::Waiting)).collect();
        Self { title: title.to_owned(), nodes, events: VecDeque::new(), started }
    }

    /// Whether that is news.
    pub fn working(&mut self, node: &str, doing: &str) -> bool {
        self.set(node, Doing::Working(doing.to_owned()))
    }

    /// Whether that is news.
    pub fn ended(&mut self, node: &str, outcome: Outcome) -> bool {
        self.set(node, Doing::Ended(outcome))
    }

    /// A node that has ended stays so; one that was not announced joins at the end.
    fn set(&mut self, node: &str, doing: Doing) -> bool {
        match self.nodes.iter_mut().find(|(name, _)| name == node) {
            Some((_, before)) if matches!(before, Doing::Ended(_)) || *before == doing => return false,
            Some((_, before)) => *before = doing.clone(),
            None => self.nodes.push((node.to_owned(), doing.clone())),
        }
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back((node.to_owned(), doing));
        true
    }

    /// How many nodes are so.
    pub fn count(&self, so: impl Fn(&Doing) -> bool) -> usize {
        self.nodes.iter().filter(|(_, doing)| so(doing)).count()
    }
}
