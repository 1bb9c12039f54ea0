//! The verbs, and what several of them share. What they are made of lies in the modules below this one.
//!
//! A verb is a file with its name, which says in order what happens; parts of a large one stand in a folder beside it.
//! Shared are what is typed ([`cli`], [`Global`]), what verbs begin with ([`session`], `whole`, `prompter`), what they tell of
//! nodes and plans ([`by_node`], `plan_text`, `unconfirmed`), and nodes that have `moved` or are `leaving`.

pub mod by_node;
pub mod cli;
mod demo;
pub mod down;
pub mod exec;
mod global;
mod init;
pub mod lab;
mod leaving;
mod moved;
pub mod plan;
mod plan_text;
mod prompter;
mod run;
pub mod session;
pub mod status;
mod sync;
mod unconfirmed;
pub mod up;
mod whole;

pub use cli::{Cli, Verb};
pub use global::Global;

use crate::{error::Result, ui::Ui};

/// Does what was typed.
///
/// # Errors
/// As the verb says; the error's kind decides the exit code.
pub async fn dispatch(verb: Verb, global: &Global, ui: &Ui) -> Result<()> {
    match verb {
        Verb::Init(args) => init::run(&args, global, ui).await,
        Verb::Plan(args) => plan::run(&args, global, ui).await,
        Verb::Up(args) => up::run(&args, global, ui).await,
        Verb::Run(args) => run::run(&args, global, ui).await,
        Verb::Status(args) => status::run(&args, global, ui).await,
        Verb::Exec(args) => exec::run(&args, global, ui).await,
        Verb::Sync(args) => sync::run(&args, global, ui).await,
        Verb::Down(args) => down::run(&args, global, ui).await,
        Verb::Lab(args) => lab::run(&args, ui),
        Verb::Demo(args) => demo::run(&args, global, ui).await,
    }
}
