//! `python` and `mpiexec` are the cluster's, in the user's shell and in what ssh runs without one.

use super::{
    Cluster, Member, mpi,
    write::{self, Block},
};
use crate::{
    changes::{Change, Place, Wave},
    distributions::Aside,
};

const WHY: &str = "`python` and `mpiexec` are the cluster's, also for commands over ssh";

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let bin = format!("{}/bin", cluster.layout.env);
    match member.shell() {
        // bash reads .bashrc for `ssh node command` too; Debian's returns early there, so the block stands at the top.
        "bash" => posix(cluster, member, &bin, &[".profile", ".bashrc"], WHY),
        "zsh" => posix(cluster, member, &bin, &[".profile", ".zshenv"], WHY),
        "fish" => fish(cluster, member, &bin),
        // tcsh reads .cshrc only where there is no .tcshrc.
        "tcsh" if member.facts.file("~/.tcshrc").is_some() => csh(cluster, member, &bin, ".tcshrc"),
        "tcsh" | "csh" => csh(cluster, member, &bin, ".cshrc"),
        other => {
            let why = format!(
                "`python` and `mpiexec` are the cluster's after a log-in; for `ssh {} COMMAND` {other} reads no file: there they are {bin}/python and so on",
                member.spec.name
            );
            posix(cluster, member, &bin, &[".profile"], &why)
        }
    }
}

fn posix(cluster: &Cluster, member: &Member, bin: &str, files: &[&str], why: &str) -> Vec<Change> {
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
    content.push_str(&first(&crate::quote::sh(bin)));
    files.iter().filter_map(|file| block(cluster, member, file, &content, why)).collect()
}

fn csh(cluster: &Cluster, member: &Member, bin: &str, file: &str) -> Vec<Change> {
    let bin = crate::quote::sh(bin);
    let content = format!("if ( \":${{PATH}}:\" !~ *:{bin}:* ) setenv PATH {bin}:\"${{PATH}}\"\n");
    block(cluster, member, file, &content, WHY).into_iter().collect()
}

/// fish reads every file in this folder, before its config.fish and for every command.
fn fish(cluster: &Cluster, member: &Member, bin: &str) -> Vec<Change> {
    let home = &cluster.layout.home;
    let folders = [".config", ".config/fish", ".config/fish/conf.d"];
    let folder = |name: &&str| {
        write::folder(
            cluster,
            member,
            &format!("{home}/{name}"),
            "755",
            "where fish looks for what it reads at its start",
        )
    };
    let path = cluster.layout.fish();
    let bin = crate::quote::sh(bin);
    let content = format!("contains -- {bin} $PATH; or set -gx PATH {bin} $PATH\n");
    let file = write::user_file(cluster, member, Wave::Ground, (&path, "644"), content, WHY)
        .map(|change| write::read_at_login(cluster, member, change));
    folders.iter().filter_map(folder).chain(file).collect()
}

fn block(cluster: &Cluster, member: &Member, file: &str, content: &str, why: &str) -> Option<Change> {
    let path = format!("{}/{file}", cluster.layout.home);
    let owner = cluster.owner();
    let at = Block { path: &path, owner: &owner, place: Place::Top, mode: "644" };
    let change = write::block(cluster, member, Wave::Ground, at, content.to_owned(), why)?;
    Some(write::read_at_login(cluster, member, change))
}
