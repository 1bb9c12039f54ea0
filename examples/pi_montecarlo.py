"""π by throwing darts: every process throws its share, and all of them add up their hits.

    mpiup run -n 4 python pi_montecarlo.py [darts]
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
darts = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000

# Every process throws the same number of darts, give or take one, with random numbers of its own.
mine = darts // size + (rank < darts % size)
random = np.random.default_rng([2024, rank])

start = MPI.Wtime()
hits = 0
for first in range(0, mine, 1_000_000):  # a million at a time needs little memory
    x, y = random.random((2, min(1_000_000, mine - first)))
    hits += int(np.count_nonzero(x * x + y * y < 1.0))

hits = comm.allreduce(hits)
seconds = comm.allreduce(MPI.Wtime() - start, op=MPI.MAX)
if rank == 0:
    pi = 4 * hits / darts
    print(f"pi = {pi:.6f} (error {abs(pi - np.pi):.6f}), {darts} darts, {size} processes, {seconds:.2f} s")
