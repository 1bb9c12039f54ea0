//! Jobs on this machine, with the real Open MPI of the wheels (fetched on the first run, then cached).
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as expected")]

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use mpiup::launch::{JOB_VARIABLE, run_local};
use tokio::sync::Mutex;

/// One job at a time: a signal that one test sends to this process would reach the jobs of all.
async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: OnceLock<Mutex<()>> = OnceLock::new();
    ALONE.get_or_init(|| Mutex::new(())).lock().await
}

async fn run(ranks: u32, argv: &[&str]) -> (u8, Duration) {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    // The environment is made before the clock starts.
    mpiup::launch::local_environment(&|_line| ()).await.unwrap();
    let began = Instant::now();
    let code = run_local(Some(ranks), &argv, &|_line| ()).await.unwrap();
    (code, began.elapsed())
}

/// Processes of this user's jobs that were started below this test.
fn left() -> Vec<String> {
    let marker = format!("{JOB_VARIABLE}=");
    let nonce = format!("MPIUP_TEST={}", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let environments = processes.filter_map(|process| std::fs::read(process.path().join("environ")).ok());
    environments
        .map(|environ| String::from_utf8_lossy(&environ).into_owned())
        .filter(|environ| environ.contains(&marker) && environ.split('\0').any(|entry| entry == nonce))
        .collect()
}

#[tokio::test]
async fn the_programs_own_status_passes_through() {
    let _alone = alone().await;
    assert_eq!(run(2, &["sh", "-c", "exit 7"]).await.0, 7);
    let program = "import sys; from mpi4py import MPI; MPI.COMM_WORLD.barrier(); sys.exit(7)";
    assert_eq!(run(2, &["python", "-c", program]).await.0, 7);
    assert_eq!(run(2, &["python", "-c", "import numpy; from mpi4py import MPI"]).await.0, 0);
}

#[tokio::test]
async fn an_exception_on_one_rank_ends_the_job() {
    let _alone = alone().await;
    let program = "from mpi4py import MPI; c = MPI.COMM_WORLD; c.rank == 1 and 1 / 0; c.barrier()";
    let (code, took) = run(2, &["python", "-c", program]).await;
    assert_eq!(code, 1);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn more_ranks_than_cores_and_all_of_them_meet() {
    let _alone = alone().await;
    let program = "from mpi4py import MPI; c = MPI.COMM_WORLD; assert c.allreduce(1) == 9, c.size";
    assert_eq!(run(9, &["python", "-c", program]).await.0, 0);
}

#[tokio::test]
async fn a_signal_leaves_no_process_behind() {
    let _alone = alone().await;
    // Ranks that ignore the signal, and a child of theirs that left their group.
    let program = format!(
        "export MPIUP_TEST={}; trap '' TERM INT; setsid sh -c 'trap \"\" TERM; while :; do sleep 9; done' & while :; do sleep 9; done",
        std::process::id()
    );
    let interrupter = tokio::spawn(async {
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // Of each rank: what is run by exec after the variable is exported (two sleeps and a shell).
            if left().len() >= 6 {
                break;
            }
        }
        assert!(left().len() >= 6, "the job did not start: {:?}", left());
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
        Instant::now()
    });
    let (code, _) = run(2, &["sh", "-c", &program]).await;
    let sent = interrupter.await.unwrap();
    assert_eq!(code, 143);
    assert!(sent.elapsed() < Duration::from_secs(6), "{:?}", sent.elapsed());
    assert_eq!(left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let _alone = alone().await;
    let error = run_local(Some(2), &["no-such-program".to_owned()], &|_line| ()).await.unwrap_err();
    assert_eq!((error.message(), error.exit_code()), ("there is no program `no-such-program` on this machine", 2));
}
