//! What can be typed.

use clap::{Parser, Subcommand};

use super::{demo, down, exec, global::Global, init, lab, plan, run, status, sync, up};

/// Makes Linux machines that you can reach over SSH one MPI cluster, proves it with a real MPI job, runs programs on it,
/// and takes itself out again.
#[derive(Debug, Parser)]
#[command(
    name = "mpiup",
    version,
    max_term_width = 100,
    after_help = "The way through:
  mpiup init 'ana@192.168.1.[10-12]'   look at the machines, write mpiup.toml
  mpiup plan                           what would change, where and why
  mpiup up                             make it so, prove it with a real MPI job
  mpiup run -n 6 python ejemplo.py     run a program on the cluster
  mpiup down                           take everything back

No second machine? `mpiup demo`, as root, shows the same on virtual ones.
Without an mpiup.toml, `mpiup run -n 4 python ejemplo.py` runs on this machine
alone."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
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
