//! How far a node's clock is from the operator's.

use std::time::SystemTime;

/// The moment at which a node was asked, by the operator's clock.
#[derive(Debug, Clone, Copy)]
pub struct Asked(i64);

impl Asked {
    pub fn now() -> Self {
        Self(seconds())
    }

    /// Seconds by which the node is ahead (behind: below 0), whose clock showed `clock` at some moment since. What the
    /// question took is no difference.
    pub fn ahead(self, clock: i64) -> i64 {
        ahead(clock, self.0, seconds())
    }
}

fn seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn ahead(clock: i64, asked: i64, answered: i64) -> i64 {
    clock - clock.clamp(asked, answered.max(asked))
}

#[cfg(test)]
mod tests {
    use super::ahead;

    #[test]
    fn what_the_question_took_is_no_difference() {
        assert_eq!(ahead(105, 100, 110), 0);
        assert_eq!(ahead(90, 100, 110), -10);
        assert_eq!(ahead(200, 100, 110), 90);
        assert_eq!(ahead(100, 100, 90), 0, "the operator's own clock was set meanwhile");
    }
}
