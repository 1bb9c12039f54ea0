"""The same cluster as playbook.yml, as one sets it up with pyinfra. Expects `--data key=PATH` of a key pair."""

from io import StringIO

from pyinfra import host, inventory
from pyinfra.facts.server import Command
from pyinfra.operations import apt, files, server

nodes = sorted(inventory.get_group("nodes"), key=lambda node: node.data.place)
key = host.data.key


def text(lines):
    return StringIO("".join(line + "\n" for line in lines))


def mine(name, src, dest, mode):
    files.put(name=name, src=src, dest=dest, user="mpi", group="mpi", mode=mode)


server.user(name="user mpi", user="mpi", uid=5000, shell="/bin/bash", home="/home/mpi", ensure_home=True)
files.directory(name="ssh dir", path="/home/mpi/.ssh", user="mpi", group="mpi", mode="700")
files.directory(name="cluster dir", path="/home/mpi/cluster", user="mpi", group="mpi", mode="755")
own = "cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub"
known = [f"{node.name},{node.data.ssh_hostname} {node.get_fact(Command, command=own)}" for node in nodes]
mine("authorized_keys", f"{key}.pub", "/home/mpi/.ssh/authorized_keys", "600")
mine("private key", key, "/home/mpi/.ssh/id_ed25519", "600")
mine("known_hosts", text(known), "/home/mpi/.ssh/known_hosts", "644")
mine("hostfile", text(f"{node.name} slots=1" for node in nodes), "/home/mpi/cluster/hosts", "644")
files.block(
    name="/etc/hosts block",
    path="/etc/hosts",
    marker="# {mark} mpi cluster",
    content=[f"{node.data.ssh_hostname} {node.name}" for node in nodes],
)
sshd = files.line(
    name="sshd MaxStartups",
    path="/etc/ssh/sshd_config",
    line="^MaxStartups .*$",
    replace="MaxStartups 100:30:500",
)
server.shell(
    name="reload sshd (validated)",
    commands=["/usr/sbin/sshd -t", "kill -HUP $(cat /run/sshd.pid)"],
    _if=sshd.did_change,
)
apt.packages(name="packages present", packages=["openmpi-bin", "python3-mpi4py"], present=True)
