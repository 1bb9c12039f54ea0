//! A stand-in that runs the lab's verbs alone.
#![allow(clippy::disallowed_macros, reason = "stand-in")]

use clap::Parser;
use mpiup::commands::lab::{self, Output};

#[derive(clap::Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Lab(lab::Args),
}

fn main() -> std::process::ExitCode {
    let Verb::Lab(args) = Cli::parse().verb;
    let mut out = Output { result: &mut |line| println!("{line}"), progress: &mut |line| eprintln!("{line}") };
    match lab::run(&args, &mut out) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for hint in error.hints() {
                eprintln!("hint: {hint}");
            }
            error.exit_code().into()
        }
    }
}
