//! What people use instead: Ansible and pyinfra, from PyPI, in pinned versions, in a virtual environment below `target/`.

use std::path::{Path, PathBuf};

use super::{Outcome, cluster::Cluster, program::Program};
use crate::run;

/// Both of them, installed.
pub struct Peers {
    bin: PathBuf,
    data: PathBuf,
}

impl Peers {
    /// None, with a word about it, where they cannot be had.
    pub fn install(folder: &Path) -> Outcome<Option<Self>> {
        run::heading("Ansible and pyinfra");
        let data = run::root().join("xtask/bench");
        let peers = Self { bin: folder.join("venv/bin"), data };
        let requirements = peers.data.join("requirements.txt");
        let pip = peers.program("pip");
        let words = |words: &[&str]| Program::new(folder, words.iter().copied());
        let installed = words(&["python3", "-m", "venv", "venv"]).run().and_then(|_| {
            words(&[
                &pip,
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
                &requirements.display().to_string(),
            ])
            .run()
        });
        Ok(match installed {
            Ok(_) => Some(peers),
            Err(problem) => {
                run::say(&format!("They cannot be had here, and are left out: {problem}"));
                None
            }
        })
    }

    /// Gives a cluster what both need: a key pair for its nodes, and lists of them.
    pub fn prepare(&self, cluster: &Cluster) -> Outcome<()> {
        let key = self.key(cluster);
        Program::new(&cluster.folder, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &key]).run()?;
        let list: String =
            cluster.nodes.iter().map(|(name, address)| format!("{name} ansible_host={address}\n")).collect();
        cluster.write("inventory.ini", &format!("[nodes]\n{list}"))?;
        let lab = cluster.lab_folder();
        let hosts: String = cluster
            .nodes
            .iter()
            .enumerate()
            .map(|(place, (name, address))| {
                format!("    ({name:?}, {{**common, \"ssh_hostname\": {address:?}, \"place\": {place}}}),\n")
            })
            .collect();
        cluster.write("inventory.py", &format!(
            "common = {{\n    \"ssh_user\": \"root\",\n    \"ssh_key\": \"{lab}/key\",\n    \"ssh_known_hosts_file\": \"{lab}/known_hosts\",\n    \
             \"ssh_strict_host_key_checking\": \"yes\",\n    \"ssh_config_file\": \"/dev/null\",\n    \"key\": {key:?},\n}}\nnodes = [\n{hosts}]\n"
        ))
    }

    /// The playbook, once over all nodes.
    pub fn ansible(&self, cluster: &Cluster) -> Program {
        let file = |name: &str| self.data.join(name).display().to_string();
        let key = format!("key={}", self.key(cluster));
        let argv = [
            self.program("ansible-playbook"),
            "-i".into(),
            "inventory.ini".into(),
            "-e".into(),
            key,
            file("playbook.yml"),
        ];
        let own = |name: &str| cluster.folder.join(name).display().to_string();
        Program::new(&cluster.folder, argv)
            .env("ANSIBLE_CONFIG", file("ansible.cfg"))
            .env("ANSIBLE_FORKS", cluster.nodes.len().to_string())
            .env("ANSIBLE_HOME", own("ansible"))
            // Short enough for a socket.
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", format!("{}/ansible", cluster.lab_folder()))
            .env("ANSIBLE_SSH_ARGS", format!("-F {} -o ControlMaster=auto -o ControlPersist=60s", cluster.ssh_config()))
    }

    /// The deploy, once over all nodes. It has an ssh of its own, which cannot go through the lab's proxy as OpenSSH does: so
    /// it runs in the lab's network.
    pub fn pyinfra(&self, cluster: &Cluster) -> Program {
        let network = format!("--net=/proc/{}/ns/net", cluster.keeper);
        let deploy = self.data.join("deploy.py").display().to_string();
        Program::new(&cluster.folder, ["nsenter", &network, &self.program("pyinfra"), "-y", "inventory.py", &deploy])
            .env("PYTHONDONTWRITEBYTECODE", "1")
    }

    fn program(&self, name: &str) -> String {
        self.bin.join(name).display().to_string()
    }

    fn key(&self, cluster: &Cluster) -> String {
        cluster.folder.join("key").display().to_string()
    }
}
