//! The examples do what they say, run as their first lines say, on this machine: `mpiup run` without an `mpiup.toml`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts programs as a user does"
)]

#[path = "support/skip.rs"]
mod skip;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

/// Ranks of one alone, and more than there are cores on a small machine.
const RANKS: [usize; 2] = [1, 3];

/// `mpiup run --local -n RANKS …` in `folder`.
fn mpiup_run(folder: &Path, ranks: usize, argv: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mpiup"));
    command.args(["run", "--local", "-n", &ranks.to_string()]).args(argv).current_dir(folder).output().unwrap()
}

/// What it prints; it must end well.
fn says(folder: &Path, ranks: usize, argv: &[&str]) -> String {
    let output = mpiup_run(folder, ranks, argv);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{argv:?} on {ranks} ranks: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn example(ranks: usize, argv: &[&str]) -> String {
    says(Path::new(EXAMPLES), ranks, &[&["python"], argv].concat())
}

fn host() -> String {
    nix::unistd::gethostname().unwrap().into_string().unwrap()
}

#[test]
fn ejemplo_names_every_process_and_passes_a_message_around() {
    for ranks in RANKS {
        let host = host();
        let hello = (0..ranks).map(|rank| format!("Hola, soy el proceso {rank} de {ranks} en {host}\n"));
        let path = vec![host.as_str(); ranks + 1].join(" -> ");
        let sum: usize = (0..ranks).sum();
        let expected = format!(
            "{}El mensaje pasó por / the message went through:\n  {path}\n\
             Suma de los números / sum of the numbers: {sum}\n\
             {ranks} procesos en 1 máquinas / {ranks} processes on 1 machines: {host}\n",
            hello.collect::<String>()
        );
        assert_eq!(example(ranks, &["ejemplo.py"]), expected);
    }
}

#[test]
fn pi_comes_out_as_pi() {
    for ranks in RANKS {
        let said = example(ranks, &["pi_montecarlo.py", "1000000"]);
        let pi: f64 = said.strip_prefix("pi = ").unwrap().split_once(' ').unwrap().0.parse().unwrap();
        // The numbers are drawn with a fixed seed; five standard deviations of a million darts are 0.008.
        assert!((pi - std::f64::consts::PI).abs() < 0.008, "{said}");
        assert!(said.contains(&format!("1000000 darts, {ranks} processes")), "{said}");
    }
}

#[test]
fn heat_is_the_same_on_any_number_of_processes() {
    let run = |ranks| example(ranks, &["heat2d.py", "--size", "50", "--steps", "100", "--check"]);
    let check_value = |said: &str| said.lines().find(|line| line.starts_with("check value: ")).unwrap().to_owned();
    let alone = run(1);
    for ranks in RANKS {
        let said = run(ranks);
        assert!(said.ends_with("the same as on one process alone\n"), "{said}");
        assert_eq!(check_value(&said), check_value(&alone));
    }
}

#[test]
fn heat_says_when_there_are_more_processes_than_rows() {
    let output = mpiup_run(Path::new(EXAMPLES), 3, &["python", "heat2d.py", "--size", "2"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("every one of the 3 processes needs a row"), "{said}");
}

#[test]
fn hello_in_c_is_compiled_by_the_mpicc_of_the_environment() {
    if !runs("cc") {
        return skip::skip("no C compiler");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = format!("{EXAMPLES}/hello.c");
    says(folder.path(), 1, &["mpicc", "-Wall", "-Werror", &source, "-o", "hello"]);
    for ranks in RANKS {
        assert_hellos(&says(folder.path(), ranks, &["./hello"]), ranks);
    }
}

#[test]
fn hello_in_rust_is_built_with_the_mpi_crate() {
    if !has_libclang() {
        return skip::skip(
            "no libclang, with which the mpi crate reads MPI's headers: sudo apt-get install libclang-dev",
        );
    }
    // Kept between runs, and apart from the workspace: only the first run builds the crates that it needs.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hello-rust");
    let cargo = env!("CARGO");
    let manifest = format!("{EXAMPLES}/hello-rust/Cargo.toml");
    let build = [cargo, "build", "--locked", "--quiet", "--manifest-path", &manifest, "--target-dir"];
    let target_text = target.to_str().unwrap();
    says(Path::new("/"), 1, &[&build[..], &[target_text]].concat());
    let program: PathBuf = target.join("debug/hello");
    for ranks in RANKS {
        assert_hellos(&says(Path::new("/"), ranks, &[program.to_str().unwrap()]), ranks);
    }
}

#[test]
fn every_example_is_in_the_table_of_the_read_me() {
    let table = fs::read_to_string(format!("{EXAMPLES}/README.md")).unwrap();
    let names: Vec<String> =
        fs::read_dir(EXAMPLES).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names.iter().filter(|name| *name != "README.md") {
        assert!(table.contains(&format!("| `{name}")), "{name} is not in examples/README.md");
    }
}

/// One hello of each rank, in whatever order they come.
fn assert_hellos(said: &str, ranks: usize) {
    let (host, sum) = (host(), (0..ranks).sum::<usize>());
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..ranks)
        .map(|rank| format!("Hello from rank {rank} of {ranks} on {host}; the sum of all ranks is {sum}"))
        .collect();
    assert_eq!(lines, expected);
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Where Debian and its children put it, or where the variable says.
fn has_libclang() -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut versions =
        folders.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("llvm-")));
    std::env::var_os("LIBCLANG_PATH").is_some() || versions.any(|path| path.join("lib/libclang.so").exists())
}
