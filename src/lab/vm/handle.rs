//! What a test does to a running machine from outside: run a command as its root, switch it off and on, keep it as it is and
//! come back to that.

use std::{
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Output},
    time::{Duration, Instant},
};

use super::{
    agent::{self, Agent},
    identity,
    monitor::Monitor,
    qemu::Sockets,
};
use crate::{
    error::{Error, Result},
    lab::{Lab, Machine, host},
    quote,
};

/// A command in a machine that is busy on a busy computer.
const COMMAND: Duration = Duration::from_secs(300);
const BOOT: Duration = Duration::from_secs(900);

/// What is done to a machine's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The plug is pulled: what was not written is lost, and nothing answers any more.
    Cut,
    /// Switched on again after [`Power::Cut`] or a `poweroff`; returns when it has booted.
    On,
}

impl Lab {
    /// The machine of this name, where it has a kernel and power of its own.
    ///
    /// # Errors
    /// When there is none, or it has not.
    pub fn machine_that_boots(&self, machine: &str) -> Result<&Machine> {
        self.vm(machine).map(|(machine, _)| machine)
    }

    /// Pulls the plug of a machine that boots, or switches it on.
    ///
    /// # Errors
    /// When there is no such machine, or it has no power of its own.
    pub fn power(&self, machine: &str, power: Power) -> Result<()> {
        let (machine, sockets) = self.vm(machine)?;
        let act = || -> Result<()> {
            let mut monitor = Monitor::connect(&sockets.monitor)?;
            match power {
                // Its memory is gone with the reset that comes before anything runs again.
                Power::Cut => monitor.stop(),
                Power::On => {
                    monitor.stop()?;
                    monitor.reset()?;
                    monitor.go_on()
                }
            }
        };
        act().map_err(|error| error.on(&machine.name))?;
        if power == Power::On { self.wait_for_boot(&machine.name) } else { Ok(()) }
    }

    /// Waits until a machine that is starting has booted: all its services have.
    ///
    /// # Errors
    /// When it has not after a quarter of an hour.
    pub fn wait_for_boot(&self, machine: &str) -> Result<()> {
        let (machine, sockets) = self.vm(machine)?;
        let booted = || -> Result<()> {
            let mut agent = wait_for_agent(sockets)?;
            let ended = agent.run(&["systemctl", "is-system-running", "--wait"], b"", COMMAND)?;
            // Anything but "starting" and "stopping": a service that failed is for the caller to see.
            let said = String::from_utf8_lossy(&ended.stdout).trim().to_owned();
            if matches!(said.as_str(), "running" | "degraded") {
                return identity::set_clock(&mut agent);
            }
            Err(Error::failed(format!("the machine is {said}")))
        };
        booted().map_err(|error| error.on(&machine.name))
    }

    /// Keeps all machines as they are at this moment under a name, memory and disk.
    ///
    /// # Errors
    /// When one of them has no memory of its own, or cannot be saved.
    pub fn save(&self, tag: &str) -> Result<()> {
        self.each_monitor(|monitor| {
            monitor.stop()?;
            monitor.snapshot("savevm", tag)
        })?;
        self.each_monitor(Monitor::go_on)
    }

    /// Brings all machines back to what was kept under this name, and sets their clocks.
    ///
    /// # Errors
    /// When nothing was kept under it.
    pub fn restore(&self, tag: &str) -> Result<()> {
        self.each_monitor(|monitor| {
            monitor.stop()?;
            monitor.snapshot("loadvm", tag)
        })?;
        self.each_monitor(Monitor::go_on)?;
        for machine in self.machines() {
            let (machine, sockets) = self.vm(&machine.name)?;
            wait_for_agent(sockets)
                .and_then(|mut agent| identity::set_clock(&mut agent))
                .map_err(|error| error.on(&machine.name))?;
        }
        Ok(())
    }

    fn each_monitor(&self, act: impl Fn(&mut Monitor) -> Result<()>) -> Result<()> {
        for machine in self.machines() {
            let (machine, sockets) = self.vm(&machine.name)?;
            Monitor::connect(&sockets.monitor)
                .and_then(|mut monitor| act(&mut monitor))
                .map_err(|error| error.on(&machine.name))?;
        }
        Ok(())
    }

    fn vm(&self, machine: &str) -> Result<(&Machine, &Sockets)> {
        let machine = self.machine(machine)?;
        let sockets = machine.vm.as_ref().ok_or_else(|| {
            let why =
                format!("the lab {} was not started with --vm: its machines have no power of their own", self.name());
            Error::usage(why)
                .on(&machine.name)
                .hinted(format!("Machines that boot, beside it: {} lab up 3 --vm --name OTHER", crate::lab::mpiup()))
        })?;
        if machine.process_lives() {
            Ok((machine, sockets))
        } else {
            Err(Error::failed("its QEMU has ended").on(&machine.name))
        }
    }
}

/// A command as the machine's root.
pub(in crate::lab) fn run(sockets: &Sockets, argv: &[&str]) -> Result<Output> {
    let ended = wait_for_agent(sockets)?.run(argv, b"", COMMAND)?;
    if ended.status == 0 {
        return Ok(Output { status: ExitStatus::from_raw(0), stdout: ended.stdout, stderr: ended.stderr });
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    Err(Error::failed(format!("`{}` ended with {}", quote::words(argv.iter().copied()), ended.status))
        .because(host::last_lines(&said, 8)))
}

/// Whether its processor runs.
pub(in crate::lab) fn runs(sockets: &Sockets) -> bool {
    Monitor::connect(&sockets.monitor).and_then(|mut monitor| monitor.runs()).unwrap_or(false)
}

fn wait_for_agent(sockets: &Sockets) -> Result<Agent> {
    agent::wait(&sockets.agent, Instant::now() + BOOT, &mut || {
        std::thread::sleep(Duration::from_millis(100));
        Ok(())
    })
}
