//! Fresh machines for one contender: a lab of its own, and a folder for what the contender needs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use super::{
    Outcome,
    program::{AtTheEnd, Program},
};

/// What is on every machine before anybody begins: so nothing is downloaded, by nobody. The last one is what Ansible's
/// module for apt needs.
const PACKAGES: &str = "openmpi-bin,libopenmpi-dev,python3-mpi4py,python3-apt";

/// What all clusters have in common.
pub struct Setting {
    pub mpiup: PathBuf,
    /// Below it everything is made.
    pub folder: PathBuf,
}

/// Machines, gone when this is dropped, or this process ends.
pub struct Cluster {
    /// For the contender's files; commands are typed here.
    pub folder: PathBuf,
    /// Names and addresses, head node first.
    pub nodes: Vec<(String, String)>,
    /// Of the process in whose network the machines are reached without a proxy.
    pub keeper: u64,
    mpiup: PathBuf,
    lab: String,
    _end: AtTheEnd,
}

impl Cluster {
    pub fn up(setting: &Setting, size: usize) -> Outcome<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let lab = format!("bench-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = setting.folder.join(&lab);
        fs::create_dir(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let mpiup = setting.mpiup.clone();
        let end =
            AtTheEnd::run(&format!("'{}' lab down --name {lab}; rm -rf '{}'", mpiup.display(), folder.display()))?;
        let program = mpiup.display().to_string();
        let count = size.to_string();
        Program::new(&folder, [&program, "lab", "up", &count, "--name", &lab, "--with", PACKAGES]).run()?;
        let state = Path::new("/run/mpiup/lab").join(&lab).join("state.json");
        let state = fs::read_to_string(&state).map_err(|error| format!("cannot read {}: {error}", state.display()))?;
        let state: Value = serde_json::from_str(&state).map_err(|error| format!("the lab's state: {error}"))?;
        let nodes = state["machines"].as_array().into_iter().flatten().filter_map(|machine| {
            Some((machine["name"].as_str()?.to_owned(), machine["address"].as_str()?.to_owned()))
        });
        let keeper = state["keeper"]["pid"].as_u64().ok_or("the lab's state names no keeper")?;
        Ok(Self { folder, nodes: nodes.collect(), keeper, mpiup, lab, _end: end })
    }

    /// Where the lab keeps its key, its host keys and its configuration of ssh.
    pub fn lab_folder(&self) -> String {
        format!("/run/mpiup/lab/{}", self.lab)
    }

    pub fn ssh_config(&self) -> String {
        format!("{}/ssh_config", self.lab_folder())
    }

    /// mpiup.toml for these machines, with a slot on each, as the peers' hostfile has it.
    pub fn write_spec(&self, source: &str) -> Outcome<()> {
        let nodes: String =
            self.nodes.iter().map(|(name, _)| format!("{name} = {{ address = \"{name}\", slots = 1 }}\n")).collect();
        let spec = format!(
            "[cluster]\nname = \"bench\"\nuser = \"mpi\"\nhead = \"master\"\n[ssh]\nconfig = \"{}\"\n[nodes]\n{nodes}\
             [share]\nkind = \"sync\"\npath = \"MPI\"\n[mpi]\nflavour = \"openmpi\"\nsource = \"{source}\"\n\
             [python]\nrequirements = [\"mpi4py\"]\n",
            self.ssh_config()
        );
        self.write("mpiup.toml", &spec)
    }

    pub fn write(&self, name: &str, text: &str) -> Outcome<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// mpiup, as one types it here.
    pub fn mpiup(&self, arguments: &[&str]) -> Program {
        let program = self.mpiup.display().to_string();
        Program::new(&self.folder, [&[program.as_str()], arguments].concat())
    }

    /// A fresh connection of plain ssh.
    pub fn ssh(&self, node: &str, command: &str) -> Program {
        Program::new(&self.folder, ["ssh", "-F", &self.ssh_config(), node, command])
    }

    /// One on each node.
    pub fn ssh_everywhere(&self, command: &str) -> Vec<Program> {
        self.nodes.iter().map(|(name, _)| self.ssh(name, command)).collect()
    }
}
