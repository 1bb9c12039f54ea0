//! `cargo xtask bench`: how long mpiup takes, beside what people would use instead, on labs of its own.
//!
//! All contenders do their work on equal, fresh machines with the same packages, in turn, so that whatever else this
//! computer does hurts all alike; what counts are medians and ratios. Nothing is left: labs and files go when this process
//! ends, however it ends.

mod cluster;
mod counts;
mod figures;
mod peers;
mod program;
mod report;
mod rounds;
mod targets;

use std::path::PathBuf;

use crate::{Stop, packages, run};

pub const HELP: &str = "Measures mpiup beside Ansible, pyinfra and plain ssh, on labs of its own; needs root.
  cargo xtask bench                 3, 10 and 30 nodes, then connections, memory and 100 nodes: which takes long
  cargo xtask bench --quick         3 nodes and the counts of those: about 3 minutes
  cargo xtask bench --nodes 3,10    these sizes, and no counts
  cargo xtask bench --rounds N      so many rounds instead of 5 (3 with --quick)
  cargo xtask bench --counts        only connections, memory and 100 nodes
  cargo xtask bench --no-peers      without Ansible and pyinfra, which are fetched from PyPI into target/bench
The result is printed and written to target/bench/result.txt and target/bench/result.json.";

/// What is to be measured.
struct Options {
    sizes: Vec<usize>,
    rounds: usize,
    peers: bool,
    /// Nodes on which connections are counted, memory is measured, and that only have to work.
    counts: Option<[usize; 3]>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Stop> {
        let mut options = Self { sizes: vec![3, 10, 30], rounds: 5, peers: true, counts: Some([3, 50, 100]) };
        let mut words = arguments.iter().map(String::as_str);
        let wrong = |word: &str| Stop::Usage(format!("`{word}` is not understood.\ncargo xtask bench: {HELP}"));
        while let Some(word) = words.next() {
            match word {
                "--quick" => options = Self { sizes: vec![3], rounds: 3, counts: Some([3, 3, 3]), ..options },
                "--counts" => options.sizes.clear(),
                "--no-peers" => options.peers = false,
                "--rounds" => {
                    let rounds = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                    options.rounds = rounds.ok_or_else(|| wrong(word))?;
                }
                "--nodes" => {
                    let sizes = words.next().map(|list| list.split(',').map(str::parse).collect::<Result<Vec<_>, _>>());
                    options.sizes = sizes.and_then(Result::ok).ok_or_else(|| wrong(word))?;
                    options.counts = None;
                }
                word => return Err(wrong(word)),
            }
        }
        Ok(options)
    }
}

/// What went wrong, in a sentence.
type Outcome<T> = Result<T, String>;

pub fn main(arguments: &[String]) -> Result<(), Stop> {
    let options = Options::read(arguments)?;
    measure(&options).map_err(|problem| {
        run::say(&format!("The benchmark ended early: {problem}"));
        Stop::Failed
    })
}

fn measure(options: &Options) -> Outcome<()> {
    if !packages::is_root() {
        return Err("labs need root. Type: sudo -E env \"PATH=$PATH\" cargo xtask bench".into());
    }
    run::heading("build");
    if !run::run(&[&run::cargo(), "build", "--release", "--bin", "mpiup"]) {
        return Err("mpiup could not be built".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), PathBuf::from);
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let setting = cluster::Setting { mpiup: target.join("release/mpiup"), folder: folder.clone() };
    let peers = if options.peers && !options.sizes.is_empty() { peers::Peers::install(&folder)? } else { None };

    run::heading("caches are filled");
    rounds::fill_caches(&setting)?;
    let mut figures = figures::Figures::default();
    for size in &options.sizes {
        run::heading(&format!("{size} nodes"));
        // What was measured until then is worth telling.
        if let Err(problem) = rounds::all(&setting, peers.as_ref(), *size, options.rounds, &mut figures) {
            run::say(&format!("  No more rounds with so many: {problem}"));
        }
    }
    let counts = match options.counts {
        Some(sizes) => {
            run::heading("counts");
            counts::all(&setting, sizes)
        }
        None => vec![],
    };
    let text = report::text(&figures, &counts);
    run::heading("result");
    run::say(&text);
    for (name, content) in [("result.txt", text), ("result.json", report::json(&figures, &counts))] {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_refused() {
        let read = |line: &str| Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let quick = read("--quick --no-peers").ok().unwrap();
        assert_eq!((quick.sizes, quick.rounds, quick.peers), (vec![3], 3, false));
        let named = read("--nodes 3,100 --rounds 1").ok().unwrap();
        assert_eq!((named.sizes, named.rounds, named.counts), (vec![3, 100], 1, None));
        assert!(read("--counts").is_ok_and(|options| options.sizes.is_empty() && options.counts.is_some()));
        for wrong in ["--fast", "--nodes", "--nodes three", "--rounds 0", "3"] {
            assert!(matches!(read(wrong), Err(Stop::Usage(_))), "{wrong}");
        }
    }
}
