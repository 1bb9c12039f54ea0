//! `mpiup init --add`: more machines for an mpiup.toml that is there. What a person wrote into it stays as it is.

use std::path::Path;

use super::{Named, Wishes, choose, look, show};
use crate::{
    commands::global::Global,
    error::{Context as _, Error, Result},
    spec::{self, NodeSpec, edit, nodeset},
    ui::Ui,
};

/// Looks at the machines and adds those that could be looked at.
///
/// # Errors
/// When the file is not there or is no spec, a machine is in it already, or one could not be looked at.
pub(super) async fn add(named: &[Named], path: &Path, global: &Global, ui: &Ui) -> Result<()> {
    let spec = spec::file::load(path)?;
    let mut text = std::fs::read_to_string(path).context(|| format!("{} cannot be read", path.display()))?;
    let wishes = Wishes {
        name: Some(spec.name.clone()),
        user: Some(spec.user.clone()),
        ssh_config: spec.ssh_config.clone(),
        ..Wishes::default()
    };
    let (found, lost) = look(named, &wishes, global, ui).await?;
    lost.iter().for_each(|error| ui.error(error));
    show(&found, ui);
    let mut added = Vec::new();
    for (machine, name) in found.iter().zip(choose::names(&found, &spec.nodes)) {
        let Some(facts) = &machine.facts else { continue };
        let slots = machine.slots.unwrap_or(facts.cores);
        let node = NodeSpec { name, address: machine.address.clone(), slots: Some(slots) };
        text = edit::add_node(&text, &node)?;
        added.push(node.name.to_string());
    }
    if added.is_empty() {
        return Err(Error::failed("no machine could be looked at, so nothing was written"));
    }
    spec::save(path, &text)?;
    ui.done(&format!("Added to {}: {}.", path.display(), nodeset::fold_in_order(&added)));
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("{} of {} machines could not be looked at, and were not added", lost.len(), named.len())))
}
