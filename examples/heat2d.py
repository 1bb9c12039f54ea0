"""Heat that spreads over a square plate, cut into strips: one strip per process.

    mpiup run -n 4 python heat2d.py [--size 200] [--steps 500] [--check]

The plate's rim is kept at 0 degrees but for the upper edge, which is at 100. In each step every point becomes the mean
of its four neighbours. A process needs the row above and the row below its strip, which belong to other processes:
that exchange of "halo" rows is how most simulations of physics work on many machines.
"""

import argparse

import numpy as np
from mpi4py import MPI

HOT = 100.0


def step(strip):
    """One step for all rows but the first and the last, which are halo or rim."""
    new = strip.copy()
    new[1:-1, 1:-1] = 0.25 * (strip[:-2, 1:-1] + strip[2:, 1:-1] + strip[1:-1, :-2] + strip[1:-1, 2:])
    return new


def alone(size, steps):
    """The same on one process, without messages."""
    plate = np.zeros((size + 2, size + 2))
    plate[0] = HOT
    for _ in range(steps):
        plate = step(plate)
    return plate[1:-1]


def together(comm, size, steps):
    """This process's rows after all steps, and those of all on process 0."""
    rank, number = comm.Get_rank(), comm.Get_size()
    counts = [size // number + (r < size % number) for r in range(number)]
    # Neighbours above and below; PROC_NULL swallows what is sent over the rim.
    above = rank - 1 if rank > 0 else MPI.PROC_NULL
    below = rank + 1 if rank < number - 1 else MPI.PROC_NULL

    strip = np.zeros((counts[rank] + 2, size + 2))
    if rank == 0:
        strip[0] = HOT
    for _ in range(steps):
        comm.Sendrecv(strip[1], dest=above, recvbuf=strip[-1], source=below)
        comm.Sendrecv(strip[-2], dest=below, recvbuf=strip[0], source=above)
        strip = step(strip)

    plate = np.empty((size, size + 2)) if rank == 0 else None
    parts = [count * (size + 2) for count in counts]
    comm.Gatherv(np.ascontiguousarray(strip[1:-1]), (plate, parts) if rank == 0 else None, root=0)
    return plate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=200, help="points along an edge (default: 200)")
    parser.add_argument("--steps", type=int, default=500, help="how many steps (default: 500)")
    parser.add_argument("--check", action="store_true", help="compare with the same on one process")
    options = parser.parse_args()

    comm = MPI.COMM_WORLD
    if options.size < comm.Get_size():
        raise SystemExit(f"--size {options.size}: every one of the {comm.Get_size()} processes needs a row")
    start = MPI.Wtime()
    plate = together(comm, options.size, options.steps)
    if comm.Get_rank() == 0:
        print(f"{comm.Get_size()} processes, {options.size} x {options.size} points, {options.steps} steps, "
              f"{MPI.Wtime() - start:.2f} s")
        # The same for any number of processes, to the last digit: every point is computed from the same numbers.
        print(f"check value: {plate.sum():.9f}")
        if options.check:
            assert np.array_equal(plate, alone(options.size, options.steps)), "differs from one process alone"
            print("the same as on one process alone")


if __name__ == "__main__":
    main()
