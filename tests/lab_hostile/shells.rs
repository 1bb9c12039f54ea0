//! Login shells of every kind, for the user who logs in and for the cluster's, and what start-up files can do.

use crate::support::{Operator, TestLab, plan::array, skip::skip, tree};

/// The cluster's user is there already on every machine, with this shell.
fn account(lab: &TestLab, node: &str, shell: &str, start_file: (&str, &str)) {
    let (file, text) = start_file;
    lab.inside(node, &format!("useradd -m -u 1500 -s {shell} mpi; cd /home/mpi; [ -z '{file}' ] || printf '{text}' > '{file}'; chown -R mpi:mpi ."));
}

fn has_all(shells: &[&str]) -> bool {
    let missing: Vec<&&str> = shells.iter().filter(|shell| !std::path::Path::new(shell).exists()).collect();
    if missing.is_empty() {
        return true;
    }
    skip(&format!("not installed: {missing:?}"));
    false
}

const PYTHON: &str = "python -c 'import sys; print(sys.prefix)'";

#[test]
fn every_login_shell_runs_the_guides_command_and_a_start_file_that_ends_it_is_named() {
    if !has_all(&["/usr/bin/zsh", "/usr/bin/fish", "/usr/bin/tcsh", "/bin/dash"]) {
        return;
    }
    let lab = lab!(7);
    account(&lab, "master", "/usr/bin/fish", ("", ""));
    account(&lab, "client1", "/usr/bin/zsh", ("", ""));
    account(&lab, "client2", "/usr/bin/tcsh", (".tcshrc", "set prompt = theirs"));
    account(&lab, "client3", "/bin/dash", ("", ""));
    account(&lab, "client4", "/bin/bash", (".bashrc", "printf noise; echo oops >&2\\n"));
    account(&lab, "client5", "/bin/bash", (".bashrc", "read answer; sleep 0.5\\n"));
    account(&lab, "client6", "/bin/bash", (".bashrc", "exit 3\\n"));
    // Who logs in has them as well, and files that print on both streams.
    for (node, shell, file) in
        [("client1", "fish", ".config/fish/config.fish"), ("client2", "tcsh", ".cshrc"), ("client3", "zsh", ".zshenv")]
    {
        lab.inside(
            node,
            &format!(
                "cd /root; mkdir -p $(dirname {file}); echo 'echo noise' > {file}; usermod -s /usr/bin/{shell} root"
            ),
        );
    }
    let operator = Operator::new(&lab, "wheels");
    // fish makes folders of its own at its first command.
    lab.inside("master", "su mpi -c true");
    let before = tree::look(&lab);

    let up = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!(up.code, 1, "{}", up.stderr);
    let ready = lab.nodes().into_iter().filter(|node| node != "client6").collect::<Vec<_>>();
    assert_eq!(*array(&up.json()["ready"]), ready);
    let why = up.json()["left_out"]["client6"].as_str().unwrap().to_owned();
    assert_eq!(why, "client6: a start-up file of mpi (~/.bashrc) ended the shell with status 3 before the command");

    for node in ["master", "client1", "client2", "client4", "client5"] {
        let said = lab.says(&format!("mpi@{node}"), PYTHON);
        assert!(said.ends_with("/home/mpi/.mpiup/env"), "{node}: {said}");
    }
    operator.mpiup(&["sync"]);
    // dash reads no file for this, and the plan says so.
    for node in ["master", "client1", "client2", "client4"] {
        let said = lab.says(&format!("mpi@{node}"), "cd MPI && mpiexec -hostfile hosts python ejemplo.py");
        assert!(said.contains("12 procesos en 6 máquinas"), "{node}: {said}");
    }
    lab.says(
        "mpi@client3",
        "cd MPI && /home/mpi/.mpiup/env/bin/mpiexec -hostfile hosts /home/mpi/.mpiup/env/bin/python ejemplo.py",
    );

    // To the byte, whatever start-up files print.
    let run = operator.mpiup(&["run", "-n", "12", "python", "-c", "print('a \"b\" $HOME \\\\ ñ')"]);
    assert_eq!(run.stdout, "a \"b\" $HOME \\ ñ\n".repeat(12), "{}", run.stderr);
    let exec = operator.mpiup(&["exec", "--json", "printf 'ñ\\n\\n'; printf e >&2"]).json();
    for node in lab.nodes() {
        assert_eq!(
            (exec[&node]["stdout"].as_str(), exec[&node]["stderr"].as_str()),
            (Some("ñ\n\n"), Some("e")),
            "{node}"
        );
    }

    operator.down(&[]);
    let after = tree::look(&lab);
    for ((node, before), after) in lab.nodes().iter().zip(&before).zip(&after) {
        before.assert_restored(node, after, |path| path.contains("/fish"));
    }
}
