//! `mpiup lab`: virtual machines on this computer, for trying, teaching and testing.

use std::{net::Ipv4Addr, os::unix::process::CommandExt, path::PathBuf};

use serde::Serialize;

mod power;

use crate::{
    error::{Context, Result},
    lab::{self, DEFAULT_NAME, Debian, DownReport, Lab, Machine, Wanted},
    ui::{Table, Ui},
};

/// Virtual machines on this computer, for trying, teaching and testing
///
/// The machines are called master, client1, client2 …; they share this computer's kernel and see its programs, and
/// everything else is their own: files, network, host name, processes, packages, SSH server. They are bare when they
/// come up, like freshly installed ones. Nothing of the computer changes, and `mpiup lab down` takes all of it away but what
/// was fetched for the next lab, in /var/cache/mpiup; with `--purge-cache` that goes, too. Needs root.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Start machines
    Up {
        /// How many, master included
        #[arg(value_name = "N")]
        count: usize,
        /// Packages that they have from the start, beyond this computer's own: openmpi-bin,nano
        #[arg(long, value_name = "PACKAGES", value_delimiter = ',')]
        with: Vec<String>,
        /// Machines that boot: each with a kernel, systemd and a disk of its own, by QEMU
        ///
        /// They run Debian whatever this computer runs. Root cannot log in; `admin` can, and becomes root by sudo with a
        /// password. The first time, their disk is made out of packages and they boot, which takes some minutes; later
        /// they go on from there.
        #[arg(long)]
        vm: bool,
        /// Their releases of Debian, 12 or 13: one for all of them, or a list in their order, as 12,12,13
        ///
        /// Machines beyond the list have the last one of it.
        #[arg(long, value_name = "RELEASES", value_delimiter = ',', default_value = "12", requires = "vm")]
        debian: Vec<Debian>,
        #[command(flatten)]
        lab: Name,
    },
    /// Log in to a machine as root (as admin, to one that boots), or run a command there
    Ssh {
        #[command(flatten)]
        lab: Name,
        /// master, client1, client2 …; with another user as mpi@master
        node: String,
        /// What to run there; without it, a shell
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Show the machines and how to reach them
    Status {
        #[command(flatten)]
        lab: Name,
    },
    /// Pull the plug of a machine that boots, or switch it on
    ///
    /// `off` is no orderly end: what was not written to the disk is lost. After `on` it has booted when this command ends.
    Power {
        #[command(flatten)]
        lab: Name,
        /// master, client1, client2 …
        node: String,
        #[arg(value_name = "on|off")]
        to: power::To,
    },
    /// Take the machines away, with everything on them
    Down {
        #[command(flatten)]
        lab: Name,
        /// Also remove what is kept for the next lab in /var/cache/mpiup: fetched packages, and of machines that boot their disks
        /// and how they stood once they had booted
        #[arg(long)]
        purge_cache: bool,
    },
    /// The process behind a running lab
    #[command(hide = true)]
    Keeper {
        #[command(flatten)]
        lab: Name,
        #[arg(long)]
        program: PathBuf,
        #[arg(long)]
        vm: bool,
        #[arg(long)]
        debian: Vec<Debian>,
        count: usize,
        packages: Vec<String>,
    },
    /// What ssh runs to reach a machine
    #[command(hide = true)]
    Connect {
        #[command(flatten)]
        lab: Name,
        address: Ipv4Addr,
        port: u16,
    },
}

#[derive(Debug, clap::Args)]
struct Name {
    /// The lab that is meant: several can run side by side
    #[arg(long, default_value = DEFAULT_NAME)]
    name: String,
}

/// Runs one of the lab's verbs; blocks. The keeper has to be run while the process has a single thread.
///
/// # Errors
/// Those of the verb.
pub fn run(args: &Args, ui: &Ui) -> Result<()> {
    match &args.verb {
        Verb::Up { count, with, vm, debian, lab } => {
            up(&lab.name, Wanted { count: *count, packages: with, vms: *vm, debian }, ui)
        }
        Verb::Ssh { lab, node, command } => ssh(&lab.name, node, command),
        Verb::Status { lab } => status(&lab.name, ui),
        Verb::Power { lab, node, to } => power::run(&lab.name, node, *to, ui),
        Verb::Down { lab, purge_cache } => down(&lab.name, *purge_cache, ui),
        Verb::Keeper { lab, program, vm, debian, count, packages } => {
            lab::run_keeper(&lab.name, &Wanted { count: *count, packages, vms: *vm, debian }, program)
        }
        Verb::Connect { lab, address, port } => lab::connect(&lab.name, *address, *port),
    }
}

fn up(name: &str, wanted: Wanted<'_>, ui: &Ui) -> Result<()> {
    let machines = Lab::up_with(name, wanted, &mut |text| ui.say(text))?;
    show(&machines, ui)?;
    if let Some(file) = machines.password_file() {
        ui.say(&format!("The password of admin, also for sudo, is in {}", file.display()));
    }
    ui.say(&format!("Log in with: {} lab ssh{} master", lab::mpiup(), option(name)));
    ui.say(&format!("Take everything away with: {} lab down{}", lab::mpiup(), option(name)));
    Ok(())
}

fn status(name: &str, ui: &Ui) -> Result<()> {
    let found = Lab::find(name)?;
    let others: Vec<Lab> = Lab::all()?.into_iter().filter(|lab| lab.name() != name).collect();
    if let Some(lab) = &found {
        show(lab, ui)?;
    }
    // Where this one does not run, the error names them.
    for other in others.iter().filter(|_| found.is_some()) {
        ui.say(&format!("Another lab runs: {} lab status{}", lab::mpiup(), option(other.name())));
    }
    found.map(drop).ok_or_else(|| lab::no_such_lab(name))
}

#[derive(Serialize)]
struct Row<'a> {
    machine: &'a str,
    address: Ipv4Addr,
    state: &'static str,
}

impl<'a> Row<'a> {
    fn of(machine: &'a Machine) -> Self {
        let state = match (machine.is_running(), machine.answers_ssh()) {
            (true, true) => "up",
            (true, false) => "sshd does not run",
            (false, _) => "off",
        };
        Self { machine: &machine.name, address: machine.address, state }
    }
}

fn show(lab: &Lab, ui: &Ui) -> Result<()> {
    let rows: Vec<Row<'_>> = lab.machines().iter().map(Row::of).collect();
    if ui.is_json() {
        ui.json(&rows)?;
    } else {
        let mut table = Table::new(&["MACHINE", "ADDRESS", "STATE"]);
        for row in &rows {
            table.row([row.machine.to_owned(), row.address.to_string(), row.state.to_owned()]);
        }
        ui.table(&table);
    }
    ui.say(&format!("Reach them by plain ssh with: {}ssh -F {} master", lab::sudo(), lab.ssh_config().display()));
    Ok(())
}

/// This process becomes ssh, so that terminal, signals and exit code are ssh's own.
#[allow(clippy::disallowed_methods, reason = "exec replaces this process: there is no output to keep for an error")]
fn ssh(name: &str, node: &str, command: &[String]) -> Result<()> {
    let lab = Lab::find(name)?.ok_or_else(|| lab::no_such_lab(name))?;
    lab.machine(node.rsplit_once('@').map_or(node, |(_, machine)| machine))?;
    let error = std::process::Command::new("ssh").arg("-F").arg(lab.ssh_config()).arg(node).args(command).exec();
    Err(error).context(|| "cannot start ssh")
}

fn down(name: &str, purge_cache: bool, ui: &Ui) -> Result<()> {
    let DownReport { found, machines } = Lab::down(name)?;
    ui.out(&match (found, machines) {
        (false, _) => format!("No lab of the name {name} runs: nothing to take away."),
        (true, 0) => format!("Removed what was left of the lab {name}."),
        (true, 1) => format!("The lab {name} is gone: 1 machine."),
        (true, many) => format!("The lab {name} is gone: {many} machines."),
    });
    if let Some(text) = Lab::running().filter(|_| !found) {
        ui.say(&text);
    }
    if purge_cache && Lab::purge_cache()? {
        ui.out("The cached base layer is gone as well; the next lab fetches it again.");
    }
    Ok(())
}

fn option(name: &str) -> String {
    if name == DEFAULT_NAME { String::new() } else { format!(" --name {name}") }
}
