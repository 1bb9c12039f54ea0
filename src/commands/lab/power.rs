//! `mpiup lab power`: what a hand at the plug does to a machine that boots.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use super::Row;
use crate::{
    error::Result,
    lab::{self, Lab, Machine, Power},
    ui::Ui,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum To {
    /// Switch it on, and wait until it has booted
    On,
    /// Pull the plug
    Off,
}

/// Its network may come up after its services. What it is then is shown in any case.
const SSHD: Duration = Duration::from_secs(60);

/// A machine that is as it is wanted is left alone.
pub fn run(name: &str, node: &str, to: To, ui: &Ui) -> Result<()> {
    let lab = Lab::find(name)?.ok_or_else(|| lab::no_such_lab(name))?;
    let machine = lab.machine_that_boots(node)?;
    match (to, machine.is_running()) {
        (To::Off, true) => lab.power(node, Power::Cut)?,
        (To::On, false) => {
            ui.say(&format!("{node} boots; without KVM that takes a minute."));
            lab.power(node, Power::On)?;
            wait_for_sshd(machine);
        }
        _ => {}
    }
    let row = Row::of(machine);
    if ui.is_json() {
        return ui.json(&row);
    }
    ui.out(&format!("{node} is {}.", if to == To::On { "on" } else { "off" }));
    Ok(())
}

fn wait_for_sshd(machine: &Machine) {
    let until = Instant::now() + SSHD;
    while !machine.answers_ssh() && Instant::now() < until {
        sleep(Duration::from_millis(200));
    }
}
