//! `lab up`, as the command sees it: start a keeper, pass on what it reports, take the lab over.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{
    Lab, base, check_name,
    host::{self, command},
    network,
    running::Wanted,
    state::{self, State},
    support::{support, support_vms},
    wire::{self, Message},
};
use crate::error::{Context, Error, Result};

impl Lab {
    /// Starts `count` machines and returns when sshd of each one answers. Progress goes to `report`, a sentence at a time.
    /// To be called in the program `mpiup`, which it starts again as the lab's keeper; blocks. When this process
    /// ends before, by whatever signal, nothing is left of the lab.
    ///
    /// # Errors
    /// When a lab of this name runs, this is not root, or the kernel or package archive refuses something.
    pub fn up(name: &str, count: usize, report: &mut dyn FnMut(&str)) -> Result<Self> {
        Self::up_with(name, Wanted { count, ..Wanted::default() }, report)
    }

    /// The same, with packages from the start, or machines that boot.
    ///
    /// # Errors
    /// Those of [`Lab::up`], and when something cannot be the name of a package.
    pub fn up_with(name: &str, wanted: Wanted<'_>, report: &mut dyn FnMut(&str)) -> Result<Self> {
        let program = std::env::current_exe().context(|| "cannot find the path of mpiup itself")?;
        if let Some(odd) = wanted.packages.iter().find(|package| !base::is_package(package)) {
            return Err(Error::usage(format!("{odd:?} cannot be the name of a package"))
                .hinted("Packages stand behind `--with`, with commas between them: --with openmpi-bin,nano"));
        }
        Self::start(&program, name, wanted, report)
    }

    /// The same, where mpiup is not the program that runs: `program` is its path.
    ///
    /// # Errors
    /// Those of [`Lab::up`].
    pub fn up_by(program: &Path, name: &str, count: usize, report: &mut dyn FnMut(&str)) -> Result<Self> {
        Self::start(program, name, Wanted { count, ..Wanted::default() }, report)
    }

    /// The same, with all that can be wished for.
    ///
    /// # Errors
    /// Those of [`Lab::up`].
    pub fn start(program: &Path, name: &str, wanted: Wanted<'_>, report: &mut dyn FnMut(&str)) -> Result<Self> {
        check_name(name)?;
        let count = wanted.count;
        if !(1..=network::MOST_MACHINES).contains(&count) {
            return Err(Error::usage(format!("a lab has 1 to {} machines, not {count}", network::MOST_MACHINES)));
        }
        if wanted.debian.len() > count {
            return Err(Error::usage(format!("{} releases are more than the lab has machines", wanted.debian.len()))
                .hinted("One release is for all machines; of a list, each machine has its own in their order."));
        }
        if wanted.vms {
            support_vms()?
        } else {
            support()?
        }
        clear_remains(name, report)?;
        run_keeper(program, name, wanted, report).inspect_err(|_| {
            // A keeper that could speak has cleared up; one that was killed has left its directory to us.
            if State::read(name).is_some_and(|state| !state.keeper.is_alive()) {
                let _ = Self::down(name);
            }
        })?;
        Self::find(name)?.ok_or_else(|| Error::failed(format!("the lab {name} ended as soon as it was up")))
    }
}

/// A lab whose keeper was killed leaves a directory: it goes. One that runs, or is coming up, is left alone.
fn clear_remains(name: &str, report: &mut dyn FnMut(&str)) -> Result<()> {
    if !state::directory(name).exists() {
        return Ok(());
    }
    if State::read(name).is_some_and(|state| state.keeper.is_alive()) {
        return Err(state::runs_already(name));
    }
    report("Removing what an interrupted lab left");
    Lab::down(name).map(drop)
}

fn run_keeper(program: &Path, name: &str, wanted: Wanted<'_>, report: &mut dyn FnMut(&str)) -> Result<()> {
    let Wanted { count, packages, vms, debian } = wanted;
    let failed = || "cannot start the lab's keeper";
    let program: PathBuf = std::fs::canonicalize(program).context(failed)?;
    let (reader, writer) = std::io::pipe().context(failed)?;
    let mut keeper = command(&program);
    keeper.args(["lab", "keeper", "--name", name, "--program"]).arg(&program);
    keeper.args(vms.then_some("--vm"));
    keeper.args(debian.iter().map(|release| format!("--debian={release}")));
    keeper.arg(count.to_string()).args(packages);
    // What it writes on its way down, a panic for instance, comes the same way as its messages.
    keeper.stdin(Stdio::piped()).stdout(writer.try_clone().context(failed)?).stderr(writer);
    let mut child = keeper.spawn().context(failed)?;
    // Our copies of the writing end go, so that the reading ends when the keeper does.
    drop(keeper);
    let input = child.stdin.take();
    let result = listen(BufReader::new(reader), report);
    match (&result, input) {
        (Ok(()), Some(mut input)) => input.write_all(b"\n").context(|| "cannot take the lab over")?,
        _ => {
            child.wait().context(|| "cannot wait for the lab's keeper")?;
        }
    }
    result
}

/// Until the keeper is done, or says why it is not.
fn listen(lines: impl BufRead, report: &mut dyn FnMut(&str)) -> Result<()> {
    let mut stray = String::new();
    for line in lines.lines() {
        let line = line.context(|| "cannot hear the lab's keeper")?;
        match wire::parse(&line) {
            Some(Message::Report { text }) => report(&text),
            Some(Message::Done) => return Ok(()),
            Some(failed @ Message::Failed { .. }) => {
                return Err(failed.into_error().unwrap_or_else(|| Error::failed("the lab did not come up")));
            }
            _ => stray += &format!("{line}\n"),
        }
    }
    Err(Error::failed("the lab's keeper ended before the machines were up").because(host::last_lines(&stray, 10)))
}
