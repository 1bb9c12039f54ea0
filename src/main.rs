//! Arguments → Ui → commands → exit code.

use std::process::ExitCode;

use clap::Parser;
use mpiup::{
    commands::{self, Cli, Verb},
    error::{Error, Kind},
    node,
    ui::Ui,
};

fn main() -> ExitCode {
    // ssh runs mpiup again to put its questions: then this is not a command of the user's.
    if let Some(answered) = node::askpass_main() {
        return answered;
    }
    let cli = Cli::parse();
    let ui = Ui::new(cli.global.screen());
    let outcome = match cli.verb {
        // The lab is built out of processes of one thread, so no runtime is begun for it.
        Verb::Lab(args) => commands::lab::run(&args, &ui),
        verb => runtime().and_then(|runtime| {
            let local = tokio::task::LocalSet::new();
            runtime.block_on(local.run_until(commands::dispatch(verb, &cli.global, &ui)))
        }),
    };
    let outcome = match outcome {
        // Data that was lost outweighs what was found: a script must not take half of it for all.
        Err(error) if error.kind() == Kind::Differences => ui.finish().and(Err(error)),
        Ok(()) => ui.finish(),
        failed => failed,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // What a program says for itself and a difference that was just shown need no second word.
            let silent = matches!(error.kind(), Kind::Program(_)) || error.message().is_empty();
            if !silent {
                ui.error(&error);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::failed("mpiup could not start").because(source))
}
