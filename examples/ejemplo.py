from mpi4py import MPI
c = MPI.COMM_WORLD
print("rank", c.rank, "of", c.size, "on", MPI.Get_processor_name())
