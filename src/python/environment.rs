//! How an archive of [`super::bundle`] becomes an environment on a node: one POSIX shell script.
//!
//! Guarantees: killed at any point, the path holds the environment that was there, none, or the whole new one; what a
//! killed run left beside it is removed by the next. The interpreter is the node's own: it must have the version that
//! the packages were made for, and the script says so when it has not.
//! Not promised: that two machines which share the folder may install into it at the same moment.

use crate::quote;

/// The file in an environment that holds its bundle's key, and a newline.
pub const STAMP: &str = ".mpiup-env";

/// A script for `sh` that reads the archive on standard input and makes the environment `env` (an absolute path) of it.
/// It prints nothing, or on standard error one sentence that says why not.
pub fn install_script(env: &str, key: &str) -> String {
    format!("env={}\nkey={}\n{}", quote::sh(env), quote::sh(key), include_str!("install.sh"))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;
    use crate::process::{Command, Output};

    /// A wheel by hand (a module, a console script, a data file, and what is to be left out), packed as all others are.
    fn archive(folder: &Path) -> (PathBuf, String) {
        let make = r##"
import os, sys, zipfile
os.mkdir("wheels")
with zipfile.ZipFile("wheels/greet-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("greet/__init__.py", "import sys\ndef main():\n    print('hello from', sys.prefix)\n")
    wheel.writestr("numpy/tests/test_x.py", "")
    wheel.writestr("greet-1.0.data/data/lib/libx.so", "library")
    wheel.writestr("greet-1.0.data/scripts/old", "#!python\nimport greet; greet.main()\n")
    wheel.writestr("greet-1.0.dist-info/entry_points.txt", "[console_scripts]\ngreet = greet:main\n")
print("%d.%d" % sys.version_info[:2])
"##;
        packed(folder, make)
    }

    /// The archive of what `make`, a program in Python that prints its version, puts into a folder of wheels.
    fn packed(folder: &Path, make: &str) -> (PathBuf, String) {
        let version = Command::new("python3").args(["-c", make]).cwd(folder).run_blocking().unwrap().stdout;
        let version = version.trim().to_owned();
        let packed = Command::new("python3")
            .args(["-I", "-c", include_str!("assemble.py"), "wheels", "packed", &version, "KEY"])
            .cwd(folder)
            .run_blocking()
            .unwrap();
        assert!(packed.stdout.contains("sha256 "), "{}", packed.stdout);
        (folder.join("packed"), version)
    }

    fn install(env: &Path, key: &str, archive: &Path) -> Output {
        let script = install_script(&env.to_string_lossy(), key);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let command = Command::new("sh").args(["-c", &script]).stdin(fs::read(archive).unwrap());
        runtime.block_on(command.output()).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_archive_becomes_an_environment_that_works_at_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, version) = archive(folder.path());
        // A path that a shell would take apart, and what a killed run left there.
        let home = folder.path().join("it's here");
        let env = home.join("env");
        fs::create_dir_all(&home).unwrap();
        let host = Command::new("uname").arg("-n").run_blocking().unwrap().stdout;
        fs::create_dir(home.join(format!("env.new.{}.999999999", host.trim()))).unwrap();

        for _first_and_again in 0..2 {
            let output = install(&env, "KEY", &archive);
            assert!(output.status.success(), "{}", output.stderr);
            assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
            assert_eq!(names(&home), ["env"]);
        }
        assert_eq!(fs::read_to_string(env.join(STAMP)).unwrap(), "KEY\n");
        assert_eq!(fs::read_to_string(env.join("lib/libx.so")).unwrap(), "library");
        let site = env.join(format!("lib/python{version}/site-packages"));
        assert!(!site.join("numpy").exists());
        assert!(site.join("greet/__pycache__").exists(), "compiled on the operator's machine");
        let lines = "import sys; print(sys.stdout.line_buffering, sys.stdout.write_through)";
        for (job, expected) in [("0123", "True False\n"), ("", "False True\n")] {
            let python = Command::new(env.join("bin/python")).args(["-c", lines]).env("PYTHONUNBUFFERED", "1");
            assert_eq!(python.env("MPIUP_JOB", job).run_blocking().unwrap().stdout, expected, "job `{job}`");
        }
        for script in ["bin/greet", "bin/old"] {
            let said = Command::new(env.join(script)).run_blocking().unwrap().stdout;
            assert_eq!(said, format!("hello from {}\n", env.display()));
        }
    }

    #[test]
    fn packages_without_a_program_make_an_environment_too() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = r#"import os, sys; os.mkdir("wheels"); print("%d.%d" % sys.version_info[:2])"#;
        let (archive, _) = packed(folder.path(), nothing);
        let env = folder.path().join("env");
        let output = install(&env, "KEY", &archive);
        assert!(output.status.success(), "{}", output.stderr);
        assert!(Command::new(env.join("bin/python")).args(["-c", ""]).run_blocking().is_ok());
    }

    #[test]
    fn a_part_of_an_archive_or_another_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, _) = archive(folder.path());
        let home = folder.path().join("home");
        let env = home.join("env");
        assert!(install(&env, "KEY", &archive).status.success());
        fs::write(env.join("mine"), "").unwrap();

        let whole = fs::read(&archive).unwrap();
        let part = folder.path().join("part");
        fs::write(&part, &whole[..whole.len() / 2]).unwrap();
        let output = install(&env, "KEY", &part);
        assert!(!output.status.success());
        assert!(output.stderr.contains("could not be unpacked into"), "{}", output.stderr);
        let output = install(&env, "OTHER", &archive);
        assert!(!output.status.success());
        assert_eq!(output.stderr, "The archive of the Python environment arrived incomplete.\n");
        assert_eq!(names(&home), ["env"]);
        assert!(env.join("mine").exists());
    }
}
