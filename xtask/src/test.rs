//! `cargo xtask test`: everything that a change must pass, in the order of what is learnt soonest.
//!
//! A stage that fails does not keep the others from running. The last line is `N passed, N failed, N skipped`.

use crate::{
    Stop, packages,
    programs::{Kind, files_of},
    run, sshd,
    stages::Stages,
    vm_test,
};

pub const HELP: &str =
    "Installs what the tests need and runs all of them: formatting, lints, unit, doc and lab tests, and
those on machines that boot.
  cargo xtask test             everything; what needs root is skipped without it, and counted as such
  cargo xtask test --fast      everything but the lab and the machines that boot
  cargo xtask test FILTER...   only the tests whose names contain a filter, without formatting and lints";

pub fn main(arguments: &[String]) -> Result<(), Stop> {
    let (flags, filters): (Vec<_>, Vec<_>) =
        arguments.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| **flag != "--fast") {
        return Err(Stop::Usage(format!("There is no option `{flag}`.\ncargo xtask test: {HELP}")));
    }
    let (files, lab_files) = (files_of(Kind::Here), files_of(Kind::Lab));
    let mut stages = Stages::new(&filters);

    if filters.is_empty() {
        stages.check("packages", packages::install);
        stages.check("formatting", || run::run(&[&run::cargo(), "fmt", "--all", "--check"]));
        let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        stages.check("lints", || run::run(&[&[run::cargo().as_str()], &lints[..]].concat()));
    }
    stages.sshd = sshd::program(&run::target());
    if stages.check("build", || run::run(&[&run::cargo(), "test", "--workspace", "--no-run"])) {
        let named = |files: &[String]| files.iter().flat_map(|file| ["--test".to_owned(), file.clone()]).collect();
        let ours: Vec<String> = named(&files);
        let lab: Vec<String> = named(&lab_files);
        stages.tests("unit, golden and snapshot tests", &[vec!["--lib".into(), "--bins".into()], ours].concat());
        stages.tests("doc tests", &["--doc".to_owned()]);
        if !flags.contains(&"--fast") && !lab.is_empty() {
            stages.tests("lab tests", &lab);
            vm_test::stage(&mut stages, false);
        }
    }
    stages.close()
}
