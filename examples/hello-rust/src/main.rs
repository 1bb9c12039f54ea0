//! Who am I, and where? And the sum of all ranks.
//!
//!     mpiup run -n 1 cargo build && mpiup run -n 4 target/debug/hello

use mpi::{collective::SystemOperation, traits::*};

fn main() {
    let universe = mpi::initialize().expect("MPI is initialised once");
    let world = universe.world();
    let (rank, size) = (world.rank(), world.size());
    let host = mpi::environment::processor_name().expect("MPI knows its machine's name");
    let mut sum = 0;
    world.all_reduce_into(&rank, &mut sum, SystemOperation::sum());
    println!("Hello from rank {rank} of {size} on {host}; the sum of all ranks is {sum}");
}
