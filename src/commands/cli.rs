//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{demo, down, exec, init, lab, plan, run, status, sync, up};
use crate::ui;

/// Makes Linux machines that you can reach over SSH one MPI cluster, proves it with a real MPI job, runs programs on it,
/// and takes itself out again.
#[derive(Debug, Parser)]
#[command(
    name = "mpiup",
    version,
    max_term_width = 100,
    after_help = "The way through:
  mpiup init mpi@192.168.1.10 pc1 pc2  look at the machines, write mpiup.toml
  mpiup plan                           what would change, where and why
  mpiup up                             make it so, prove it with a real MPI job
  mpiup run -n 6 python ejemplo.py     run a program on the cluster
  mpiup down                           take everything back

No second machine? `sudo mpiup demo` shows the same on virtual ones. Without an
mpiup.toml, `mpiup run -n 4 python ejemplo.py` runs on this machine alone."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

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

#[derive(Debug, Subcommand)]
pub enum Verb {
    Init(init::Args),
    Plan(plan::Args),
    Up(up::Args),
    Run(run::Args),
    Status(status::Args),
    Exec(exec::Args),
    Sync(sync::Args),
    Down(down::Args),
    Lab(lab::Args),
    Demo(demo::Args),
}
