//! Which nodes a job can use, and what they have in common. Pure.

use std::collections::BTreeSet;

use super::Standing;
use crate::{
    error::{Error, Result},
    facts::mpi,
    python,
    spec::{Flavour, NodeName, NodeSpec, ShareKind, Source, Spec},
    steps::{self, Layout},
};

/// The nodes that a job can use, in the spec's order.
#[derive(Debug, Clone)]
pub struct Crew {
    pub layout: Layout,
    pub members: Vec<CrewNode>,
    /// Nodes that answered, but are not set up as the spec says, and what is missing.
    pub unready: Vec<(NodeName, String)>,
    /// The launcher on the head node: path, and major version.
    pub mpiexec: (String, u32),
}

/// One node of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrewNode {
    pub name: NodeName,
    pub slots: u32,
    pub is_root: bool,
    /// The folder of the cluster's journal.
    pub state: String,
    /// Nodes with the same one share a kernel.
    pub boot_id: String,
}

impl Crew {
    /// Decides for the nodes that answered.
    ///
    /// # Errors
    /// When the head node, which launches, is not set up.
    pub fn choose(spec: &Spec, seen: &[(NodeSpec, Standing)]) -> Result<Crew> {
        let not_set_up = |why: &str| {
            Error::failed("the cluster is not set up as mpiup.toml says")
                .on(&spec.head)
                .because(why)
                .hinted("`mpiup plan` shows what is missing, `mpiup up` does it.")
        };
        let head = seen.iter().find(|(node, _)| node.name == spec.head).map(|(_, standing)| standing);
        let head = head.ok_or_else(|| not_set_up("the head node did not answer"))?;
        if let Some(missing) = missing(spec, true, head) {
            return Err(not_set_up(&missing));
        }
        let home = head.home.clone().unwrap_or_default();
        let layout = Layout::new(spec, &home);
        let mpiexec = match launcher(spec, &layout.env, head) {
            Some(found) => found,
            None => return Err(not_set_up("no mpiexec of the cluster's MPI was found")),
        };
        let (mut members, mut unready) = (Vec::new(), Vec::new());
        let reference = steps::clock::reference(seen.iter().map(|(_, standing)| standing.clock_ahead));
        for (node, standing) in seen {
            let other_home = || {
                let other = standing.home.as_deref().filter(|other| *other != home)?;
                Some(format!("the home of {} is {other} there, not {home}", spec.user))
            };
            let off = || steps::clock::of_node(standing.clock_ahead, reference);
            match missing(spec, spec.is_head(&node.name), standing).or_else(other_home).or_else(off) {
                Some(why) if node.name == spec.head => {
                    return Err(Error::failed("the head node cannot be used, and it launches the jobs")
                        .on(&spec.head)
                        .because(why)
                        .hinted("Mend that, or name another one: `head` in [cluster] of mpiup.toml."));
                }
                Some(why) => unready.push((node.name.clone(), why)),
                None => members.push(CrewNode {
                    name: node.name.clone(),
                    slots: node.slots.unwrap_or(standing.cores).max(1),
                    is_root: standing.is_root,
                    state: standing.state.clone(),
                    boot_id: standing.boot_id.clone(),
                }),
            }
        }
        Ok(Crew { layout, members, unready, mpiexec })
    }

    /// Leaves out the nodes that were lost since.
    pub fn keep(&mut self, is_there: impl Fn(&NodeName) -> bool) {
        self.members.retain(|node| is_there(&node.name));
    }

    /// Whether some nodes share a kernel: their processes compete for the same cores.
    pub fn shares_cores(&self) -> bool {
        let kernels: BTreeSet<&str> = self.members.iter().map(|node| node.boot_id.as_str()).collect();
        kernels.len() < self.members.len()
    }

    /// Whether every node of the spec takes part: then the hostfile of the share names the right ones.
    pub fn is_whole(&self, spec: &Spec) -> bool {
        self.members.len() == spec.nodes.len()
    }

    /// The node with this name, where it takes part.
    pub fn member(&self, name: &NodeName) -> Option<&CrewNode> {
        self.members.iter().find(|node| &node.name == name)
    }
}

/// Path and major version of the launcher of the cluster's MPI.
fn launcher(spec: &Spec, env: &str, head: &Standing) -> Option<(String, u32)> {
    if spec.source == Source::Wheels {
        return Some((format!("{env}/bin/mpiexec"), 5));
    }
    let theirs = |launcher: &&mpi::Launcher| launcher.flavour == spec.flavour && !launcher.path.starts_with(env);
    let found = head.mpi.iter().find(theirs)?;
    Some((found.path.clone(), found.major().unwrap_or(4)))
}

/// What a rank needs and this node lacks.
fn missing(spec: &Spec, is_head: bool, standing: &Standing) -> Option<String> {
    if standing.home.is_none() {
        return Some(format!("the account {} is missing", spec.user));
    }
    let Some(stamp) = &standing.stamp else { return Some("the Python environment is missing".into()) };
    let wanted = |target| python::key(target, &spec.requirements, &steps::wheels(spec));
    if standing.target.as_ref().is_some_and(|target| wanted(target) != *stamp) {
        return Some("its Python environment is not the one that mpiup.toml describes".into());
    }
    if !standing.has_interpreter {
        return Some("the Python that its environment runs on is missing".into());
    }
    if let Some(full) = &standing.full {
        return Some(format!("its disk is full: {full}"));
    }
    if !standing.has_key {
        return Some("its key for the other nodes is missing".into());
    }
    if let Some(silent) = &standing.share.silent {
        return Some(format!("the shared folder {} does not answer: {silent}", spec.share.path));
    }
    if spec.share.kind == ShareKind::Nfs && !is_head && standing.share.mounted().is_none_or(|mount| !mount.is_nfs()) {
        return Some(format!("the shared folder {} is not mounted", spec.share.path));
    }
    if !standing.has_share {
        return Some(format!("the shared folder {} is missing", spec.share.path));
    }
    if spec.source != Source::Wheels && standing.mpi.iter().all(|launcher| launcher.flavour != spec.flavour) {
        let name = if spec.flavour == Flavour::Openmpi { "Open MPI" } else { "MPICH" };
        return Some(format!("{name} is missing"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::share,
        python::{Libc, Target},
    };

    fn spec(source: &str) -> Spec {
        let text = format!(
            "[cluster]\nname = \"lab\"\nuser = \"mpi\"\nhead = \"master\"\n[nodes]\nmaster = {{ address = \"10.0.0.1\", slots = 2 }}\nclient1 = \"10.0.0.2\"\n[share]\nkind = \"sync\"\npath = \"MPI\"\n[mpi]\nflavour = \"openmpi\"\nsource = \"{source}\"\n[python]\nrequirements = [\"mpi4py\"]\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mpiup.toml");
        std::fs::write(&path, text).unwrap();
        crate::spec::file::load(&path).unwrap()
    }

    fn standing(spec: &Spec, boot_id: &str) -> Standing {
        let target = Target { python: (3, 11), arch: "x86_64".into(), libc: Libc::Glibc(2, 36) };
        Standing {
            is_root: true,
            home: Some("/home/mpi".into()),
            state: "/var/lib/mpiup/lab".into(),
            has_share: true,
            share: share::Share::default(),
            has_key: true,
            stamp: Some(python::key(&target, &spec.requirements, &steps::wheels(spec))),
            target: Some(target),
            has_interpreter: true,
            clock_ahead: Some(0),
            full: None,
            boot_id: boot_id.into(),
            cores: 4,
            mpi: vec![],
        }
    }

    fn crew(spec: &Spec, master: Standing, client1: Standing) -> Result<Crew> {
        let seen: Vec<_> = spec.nodes.iter().cloned().zip([master, client1]).collect();
        Crew::choose(spec, &seen)
    }

    #[test]
    fn slots_are_the_specs_or_the_cores() {
        let spec = spec("wheels");
        let crew = crew(&spec, standing(&spec, "a"), standing(&spec, "b")).unwrap();
        assert_eq!(crew.members.iter().map(|node| node.slots).collect::<Vec<_>>(), [2, 4]);
        assert!(crew.is_whole(&spec) && !crew.shares_cores());
        assert_eq!(crew.mpiexec, ("/home/mpi/.mpiup/env/bin/mpiexec".into(), 5));
    }

    #[test]
    fn a_node_that_lacks_something_is_left_out_with_the_reason() {
        let spec = spec("wheels");
        let good = || standing(&spec, "a");
        let reason = |client1: Standing| {
            let crew = crew(&spec, good(), client1).unwrap();
            assert_eq!((crew.members.len(), crew.unready[0].0.as_str()), (1, "client1"));
            assert!(!crew.is_whole(&spec));
            crew.unready[0].1.clone()
        };
        assert_eq!(reason(Standing { home: None, ..good() }), "the account mpi is missing");
        assert_eq!(reason(Standing { stamp: None, ..good() }), "the Python environment is missing");
        assert_eq!(
            reason(Standing { stamp: Some("another".into()), ..good() }),
            "its Python environment is not the one that mpiup.toml describes"
        );
        assert_eq!(
            reason(Standing { has_interpreter: false, ..good() }),
            "the Python that its environment runs on is missing"
        );
        assert_eq!(
            reason(Standing { full: Some("0 KiB are free on /tmp".into()), ..good() }),
            "its disk is full: 0 KiB are free on /tmp"
        );
        // The operator's clock is the third.
        assert_eq!(
            reason(Standing { clock_ahead: Some(-10_921), ..good() }),
            "its clock is 3 h 2 min behind the clocks of the other nodes"
        );
        assert_eq!(reason(Standing { has_key: false, ..good() }), "its key for the other nodes is missing");
        assert_eq!(reason(Standing { has_share: false, ..good() }), "the shared folder MPI is missing");
        assert_eq!(
            reason(Standing { home: Some("/srv/mpi".into()), ..good() }),
            "the home of mpi is /srv/mpi there, not /home/mpi"
        );
    }

    /// The head serves it from its own disk.
    #[test]
    fn a_share_over_nfs_is_mounted_and_answers() {
        let spec = Spec { share: crate::spec::Share { kind: ShareKind::Nfs, path: "MPI".into() }, ..spec("wheels") };
        let reason = |mounts: &str, silent: &str| {
            let share = share::share("/home/mpi/MPI", mounts, silent, "");
            let client1 = Standing { share, ..standing(&spec, "b") };
            crew(&spec, standing(&spec, "a"), client1).unwrap().unready.pop().map(|(_, why)| why)
        };
        let mounted = "nfs4\t/home/mpi/MPI\tmaster:/home/mpi/MPI";
        assert_eq!(reason(mounted, ""), None);
        assert_eq!(reason("ext4\t/\t/dev/vda1", "").unwrap(), "the shared folder MPI is not mounted");
        assert_eq!(
            reason(mounted, "no answer within 15 s").unwrap(),
            "the shared folder MPI does not answer: no answer within 15 s"
        );
    }

    #[test]
    fn without_the_head_there_is_no_job() {
        let spec = spec("distro");
        let error = crew(&spec, standing(&spec, "a"), standing(&spec, "b")).unwrap_err();
        assert_eq!(error.to_string(), "master: the cluster is not set up as mpiup.toml says: Open MPI is missing");
        let launcher = |path: &str, version: &str| mpi::Launcher {
            path: path.into(),
            flavour: Flavour::Openmpi,
            version: version.into(),
        };
        let found =
            vec![launcher("/home/mpi/.mpiup/env/bin/mpiexec", "5.0.11"), launcher("/usr/bin/mpiexec.openmpi", "4.1.4")];
        let with = |boot: &str| Standing { mpi: found.clone(), ..standing(&spec, boot) };
        let mut crew = crew(&spec, with("a"), with("a")).unwrap();
        assert_eq!(crew.mpiexec, ("/usr/bin/mpiexec.openmpi".into(), 4));
        assert!(crew.shares_cores());
        crew.keep(|name| name.as_str() == "master");
        assert!(!crew.shares_cores() && !crew.is_whole(&spec));
    }
}
