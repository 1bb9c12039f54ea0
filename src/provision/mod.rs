//! The provisioning engine: gather facts, make the plan come true with a journal on each node, prove it, take it back.
//!
//! One direction: `gather` → `steps::plan` → `apply` → `verify`; and `undo` from the journal alone. Everything tells what
//! it does as [`Event`]s, and the screen, `--json` and tests consume the same ones.

mod apply;
mod clusters;
mod confirm;
mod events;
mod fetch;
mod fleet;
mod gather;
mod identity;
mod leavers;
mod lock;
mod mirror;
mod moved;
mod patience;
mod reach;
mod report;
mod room;
mod share;
mod start_files;
mod survey;
mod undo;
mod verify;
mod way;

pub use apply::{Applied, Supplies, apply};
pub use clusters::{Known, Whose, clusters};
pub use events::{Event, Sink};
pub use fetch::{Bundles, fetch};
pub use fleet::{Fleet, Lost, reasons};
pub use gather::gather;
pub use identity::as_user;
pub use leavers::{Leavers, left};
pub use lock::Locks;
pub use mirror::Mirror;
pub use moved::{Moved, Reach, seen_elsewhere};
pub use patience::Silences;
pub use reach::walled;
pub use share::differing;
pub use start_files::{LIMIT as SLOW_START, slow};
pub use survey::survey;
pub use undo::{Kept, Undone, mounted, undo};
pub use verify::{Proof, culprits, verify};
