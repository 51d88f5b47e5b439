"""A real Slurm of one node with eight GPUs, on loopback, for the tests marked `real`.

munged, slurmctld and slurmd run from a folder of their own, with nothing of a Slurm that may be set up here.
The GPUs are device nodes that are /dev/null in truth. Needs root and, if Slurm is missing, Debian's apt to
install it. What cannot be had raises: nothing is skipped.

    with Slurm.running() as slurm:
        job = slurm.run("sbatch", "--parsable", "--gres=gpu:1", "--wrap=sleep 60", user="games").stdout
        pids = slurm.pids_of(job)

Jobs are tracked by their parents (proctrack/linuxproc) and put into no cgroup. Daemons and jobs end with the
test, whichever way it ends.
"""

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.components.debian import install_packages
from tests.components.leash import PATH, Leash
from tests.components.missing import ComponentMissing

GPUS = 8
START_SECONDS = 10.0
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
PACKAGES = ("slurm-wlm", "munge")

CONFIG = """
ClusterName=sentinel-test
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=1
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs=16 RealMemory=1000 Gres=gpu:h100:{gpus} State=UNKNOWN
PartitionName=test Nodes={node} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


class Slurm:
    """A running one. `folder` holds all of it and can be read by everybody; `work` can be written, too."""

    def __init__(self, folder: Path, node_name: str) -> None:
        self.folder, self.node_name = folder, node_name
        self.config = folder / "slurm.conf"
        self.work = folder / "work"
        self._daemons: dict[str, int] = {}  # name → pid

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["Slurm"]:
        """Starts one, and ends it with all its jobs. Raises ComponentMissing."""
        require_slurm()
        folder = Path(tempfile.mkdtemp(prefix="sl-", dir="/tmp"))  # short: sockets are in it
        with Leash.held(folder) as leash:
            slurm = cls(folder, socket.gethostname().partition(".")[0])
            slurm._lay_out()
            slurm._start(leash)
            yield slurm

    def run(
        self, *argv: str, user: str | None = None, check: bool = True, timeout: float = 20.0
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a client ("sbatch", …) in the folder `work`, as that account (root by default)."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if user else []
        done = subprocess.run(
            [*become, *argv],
            env=self.env,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    @property
    def env(self) -> dict[str, str]:
        """What a client needs in its environment."""
        return {"PATH": PATH, "LANG": "C.UTF-8", "SLURM_CONF": str(self.config)}

    def submit(self, command: str, *options: str, user: str | None = None) -> str:
        """A batch job of one shell command; its id."""
        script = ["--parsable", "--output=/dev/null", f"--wrap={command}", *options]
        return self.run("sbatch", *script, user=user).stdout.strip().partition(";")[0]

    def await_state(self, job: str, wanted: str, *, timeout: float = 10.0) -> None:
        """Until a job is, say, RUNNING."""
        deadline = time.monotonic() + timeout
        while (
            state := self.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%T").stdout.strip()
        ) != wanted:
            assert time.monotonic() < deadline, (
                f"job {job} is {state or 'gone'}, not {wanted}:\n{self.logs()}"
            )
            time.sleep(0.05)

    def pids_of(self, job: str) -> list[int]:
        """The processes of a running job, as Slurm knows them, its own steps' daemons left out."""
        listed = self.run("scontrol", "listpids", job, self.node_name, check=False).stdout.splitlines()[1:]
        return [int(line.split()[0]) for line in listed if int(line.split()[0]) > 0]

    def logs(self) -> str:
        """The end of each daemon's log."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    # ------------------------------------------------------------ starting

    def _lay_out(self) -> None:
        self.folder.chmod(0o755)  # mkdtemp's is root's alone, and jobs are other people's
        for name, mode in (
            ("munge", 0o755),
            ("state", 0o700),
            ("spool", 0o755),
            ("dev", 0o755),
            ("work", 0o1777),
        ):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(mode)
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        try:
            for index in range(GPUS):
                os.mknod(self.folder / f"dev/nvidia{index}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError as error:
            raise ComponentMissing(
                f"Slurm's GPUs are device nodes, and mknod is not allowed here: {error}"
            ) from error
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            ports = {"ctld_port": one.getsockname()[1], "slurmd_port": two.getsockname()[1]}
        self.config.write_text(CONFIG.format(node=self.node_name, folder=self.folder, gpus=GPUS, **ports))
        gres = f"Name=gpu Type=h100 File={self.folder}/dev/nvidia[0-{GPUS - 1}]\n"
        (self.folder / "gres.conf").write_text(gres)

    def _start(self, leash: Leash) -> None:
        munge = self.folder / "munge"
        self._start_daemon(
            leash,
            "munged",
            "--foreground",
            f"--key-file={self.folder}/munge.key",
            f"--socket={munge}/socket",
            f"--pid-file={munge}/pid",
            f"--log-file={munge}/log",
            f"--seed-file={munge}/seed",
        )
        self._await(leash, (munge / "socket").is_socket)
        for daemon in ("slurmctld", "slurmd"):
            self._start_daemon(leash, daemon, "-D", "-c", "-f", str(self.config))
        self._await(leash, self._is_ready)

    def _start_daemon(self, leash: Leash, *argv: str) -> None:
        self._daemons[argv[0]] = leash.start(*argv, log=self.folder / f"{argv[0]}.log", env=self.env)

    def _is_ready(self) -> bool:
        said = self.run("sinfo", "-h", "-N", "-o", "%T", check=False)
        return said.stdout.strip() == "idle"

    def _await(self, leash: Leash, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            dead = [name for name, pid in self._daemons.items() if not leash.runs(pid)]
            if dead or time.monotonic() > deadline:
                raise ComponentMissing(f"Slurm does not start ({', '.join(dead) or 'slow'}):\n{self.logs()}")
            time.sleep(0.05)


def require_slurm() -> None:
    """Slurm and munge, installed if need be."""
    if os.geteuid() != 0:
        raise ComponentMissing("a Slurm for tests needs root: run `make test-real` as root")
    if all(shutil.which(program, path=PATH) for program in PROGRAMS):
        return
    install_packages(PACKAGES, "Slurm")
