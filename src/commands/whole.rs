//! A session with all that belongs to a cluster: nodes that answer at another address now, and nodes that left mpiup.toml.

use super::{
    global::Global,
    moved,
    session::{Session, opener},
};
use crate::{
    error::Result,
    node::Opener,
    provision::{Leavers, Reach},
    spec::Spec,
    ui::Ui,
};

/// [`Session::open`]; and looks for nodes at other addresses than the spec's, and meets the nodes that left it.
///
/// # Errors
/// As [`Session::open`].
pub async fn open(spec: Spec, reach: Reach, global: &Global, ui: &Ui) -> Result<(Session, Opener)> {
    let opener = opener(spec.ssh_config.clone(), global, ui, true)?;
    let mut session = Session::open_by(&opener, spec, ui).await;
    moved::find(&mut session, &opener, reach).await;
    session.leavers = Leavers::meet(&session.spec, &session.seen, &opener).await;
    Ok((session, opener))
}
