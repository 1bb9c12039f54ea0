//! A job as the flavour's own command line and environment. Pure: no file and no machine is looked at.
//!
//! The flavours differ in more than spelling. What was found by running them is said at the place; the options
//! themselves are in mpirun(1) of Open MPI 4.1, `mpirun --help` of 5.0 and `mpiexec -help` of MPICH (Hydra).

use crate::{distributions, spec::Flavour};

/// What is to be run where.
#[derive(Debug, Clone)]
pub struct Job {
    pub flavour: Flavour,
    /// The flavour's major version: 4 and 5 of Open MPI take different options. Any for MPICH.
    pub major: u32,
    /// The flavour's `mpiexec`: a path, so that another installation's is never taken by chance. (The one of the
    /// Open MPI wheel must be started by this name: `prterun` itself does not find its own files.)
    pub mpiexec: String,
    pub ranks: u32,
    /// Slots per node, of the nodes that the hostfile names; for this machine alone, one entry.
    pub slots: Vec<u32>,
    pub hosts: Hosts,
    /// Deal the ranks out to the nodes in turn, instead of filling one node after the other.
    pub by_node: bool,
    /// Other programs want the same cores, so ranks are not bound to them and yield while they wait. A job with more
    /// ranks than slots is treated so in any case. (In the lab every node takes all cores of the computer for its own.)
    pub shared_cores: bool,
    /// Started by root, which Open MPI refuses unless it is told twice.
    pub as_root: bool,
    /// The working directory of every rank. Without it Open MPI runs ranks in the home folder where the launcher's
    /// own directory is missing, and says nothing.
    pub working_directory: Option<String>,
    /// Set for every rank, on every node.
    pub env: Vec<(String, String)>,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// Where the ranks go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// This machine alone.
    Here,
    /// The path of a file in the flavour's own dialect: `host slots=N` for Open MPI, `host:N` for MPICH.
    File(String),
    /// Hosts and their slots, where the file names some that are not to be used.
    List(Vec<(String, u32)>),
}

impl Hosts {
    /// The options, given the flavour's own for a file and for a list. Both flavours take `host:slots` in a list.
    fn options(&self, file: &str, list: &str) -> Vec<String> {
        match self {
            Hosts::Here => vec![],
            Hosts::File(path) => words(&[file, path]),
            Hosts::List(hosts) => {
                let hosts: Vec<String> = hosts.iter().map(|(host, slots)| format!("{host}:{slots}")).collect();
                words(&[list, &hosts.join(",")])
            }
        }
    }
}

/// What to start, and the variables to start it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
}

impl Job {
    /// More ranks than slots.
    pub fn is_oversubscribed(&self) -> bool {
        u64::from(self.ranks) > self.slots.iter().map(|slots| u64::from(*slots)).sum()
    }
}

/// The launcher's command line and environment for `job`.
///
/// Values of variables stand in the environment alone: an argument list can be read by everybody on the machine.
pub fn command_line(job: &Job) -> Launch {
    let (mut options, flavour_env) = match job.flavour {
        Flavour::Openmpi => openmpi(job),
        Flavour::Mpich => mpich(job),
    };
    let mut argv = vec![job.mpiexec.clone()];
    argv.append(&mut options);
    argv.extend(job.argv.iter().cloned());
    // An MPI that stands aside finds its libraries by this; on the other nodes the user's shell sets it.
    let libraries = distributions::aside(&job.mpiexec).map(|aside| pair("LD_LIBRARY_PATH", aside.libraries));
    let env = job.env.iter().cloned().chain(flavour_env).chain(libraries).collect();
    Launch { argv, env }
}

fn openmpi(job: &Job) -> (Vec<String>, Vec<(String, String)>) {
    let mut options = words(&["-n", &job.ranks.to_string()]);
    options.extend(job.hosts.options("--hostfile", "--host"));
    if let Some(directory) = &job.working_directory {
        options.extend(words(&["--wdir", directory]));
    }
    let over = job.is_oversubscribed();
    let shared = over || job.shared_cores;
    // In 5 `--oversubscribe`, and `--map-by :OVERSUBSCRIBE`, put all ranks on the first node.
    match (job.major >= 5, over, job.by_node) {
        (true, true, _) => options.extend(words(&["--map-by", "node:OVERSUBSCRIBE"])),
        (false, true, by_node) => {
            options.push("--oversubscribe".to_owned());
            options.extend(if by_node { words(&["--map-by", "node"]) } else { Vec::new() });
        }
        (_, false, true) => options.extend(words(&["--map-by", "node"])),
        (_, false, false) => {}
    }
    if shared {
        options.extend(words(&["--bind-to", "none"]));
    }
    // Ranks on other nodes see only the variables that are named here.
    for (name, _) in &job.env {
        options.extend(words(&["-x", name]));
    }
    let mut env = Vec::new();
    if shared {
        // Otherwise a rank that waits spins, and takes the core from the one that it waits for.
        env.push(pair("OMPI_MCA_mpi_yield_when_idle", "1"));
    }
    if job.as_root {
        env.push(pair("OMPI_ALLOW_RUN_AS_ROOT", "1"));
        env.push(pair("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"));
    }
    (options, env)
}

/// Hydra passes the whole environment on to every rank, binds nothing, and fills nodes round robin when there are more
/// ranks than slots.
fn mpich(job: &Job) -> (Vec<String>, Vec<(String, String)>) {
    let mut options = words(&["-n", &job.ranks.to_string()]);
    options.extend(job.hosts.options("-f", "-hosts"));
    if job.by_node {
        options.extend(words(&["-ppn", "1"]));
    }
    if let Some(directory) = &job.working_directory {
        options.extend(words(&["-wdir", directory]));
    }
    (options, Vec::new())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(flavour: Flavour, major: u32) -> Job {
        Job {
            flavour,
            major,
            mpiexec: "/env/bin/mpiexec".into(),
            ranks: 6,
            slots: vec![2, 2, 2],
            hosts: Hosts::File("hosts".into()),
            by_node: false,
            shared_cores: false,
            as_root: false,
            working_directory: Some("/home/mpi/MPI".into()),
            env: vec![pair("MPIUP_JOB", "00c0ffee")],
            argv: words(&["python", "-m", "mpi4py", "ejemplo.py", "-n", "9"]),
        }
    }

    /// Environment and command line on one line, as one would type it.
    fn typed(job: &Job) -> String {
        let launch = command_line(job);
        assert_eq!(launch.argv[0], "/env/bin/mpiexec");
        assert!(launch.argv.ends_with(&job.argv));
        let options = &launch.argv[1..launch.argv.len() - job.argv.len()];
        let env = launch.env.iter().map(|(name, value)| format!("{name}={value} "));
        format!("{}mpiexec {}", env.collect::<String>(), options.join(" "))
    }

    const O: Flavour = Flavour::Openmpi;
    const YIELD: &str = "OMPI_MCA_mpi_yield_when_idle=1";

    #[test]
    fn an_mpi_aside_is_given_its_libraries() {
        let fedora = Job { mpiexec: "/usr/lib64/openmpi/bin/mpiexec".into(), ..job(Flavour::Openmpi, 5) };
        assert!(command_line(&fedora).env.contains(&pair("LD_LIBRARY_PATH", "/usr/lib64/openmpi/lib")));
        assert!(command_line(&job(Flavour::Openmpi, 5)).env.iter().all(|(name, _)| name != "LD_LIBRARY_PATH"));
    }

    #[test]
    fn as_many_ranks_as_slots() {
        let expected = "MPIUP_JOB=00c0ffee mpiexec -n 6 --hostfile hosts --wdir /home/mpi/MPI -x MPIUP_JOB";
        assert_eq!(typed(&job(O, 4)), expected);
        assert_eq!(typed(&job(O, 5)), expected);
        assert_eq!(typed(&job(Flavour::Mpich, 5)), "MPIUP_JOB=00c0ffee mpiexec -n 6 -f hosts -wdir /home/mpi/MPI");
    }

    #[test]
    fn a_list_of_hosts_in_place_of_the_file() {
        let listed = |flavour| {
            let hosts = Hosts::List(vec![("master".into(), 2), ("10.0.0.3".into(), 4)]);
            typed(&Job { hosts, env: Vec::new(), working_directory: None, ..job(flavour, 5) })
        };
        assert_eq!(listed(O), "mpiexec -n 6 --host master:2,10.0.0.3:4");
        assert_eq!(listed(Flavour::Mpich), "mpiexec -n 6 -hosts master:2,10.0.0.3:4");
    }

    #[test]
    fn more_ranks_than_slots_go_to_every_node() {
        let over =
            |flavour, major| typed(&Job { ranks: 7, env: Vec::new(), working_directory: None, ..job(flavour, major) });
        assert_eq!(over(O, 4), format!("{YIELD} mpiexec -n 7 --hostfile hosts --oversubscribe --bind-to none"));
        assert_eq!(
            over(O, 5),
            format!("{YIELD} mpiexec -n 7 --hostfile hosts --map-by node:OVERSUBSCRIBE --bind-to none")
        );
        assert_eq!(over(Flavour::Mpich, 5), "mpiexec -n 7 -f hosts");
    }

    #[test]
    fn one_rank_per_node_in_turn() {
        let by_node = |flavour, major, ranks| {
            typed(&Job { ranks, by_node: true, env: Vec::new(), working_directory: None, ..job(flavour, major) })
        };
        assert_eq!(by_node(O, 4, 3), "mpiexec -n 3 --hostfile hosts --map-by node");
        assert_eq!(by_node(O, 5, 3), "mpiexec -n 3 --hostfile hosts --map-by node");
        assert_eq!(by_node(Flavour::Mpich, 5, 3), "mpiexec -n 3 -f hosts -ppn 1");
        assert_eq!(
            by_node(O, 4, 7),
            format!("{YIELD} mpiexec -n 7 --hostfile hosts --oversubscribe --map-by node --bind-to none")
        );
    }

    #[test]
    fn this_machine_alone_with_shared_cores_as_root() {
        let job = Job {
            ranks: 2,
            slots: vec![2],
            hosts: Hosts::Here,
            shared_cores: true,
            as_root: true,
            working_directory: None,
            ..job(O, 5)
        };
        assert_eq!(
            typed(&job),
            format!(
                "MPIUP_JOB=00c0ffee {YIELD} OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
                 mpiexec -n 2 --bind-to none -x MPIUP_JOB"
            )
        );
    }
}
