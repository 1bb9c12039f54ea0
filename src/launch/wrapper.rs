//! What runs a job on a cluster, and what cleans up after it: two POSIX shell scripts.
//!
//! Guarantees: whether the job ends, is cancelled, or the operator's machine vanishes, no process of it stays on the
//! head node, nor on the other nodes that the head reaches by ssh. A process is the job's if it carries the job's id in
//! its environment and belongs to the user, or is the launcher's daemon right above such a process.
//! Not guaranteed: the end of a process that clears its own environment, or hangs in the kernel.

use super::Launch;
use crate::quote;

/// The variable that marks every process of a job with the job's id.
pub const JOB_VARIABLE: &str = "MPIUP_JOB";

/// A launch on a cluster, as the head node is to run it.
#[derive(Debug, Clone)]
pub struct Wrapped<'a> {
    /// Of [`new_job_id`].
    pub job: &'a str,
    pub launch: &'a Launch,
    /// An absolute path.
    pub directory: &'a str,
    /// Put before the user's `PATH`: the environment's `bin`.
    pub path_first: Option<&'a str>,
    /// The other nodes' names, as `ssh` on the head takes them: swept by the head when the operator is gone.
    pub others: &'a [String],
    /// Open MPI 5: its daemons carry the launcher's name for this run in their command lines.
    pub names_daemons: bool,
    /// The launcher writes into files below the user's home, from which its output is read. Open MPI 5 throws output away
    /// when a pipe does not take it at once (5.0.11, three ranks with 32 MiB each over ssh: 2 to 24 % arrived, exit
    /// code 0), but never when it writes into a file.
    pub spools: bool,
    /// Rank 0 reads what [`feed_script`] brings.
    pub input: bool,
}

/// A new job's id: 16 hexadecimal digits, so that no id is the beginning of another.
pub fn new_job_id() -> String {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // 2^44 microseconds are half a year: ids of one operator's machine do not meet within it.
    let time = since_1970.as_micros() & 0xfff_ffff_ffff;
    format!("{time:011x}{:05x}", std::process::id() & 0xf_ffff)
}

/// A script for `sh -c` that runs `wrapped` while its standard input stays open; give it an open pipe and close that to
/// cancel. Its status is the launcher's.
pub fn wrapper_script(wrapped: &Wrapped<'_>) -> String {
    let path = wrapped.path_first.map(|first| format!("PATH={}:$PATH ", quote::sh(first)));
    let variables: String =
        wrapped.launch.env.iter().map(|(name, value)| format!("{name}={} ", quote::sh(value))).collect();
    // The wrapper puts what daemons are known by before it, once it knows.
    let sweep_command = format!("sh -c {}", quote::sh(&format!("{}\nsweep\n", definitions(wrapped.job))));
    format!(
        "daemons=\n{sweep}\ndirectory={directory}\nothers={others}\ninput={input}\nnames_daemons={names_daemons}\nspools={spools}\nsweep_command={sweep_command}\n\
         launcher() {{\n  exec env {JOB_VARIABLE}={job} {variables}{path}\"$@\" {argv}\n}}\n{wrapper}",
        sweep = definitions(wrapped.job),
        directory = quote::sh(wrapped.directory),
        others = quote::sh(&wrapped.others.join(" ")),
        input = if wrapped.input { "yes" } else { "no" },
        names_daemons = if wrapped.names_daemons { "yes" } else { "no" },
        spools = if wrapped.spools { "yes" } else { "no" },
        sweep_command = quote::sh(&sweep_command),
        job = quote::sh(wrapped.job),
        path = path.unwrap_or_default(),
        argv = quote::words(&wrapped.launch.argv),
        wrapper = include_str!("wrapper.sh"),
    )
}

/// A script for `sh -c` that kills what is left of `job` on the node where it runs; `daemons` as
/// [`super::Endings::daemons`] has it. Its status is 1 when something could not be killed within about 2 s.
pub fn sweep_script(job: &str, daemons: Option<&str>) -> String {
    format!("daemons={}\n{}\nsweep\n", quote::sh(daemons.unwrap_or_default()), definitions(job))
}

/// A script for `sh -c` on the head node that gives its standard input to rank 0 of `job`, which was wrapped with `input`.
///
/// Through the launcher it would be lost: Open MPI 5 never passes on that the input has ended, and repeats pieces of it
/// beyond 64 KiB (<https://github.com/openpmix/prrte/issues/2579>).
pub fn feed_script(job: &str) -> String {
    format!("exec env {JOB_VARIABLE}={} sh -c {}", quote::sh(job), quote::sh(include_str!("feed.sh")))
}

fn definitions(job: &str) -> String {
    format!("job={}\n{}", quote::sh(job), include_str!("sweep.sh"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "the tests hold pipes open, which process::Command has no need for")]

    use std::{
        path::Path,
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    use super::*;

    fn script(job: &str, program: &str) -> String {
        let launch =
            Launch { argv: vec!["sh".into(), "-c".into(), program.into()], env: vec![("A".into(), "b c".into())] };
        wrapper_script(&Wrapped {
            job,
            launch: &launch,
            directory: "/",
            path_first: Some("/first"),
            others: &[],
            names_daemons: false,
            spools: false,
            input: false,
        })
    }

    /// Processes that carry the job's id.
    fn alive(job: &str) -> usize {
        let marker = format!("{JOB_VARIABLE}={job}");
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|process| std::fs::read(process.path().join("environ")).ok())
            .filter(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes()))
            .count()
    }

    fn wait_for(count: usize, job: &str) {
        let began = Instant::now();
        while alive(job) != count {
            assert!(began.elapsed() < Duration::from_secs(10), "{} processes, not {count}", alive(job));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn ids_differ_and_are_equally_long() {
        let (one, other) = (new_job_id(), {
            std::thread::sleep(Duration::from_millis(1));
            new_job_id()
        });
        assert_ne!(one, other);
        assert_eq!((one.len(), other.len()), (16, 16));
    }

    #[test]
    fn gives_directory_variables_path_and_status() {
        let mut wrapper = Command::new("sh")
            .args(["-c", &script(&new_job_id(), r#"echo "$PWD|$A|$PATH" | cut -c 1-14; echo err >&2; exit 7"#)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let open = wrapper.stdin.take();
        let output = wrapper.wait_with_output().unwrap();
        drop(open);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "/|b c|/first:/\n");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "err\n");
        assert_eq!(output.status.code(), Some(7));
    }

    #[test]
    fn a_closed_input_ends_even_what_ignores_signals() {
        let job = new_job_id();
        let stubborn = "trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM; while :; do sleep 7; done' & while :; do sleep 7; done";
        for shell in ["dash", "bash"] {
            let mut wrapper =
                Command::new(shell).args(["-c", &script(&job, stubborn)]).stdin(Stdio::piped()).spawn().unwrap();
            wait_for(4, &job);
            let began = Instant::now();
            drop(wrapper.stdin.take());
            wrapper.wait().unwrap();
            assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
            assert_eq!(alive(&job), 0, "{shell}");
        }
    }

    #[test]
    fn a_signal_to_the_wrapper_ends_the_job() {
        let job = new_job_id();
        let mut wrapper = Command::new("sh")
            .args(["-c", &script(&job, "sleep 60 & sleep 60")])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(3, &job);
        let pid = nix::unistd::Pid::from_raw(wrapper.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert_eq!(wrapper.wait().unwrap().code(), Some(143));
        assert_eq!(alive(&job), 0);
    }

    #[test]
    fn the_sweep_takes_this_job_and_no_other() {
        let (mine, other) = (new_job_id(), "00000000000000ff");
        let start = |job: &str| Command::new("sleep").arg("60").env(JOB_VARIABLE, job).spawn().unwrap();
        let (mut swept, mut spared) = (start(&mine), start(other));
        wait_for(1, &mine);
        let status = Command::new("sh").args(["-c", &sweep_script(&mine, None)]).status().unwrap();
        assert!(status.success());
        assert!(swept.wait().unwrap().code().is_none(), "ended by a signal");
        assert!(spared.try_wait().unwrap().is_none(), "still there");
        spared.kill().unwrap();
        spared.wait().unwrap();
    }

    #[test]
    fn the_sweep_takes_daemons_that_have_no_rank_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let prted = folder.path().join("prted");
        std::fs::copy("/bin/sh", &prted).unwrap();
        let daemon = |program: &Path, run: &str| {
            Command::new(program).args(["-c", "sleep 60 & wait", "ess_base_nspace", run]).spawn().unwrap()
        };
        let mut swept = daemon(&prted, "prterun-master-4711@0");
        let mut other_run = daemon(&prted, "prterun-master-471@0");
        let mut other_program = daemon(Path::new("/bin/sh"), "prterun-master-4711@0");
        std::thread::sleep(Duration::from_millis(100));
        let script = sweep_script(&new_job_id(), Some("prterun-master[^@]*-4711@"));
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        assert!(swept.wait().unwrap().code().is_none());
        for spared in [&mut other_run, &mut other_program] {
            assert!(spared.try_wait().unwrap().is_none(), "still there");
            spared.kill().unwrap();
            spared.wait().unwrap();
        }
    }

    #[test]
    fn the_sweep_takes_the_daemon_above_a_rank_but_no_other_of_its_name() {
        let (mine, folder) = (new_job_id(), tempfile::tempdir().unwrap());
        // Ids are told apart by the microsecond; a fixed one would be that of another run of this test, too.
        std::thread::sleep(Duration::from_millis(1));
        let others = new_job_id();
        let prted = folder.path().join("prted");
        std::fs::copy("/bin/sh", &prted).unwrap();
        // Like the real one it stays when its rank has ended: only the sweep ends it.
        let daemon = |job: &str| {
            let program = format!("{JOB_VARIABLE}={job} sleep 60 & wait; read -r _");
            Command::new(&prted).args(["-c", &program]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
        };
        let (mut swept, mut spared) = (daemon(&mine), daemon(&others));
        wait_for(1, &mine);
        wait_for(1, &others);
        assert!(Command::new("sh").args(["-c", &sweep_script(&mine, None)]).status().unwrap().success());
        assert!(swept.wait().unwrap().code().is_none(), "the daemon above the rank");
        assert!(spared.try_wait().unwrap().is_none(), "the daemon of another job");
        assert!(Command::new("sh").args(["-c", &sweep_script(&others, None)]).status().unwrap().success());
        spared.wait().unwrap();
    }
}
