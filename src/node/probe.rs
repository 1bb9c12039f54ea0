//! The capability to look at a node. Planning gets this and nothing else.

use std::time::Duration;

use super::{Node, Output};
use crate::error::Result;
use crate::spec::NodeName;

/// Reads a node. The type is the promise of the code that holds it: a script given to [`Probe::read`] changes nothing.
/// There is no way from a probe to [`super::Hands`]:
///
/// ```compile_fail,E0599
/// # use mpiup::node::{Hands, Probe};
/// fn plan(probe: &Probe<'_>) {
///     probe.hands();
/// }
/// ```
///
/// and hands need a consent, which nobody outside of the crate can make:
///
/// ```compile_fail,E0451
/// # use mpiup::node::{Consent, Hands, Node};
/// fn plan(node: &Node) {
///     Hands::new(node, &Consent { shown: () });
/// }
/// ```
/// ```compile_fail,E0624
/// # use mpiup::node::{Consent, Hands, Node};
/// fn plan(node: &Node) {
///     Hands::new(node, &Consent::after_showing_the_plan());
/// }
/// ```
/// ```compile_fail,E0308
/// # use mpiup::node::{Consent, Hands, Probe};
/// fn plan(probe: &Probe<'_>, consent: &Consent) {
///     Hands::new(probe, consent);
/// }
/// ```
///
/// With a node and a consent it goes, so it is not for a misspelt name that the above do not compile:
///
/// ```
/// # use mpiup::node::{Consent, Hands, Node};
/// fn apply(node: &Node, consent: &Consent) {
///     Hands::new(node, consent);
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    pub(super) node: &'a Node,
}

impl Probe<'_> {
    /// The node's name in the spec.
    pub fn name(&self) -> &NodeName {
        self.node.name()
    }

    /// Whether scripts run as root.
    pub fn is_root(&self) -> bool {
        self.node.is_root()
    }

    /// Runs a script that changes nothing. Its status is in the output: a script that fails is not an error here.
    ///
    /// # Errors
    /// When no answer came within `deadline`; every later call then fails at once, for the same reason.
    pub async fn read(&self, script: &str, deadline: Duration) -> Result<Output> {
        self.node.request(script, deadline, &mut |_| {}).await
    }
}
