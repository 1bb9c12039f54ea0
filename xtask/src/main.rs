//! What developers run: `cargo xtask VERB`. One file per verb; this one only chooses.

mod bench;
mod family;
mod packages;
mod programs;
mod qemu;
mod run;
mod sshd;
mod stages;
mod summary;
mod test;
mod vm_test;

use std::process::ExitCode;

/// A verb: its name, what it is for, and its code, which gets the arguments behind the name.
type Verb = (&'static str, &'static str, fn(&[String]) -> Result<(), Stop>);

const VERBS: &[Verb] = &[
    ("test", test::HELP, test::main),
    ("vm-test", vm_test::HELP, vm_test::main),
    (
        "packages",
        "Installs what the tests need on Debian and Ubuntu; changes nothing when it is there.",
        packages::main,
    ),
    ("bench", bench::HELP, bench::main),
];

/// Why a verb ended badly.
pub enum Stop {
    /// What is wrong has been said already: exit code 1.
    Failed,
    /// The command line is not understood: exit code 2.
    Usage(String),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", arguments.as_slice()),
    };
    let result = match VERBS.iter().find(|(verb, ..)| *verb == name) {
        Some((_, help, _)) if rest.iter().any(|argument| argument == "--help" || argument == "-h") => {
            run::say(&format!("cargo xtask {name}: {help}"));
            Ok(())
        }
        Some((_, _, verb)) => verb(rest),
        None if matches!(name, "help" | "--help" | "-h") => {
            run::say(&verbs());
            Ok(())
        }
        None => Err(Stop::Usage(format!("There is no verb `{name}`.\n{}", verbs()))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed) => ExitCode::FAILURE,
        Err(Stop::Usage(text)) => {
            run::say(&text);
            ExitCode::from(2)
        }
    }
}

fn verbs() -> String {
    let lines = VERBS
        .iter()
        .map(|(name, help, _)| format!("  cargo xtask {name:<9} {}", help.lines().next().unwrap_or_default()));
    format!("What can be run:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
