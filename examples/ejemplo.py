"""¿Quién soy, y dónde? Cada proceso saluda, y un mensaje da la vuelta por todos ellos.
Who am I, and where? Every process says hello, and a message travels around all of them.

    mpiup run -n 4 python ejemplo.py
    mpiexec -hostfile hosts python ejemplo.py
"""

from mpi4py import MPI

comm = MPI.COMM_WORLD  # todos los procesos de este trabajo / all processes of this job
rank = comm.Get_rank()  # mi número, desde 0 / my number, from 0
size = comm.Get_size()  # cuántos somos / how many we are
host = MPI.Get_processor_name()  # la máquina en la que estoy / the machine that I am on

# 1. Cada uno le cuenta al proceso 0 quién es; sólo él escribe, y por eso sale en orden.
#    Everyone tells process 0 who it is; only that one prints, hence the order.
everyone = comm.gather((rank, host), root=0)
if rank == 0:
    for number, machine in everyone:
        print(f"Hola, soy el proceso {number} de {size} en {machine}")

# 2. Un anillo: recibo del anterior, añado mi máquina y envío al siguiente.
#    A ring: I receive from the one before me, add my machine, and send to the next.
before, after = (rank - 1) % size, (rank + 1) % size
if rank == 0:
    if size > 1:
        comm.send([host], dest=after)
        path = comm.recv(source=before)
    else:
        path = [host]
    print("El mensaje pasó por / the message went through:")
    print("  " + " -> ".join([*path, host]))
else:
    path = comm.recv(source=before)
    comm.send([*path, host], dest=after)

# 3. Todos suman a la vez: 0 + 1 + ... + (size - 1).
#    All of them add up at once.
total = comm.allreduce(rank)
assert total == size * (size - 1) // 2
if rank == 0:
    machines = sorted({machine for _, machine in everyone})
    print(f"Suma de los números / sum of the numbers: {total}")
    print(f"{size} procesos en {len(machines)} máquinas / {size} processes on {len(machines)} machines: {', '.join(machines)}")
