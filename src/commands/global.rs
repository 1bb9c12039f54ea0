//! The options that every verb has.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::ui;

/// Options of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The cluster's file, instead of mpiup.toml here or in a folder above.
    #[arg(short = 'C', long = "spec", value_name = "FILE", global = true)]
    pub spec: Option<PathBuf>,
    /// Show the commands that are run.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Only data, warnings and errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// The result as JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Trust host keys that are not known yet, and pin them (for scripts; otherwise mpiup asks).
    #[arg(long, global = true)]
    pub accept_new: bool,
    /// Log in with a password where no key is accepted: asked once, for all nodes, and again for a node that has another.
    #[arg(short = 'k', long, global = true)]
    pub ask_pass: bool,
    /// Give sudo a password: asked once, for all nodes, and again for a node that has another.
    #[arg(short = 'K', long, global = true)]
    pub ask_become_pass: bool,
    /// Colour, as a help only.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

impl Global {
    /// What they say about the screen.
    pub fn screen(&self) -> ui::Options {
        let color = match self.color {
            Color::Auto => ui::Color::Auto,
            Color::Always => ui::Color::Always,
            Color::Never => ui::Color::Never,
        };
        ui::Options { verbose: self.verbose, quiet: self.quiet, json: self.json, color }
    }
}
