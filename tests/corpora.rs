//! What fuzzing has found and kept, through the same checks, so that the corpora are tests and no dead weight.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot look has failed")]

use std::{fs, path::Path};

#[path = "../fuzz/src/lib.rs"]
mod checks;

/// A corpus that is larger costs every clone of the repository more than it tells.
const MOST_KIB: u64 = 300;

#[test]
fn every_kept_input_passes() {
    let mut bytes = 0;
    for (name, check) in checks::CHECKS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let inputs: Vec<_> =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).collect();
        assert!(inputs.len() > 10, "{name} has a corpus");
        for input in inputs {
            let path = input.unwrap().path();
            let data = fs::read(&path).unwrap();
            bytes += data.len() as u64;
            let checked = std::panic::catch_unwind(|| check(&data));
            assert!(checked.is_ok(), "{}: see above", path.display());
        }
    }
    assert!(bytes < MOST_KIB * 1024, "the corpora have {bytes} bytes");
}

/// A check that accepts everything would pass above too.
#[test]
fn the_reference_reads_node_sets() {
    assert_eq!(checks::reference("n[1-2,07]x,a"), ["n1x", "n2x", "n07x", "a"]);
    assert_eq!(checks::reference("r[1-2]n[0-4/2]"), ["r1n0", "r1n2", "r1n4", "r2n0", "r2n2", "r2n4"]);
}
