//! The promises of a cluster, each looked at from outside: by plain ssh, by what stands on the machines before and after,
//! and never by mpiup's own word alone.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

#[path = "lab_cluster/deaths.rs"]
mod deaths;
#[path = "lab_cluster/honest.rs"]
mod honest;
#[path = "lab_cluster/jobs.rs"]
mod jobs;
#[path = "lab_cluster/others.rs"]
mod others;
#[path = "lab_cluster/partial.rs"]
mod partial;
#[path = "lab_cluster/plain.rs"]
mod plain;
#[path = "lab_cluster/readable.rs"]
mod readable;
#[path = "lab_cluster/secure.rs"]
mod secure;
#[path = "lab_cluster/story.rs"]
mod story;
#[path = "lab_cluster/their_files.rs"]
mod their_files;
