//! `mpiup lab power`: what a hand at the plug does to a machine that boots.

use super::Row;
use crate::{
    error::Result,
    lab::{self, Lab, Power},
    ui::Ui,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum To {
    /// Switch it on, and wait until it has booted
    On,
    /// Pull the plug
    Off,
}

/// A machine that is as it is wanted is left alone.
pub fn run(name: &str, node: &str, to: To, ui: &Ui) -> Result<()> {
    let lab = Lab::find(name)?.ok_or_else(|| lab::no_such_lab(name))?;
    let machine = lab.machine_that_boots(node)?;
    match (to, machine.is_running()) {
        (To::Off, true) => lab.power(node, Power::Cut)?,
        (To::On, false) => {
            ui.say(&format!("{node} boots; without KVM that takes a minute."));
            lab.power(node, Power::On)?;
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
