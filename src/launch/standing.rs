//! How a node stands before a job: the few facts that a job needs, in one cheap request.
//!
//! `facts` looks at all that a set-up can touch and takes a quarter of a second on three nodes that share two cores; this
//! takes a tenth of that. Nothing is decided here: see [`super::Crew`].

use std::collections::BTreeMap;

use crate::{
    distributions,
    error::Result,
    facts::{self, clock::Asked, frame, hardware, mpi, share},
    python::{Libc, Target},
    quote,
    spec::{Flavour, Source, Spec},
    steps,
};

/// A node as a job sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Commands run as root there.
    pub is_root: bool,
    /// Home of the cluster's user; none when there is no such account.
    pub home: Option<String>,
    /// The folder of the cluster's journal.
    pub state: String,
    pub has_share: bool,
    /// What is mounted at the share, and whether it answers.
    pub share: share::Share,
    /// The node's own key for the mesh is there.
    pub has_key: bool,
    /// The key of the Python environment that stands there.
    pub stamp: Option<String>,
    /// What that environment runs on here.
    pub target: Option<Target>,
    /// The node's Python, which the environment runs on, is still there.
    pub has_interpreter: bool,
    /// Seconds by which the clock is ahead of the operator's.
    pub clock_ahead: Option<i64>,
    /// Where nothing can be written any more: the file system of the home, of temporary files, or of what `sync` notes.
    pub full: Option<String>,
    /// Nodes with the same one share a kernel, and so their cores.
    pub boot_id: String,
    pub cores: u32,
    /// Launchers outside of the environment; not looked for where MPI comes with it.
    pub mpi: Vec<mpi::Launcher>,
}

impl Standing {
    /// The script that looks; `is_root`: whether it will run as root.
    pub fn script(spec: &Spec, is_root: bool) -> String {
        let set = |name: &str, value: &str| format!("{name}={}\n", quote::sh(value));
        let launchers = match (spec.source, spec.flavour) {
            (Source::Wheels, _) => "no",
            (_, Flavour::Openmpi) => "openmpi",
            (_, Flavour::Mpich) => "mpich",
        };
        [
            set("user", &spec.user),
            set("cluster", &spec.name),
            set("state", &steps::state(spec, is_root)),
            set("share", &spec.share.path),
            set("launchers", launchers),
            set("launchers_aside", &distributions::launchers_aside().join(" ")),
            facts::LOOK_AT_SHARE.to_owned(),
            include_str!("standing.sh").to_owned(),
        ]
        .concat()
    }

    /// Reads what the script printed.
    ///
    /// # Errors
    /// When the report is cut off.
    pub fn parse(report: &[u8], is_root: bool, asked: Asked) -> Result<Standing> {
        let frames = frame::frames(report)?;
        let found: BTreeMap<&str, &str> =
            frames.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
        let get = |name: &str| found.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        Ok(Standing {
            is_root,
            home: get("home").map(|home| home.trim_end_matches('/').to_owned()),
            state: get("state").unwrap_or_default().to_owned(),
            has_share: get("share").is_some(),
            share: share::share(
                get("share_path").unwrap_or_default(),
                get("share_mounts").unwrap_or_default(),
                get("share_silent").unwrap_or_default(),
                "",
            ),
            has_key: get("key").is_some(),
            stamp: get("stamp").map(str::to_owned),
            target: target(get("python"), get("kernel"), get("libc")),
            has_interpreter: get("interpreter").is_some(),
            clock_ahead: get("clock").and_then(|clock| clock.parse().ok()).map(|clock| asked.ahead(clock)),
            full: get("disks").unwrap_or_default().lines().find_map(full),
            boot_id: get("boot_id").unwrap_or_default().to_owned(),
            cores: get("cores").and_then(|cores| cores.parse().ok()).unwrap_or(1),
            mpi: mpi::launchers(get("mpi").unwrap_or_default()),
        })
    }
}

/// Where a line of `df -Pk` has less than a MiB left.
fn full(line: &str) -> Option<String> {
    let free = hardware::free_kib(line).filter(|free| *free < 1024)?;
    Some(format!("{free} KiB are free on {}", line.split_whitespace().nth(5).unwrap_or_default()))
}

/// `3.11`, `Linux 6.1.0 x86_64`, `glibc 2.36`
fn target(python: Option<&str>, kernel: Option<&str>, libc: Option<&str>) -> Option<Target> {
    let numbers = |text: &str| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    };
    let (major, minor) = numbers(python?)?;
    let (libc_major, libc_minor) = numbers(libc?.strip_prefix("glibc ")?)?;
    Some(Target {
        python: (major.try_into().ok()?, minor.try_into().ok()?),
        arch: kernel?.rsplit(' ').next()?.to_owned(),
        libc: Libc::Glibc(libc_major, libc_minor),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_report() {
        let report = "== home 9\n/home/mpi\n== state 18\n/var/lib/mpiup/lab\n== share 3\nyes\n== key 3\nyes\n\
            == stamp 16\n4f2a9c0d1e3b5a77\n== python 4\n3.11\n== libc 10\nglibc 2.36\n\
            == kernel 33\nLinux 6.1.0-18-cloud-amd64 x86_64\n== boot_id 4\nabcd\n== cores 1\n2\n== interpreter 3\nyes\n\
            == disks 119\nFilesystem 1024-blocks Used Available Capacity Mounted on\n\
            overlay 61255492 1 23543210 60% /\ntmpfs 1024 1000 24 98% /tmp\n== end 0\n\n";
        let standing = Standing::parse(report.as_bytes(), true, Asked::now()).unwrap();
        assert_eq!(standing.home.as_deref(), Some("/home/mpi"));
        assert_eq!(standing.target.unwrap().to_string(), "Python 3.11 on x86_64 with glibc 2.36");
        assert_eq!(standing.full.as_deref(), Some("24 KiB are free on /tmp"));
        assert!(standing.has_interpreter && standing.has_share && standing.has_key && standing.cores == 2);
    }

    #[test]
    fn a_bare_machine_has_next_to_nothing() {
        let report = b"== home 0\n\n== state 1\ns\n== stamp 0\n\n== python 2\n3*\n== libc 0\n\n== end 0\n\n";
        let standing = Standing::parse(report, false, Asked::now()).unwrap();
        assert_eq!((standing.home, standing.stamp, standing.target, standing.has_key), (None, None, None, false));
    }
}
