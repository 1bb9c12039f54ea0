//! The one place that starts programs on this machine.
