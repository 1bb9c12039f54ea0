//! `python` and `mpiexec` are the cluster's, in the user's shell and in what ssh runs without one.

use super::{
    Cluster, Member, mpi,
    write::{self, Block},
};
use crate::{
    changes::{Change, Place, Wave},
    distributions::Aside,
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let bin = crate::quote::sh(&format!("{}/bin", cluster.layout.env));
    let first =
        |folder: &str| format!("case \":$PATH:\" in *:{folder}:*) ;; *) PATH={folder}:$PATH; export PATH ;; esac\n");
    let mut content = String::new();
    if let Some(Aside { programs, libraries }) = mpi::aside(&cluster.spec, &member.facts) {
        // As the environment module of that MPI does.
        content = first(programs);
        content.push_str(&format!(
            "case \":${{LD_LIBRARY_PATH-}}:\" in *:{libraries}:*) ;; *) \
             LD_LIBRARY_PATH={libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}; export LD_LIBRARY_PATH ;; esac\n"
        ));
    }
    content.push_str(&first(&bin));
    let owner = cluster.owner();
    let shell = member.facts.user.as_ref().map_or("/bin/bash", |account| account.shell.as_str());
    let mut files = vec![".profile"];
    // bash reads .bashrc for `ssh node command` too; Debian's returns early there, so the block stands at the top.
    files.push(if shell.ends_with("/zsh") { ".zshenv" } else { ".bashrc" });
    let why = "`python` and `mpiexec` are the cluster's, also for commands over ssh";
    files
        .into_iter()
        .filter_map(|file| {
            let path = format!("{}/{file}", cluster.layout.home);
            let at = Block { path: &path, owner: &owner, place: Place::Top, mode: "644" };
            let change = write::block(cluster, member, Wave::Ground, at, content.clone(), why);
            change.map(|change| write::read_at_login(cluster, member, change))
        })
        .collect()
}
