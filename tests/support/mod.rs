//! What lab tests share: labs of their own, a bounded number at a time, and a look at machines from outside.
#![allow(dead_code, reason = "each test file uses what it needs")]
#![allow(unused_macros, unused_imports, reason = "each test file uses what it needs")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

pub mod child;
pub mod door;
pub mod operator;
pub mod person;
pub mod plan;
pub mod share;
pub mod skip;
pub mod terminal;
pub mod test_lab;
pub mod tree;
pub mod turn;
pub mod vm;
pub mod walls;

pub use operator::{Operator, Ran};
pub use terminal::Terminal;
pub use test_lab::TestLab;
pub use vm::Vms;

/// `let turn = turn!();` is the test's turn to make labs; without what a lab needs it ends the test, counted as skipped.
macro_rules! turn {
    () => {{
        if let Err(error) = mpiup::lab::support() {
            return $crate::support::skip::skip(&format!("this needs a lab: {error}"));
        }
        $crate::support::turn::take()
    }};
}

/// `let lab = lab!(3);` is a lab of the test's own, gone with it; where no lab can be, the test is skipped and counted so.
macro_rules! lab {
    ($count:expr) => {
        $crate::support::TestLab::up(turn!(), $count)
    };
}

/// `let vms = vms!(3, vm::WITH_MPI);` are machines of the test's own that boot, with packages beyond the usual ones; where
/// none can be, the test is skipped and counted so. `vms!(2, vm::BARE, [Bookworm, Trixie])` are of different releases.
macro_rules! vms {
    ($count:expr, $packages:expr) => {
        vms!($count, $packages, [])
    };
    ($count:expr, $packages:expr, [$($release:ident),*]) => {{
        if let Err(error) = mpiup::lab::support_vms() {
            return $crate::support::skip::skip(&format!("this needs machines that boot: {error}"));
        }
        $crate::support::Vms::up($count, $packages, &[$(mpiup::lab::Debian::$release),*])
    }};
}
