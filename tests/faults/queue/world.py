"""A whole queue of real processes, in a folder of the test's: what is killed, cut off and restarted here.

    with World(tmp_path, gpus=4) as world:
        id = world.submit(seconds=0.2, code=3)
        os.kill(world.pid("supervisor"), signal.SIGKILL)
        world.ended(id); check(world)                                    # tests.faults.queue.checker

`sentinel up` by default; with `nodes` a `sentinel server` and agents that join it, each a process of ours.
Its jobs witness for themselves: each holds a lock file for itself and for each of its GPUs for as long as
anything of it lives (the kernel lets go of those), and writes what it saw to `marks`:

    S|E|X JOB ATTEMPT UPTIME NAMESPACE GPUS     it began, it ended; X: somebody else had the lock

Each part of a gang is a job in that sense.
"""

import getpass
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeVar

from sentinel.client import Client
from sentinel.client.env_file import read_env_file
from sentinel.core.errors import SentinelError

SECONDS = 40.0
ADOPTED_CODES = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 15)
"""Whether the kernel tells a supervisor how a job ended that a predecessor had started."""
ENDED = ("SUCCEEDED", "FAILED", "CANCELED")
T = TypeVar("T")
JOB = Path(__file__).with_name("job.sh")


def eventually(what: Callable[[], T], seconds: float = SECONDS, *, every: float = 0.03) -> T:
    """What `what` returns once it is true. AssertionError when it never is."""
    until = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            if last := what():
                return last  # type: ignore[return-value]
        except (SentinelError, OSError, AssertionError) as error:
            last = error
        assert time.monotonic() < until, f"not within {seconds:g} s; last: {last!r}"
        time.sleep(every)


def alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """And waits until it is gone, or does not run any more."""
    os.kill(pid, number)
    if number in (signal.SIGKILL, signal.SIGTERM):
        eventually(lambda: not alive(pid), 10)


class Held:
    """A process that stands still meanwhile."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def __enter__(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        if alive(self.pid):
            os.kill(self.pid, signal.SIGCONT)


def everybody() -> Iterator[tuple[int, list[bytes]]]:
    """Who runs: pid, words of the command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(path.parent.name)
        if (words := words_of(pid)) and alive(pid):
            yield pid, words


def words_of(pid: int) -> list[bytes]:
    """Its command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Mark:
    """What a job said of itself. `at` in seconds since boot."""

    kind: str
    job: str
    attempt: int
    at: float
    net: str
    gpus: tuple[str, ...]


class Program:
    """A process of ours, in a session of its own, started as often as one likes."""

    def __init__(self, log: Path, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.log, self.words, self.environment = log, list(words), dict(environment)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        eventually(lambda: not self.runs, 10)  # of one that was killed the last thread may still be ending
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.words,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None and self.runs, self.log.read_text()[-2000:]
        return self.process.pid

    def stop(self, number: int = signal.SIGTERM, *, group: bool = False) -> None:
        """Sends the signal and waits for its end."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        (os.killpg if group else os.kill)(process.pid, number)
        process.wait(20)


class Node:
    """A machine with an agent of its own. `prefix` runs it elsewhere: ["ip", "netns", "exec", NAME]."""

    def __init__(self, world: "World", name: str, gpus: int, *, prefix: Sequence[str] = ()) -> None:
        self.world, self.name = world, name
        self.folder = world.folder / f"node-{name}"
        self.folder.mkdir(exist_ok=True)
        self.gpus, self.prefix = gpus, prefix
        self.agent: Program | None = None

    def start(self, url: str | None = None) -> None:
        """Starts its agent, which joins the first time."""
        token = self.folder / "join-token"
        if self.agent is None:
            token.touch(0o600)
            token.write_text(str(self.world.client.create_token("node", kind="join")["token"]))
            words = ["run", "--node-dir", str(self.folder / "dir"), "--controller", url or self.world.url]
            words += ["--join-token-file", str(token), "--name", self.name, "--listen", "none"]
            words += ["--run-jobs-as", getpass.getuser(), "--arbiter", "none"]
            words += ["--gpus", f"simulated:{self.gpus}", "--state-dir", str(self.folder / "state")]
            words += ["--config", str(self.world.config)]
            program = [*self.prefix, sys.executable, "-m", "sentinel.agent", *words]
            environment = {**self.world.environment, **self.world.agent_environment}
            environment["SENTINEL_SIMULATED_DIR"] = str(self.folder / "claims")
            self.agent = Program(self.folder / "agent.log", program, environment)
        self.agent.start()

    def join_again(self) -> subprocess.CompletedProcess[str]:
        """What somebody types on that machine, with a new token."""
        assert self.agent is not None
        token = str(self.world.client.create_token("node", kind="join")["token"])
        words = ["join", self.world.url, "--token", token, "--node-dir", str(self.folder / "dir")]
        program = [*self.prefix, sys.executable, "-m", "sentinel.agent", *words, "--name", self.name]
        return subprocess.run(
            program, env=self.agent.environment, capture_output=True, text=True, timeout=30, check=False
        )

    def pids(self, role: str) -> list[int]:
        """`role`: agent, supervisor."""
        return pids_of(role, self.folder / "dir")

    def end(self) -> None:
        """The end of all of it at once, jobs included: a power cut."""
        while pids := [*self.pids("agent"), *self.pids("supervisor"), *self.job_pids()]:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            eventually(lambda pids=pids: not any(map(alive, pids)), 10)
        if self.agent is not None and self.agent.process is not None:
            self.agent.process.wait(10)

    def job_pids(self) -> list[int]:
        """Of every process of a job of this node, found by the supervisor's log of it."""
        logs = str(self.folder / "dir/logs")
        return [pid for pid in self.world.job_pids() if _link(pid, "fd/1").startswith(logs)]

    def net(self) -> str:
        """The name of its network namespace, as marks have it."""
        found = subprocess.run(
            [*self.prefix, "readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True
        )
        return found.stdout.strip()


def _by_rank(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _link(pid: int, name: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/{name}").readlink())
    except OSError:
        return ""


_MODULES = {
    "api": (b"sentinel.server.api_process", b"--data-dir"),
    "loops": (b"sentinel.server.loops_process", b"--data-dir"),
    "agent": (b"sentinel.agent", b"--node-dir"),
    "supervisor": (b"sentinel.supervisor", b"--dir"),
}


def pids_of(role: str, folder: Path) -> list[int]:
    """Those in that role whose arguments name this folder, the oldest of a family alone: one that is about to
    become a job looks like the supervisor for a moment."""
    module, option = _MODULES[role]
    named = str(folder).encode()
    found = [
        pid
        for pid, words in everybody()
        if any(module in word for word in words)
        and any(word == option and follows == named for word, follows in pairwise(words))
    ]
    return [pid for pid in found if parent_of(pid) not in found]


class World:
    """See this module's docstring. `lease`: `lease_seconds` of the controller."""

    def __init__(
        self,
        folder: Path,
        *,
        gpus: int = 4,
        lease: float | None = None,
        alone: bool = False,
        listen: str | None = None,
        prefix: Sequence[str] = (),
        server_environment: Mapping[str, str] | None = None,
        agent_environment: Mapping[str, str] | None = None,
        patience: float = 30.0,
        jobs_as: str | None = None,
    ) -> None:
        """`alone`: a controller without an agent; nodes are added with `node`. `jobs_as`: as whom jobs run,
        if not as us."""
        self.folder, self.data, self.config = folder, folder / "data", folder / "config.toml"
        for one in ("locks", "home"):
            (folder / one).mkdir(exist_ok=True)
        (folder / "job.sh").write_bytes(JOB.read_bytes())
        (folder / "marks").touch()
        self.config.write_text("[server]\n" + (f"lease_seconds = {lease:g}\n" if lease else ""))
        self.listen = listen or f"127.0.0.1:{free_port()}"
        home = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""}
        claims = {"SENTINEL_SIMULATED_DIR": str(folder / "claims")}
        self.environment = {**os.environ, **home, **claims}
        for name in ("SENTINEL_URL", "SENTINEL_TOKEN", "SENTINEL_CA", "SENTINEL_DATABASE"):
            self.environment.pop(name, None)
        self.agent_environment = dict(agent_environment or {})
        words = [*prefix, sys.executable, "-m", "sentinel.server", "server" if alone else "up"]
        words += ["--data-dir", str(self.data), "--listen", self.listen, "--config", str(self.config)]
        if not alone:
            words += ["--gpus", f"simulated:{gpus}", "--arbiter", "none"]
            words += ["--run-jobs-as", jobs_as or getpass.getuser()]
        elif listen:
            words += ["--name", listen.rpartition(":")[0]]
        self.server = Program(
            folder / "server.log", words, {**self.environment, **(server_environment or {})}
        )
        self.nodes: dict[str, Node] = {}
        self.alone, self.prefix, self.patience = alone, prefix, patience
        self.submitted: dict[str, int] = {}
        self.url = f"https://{self.listen}"

    # ------------------------------------------------------------------ running

    def __enter__(self) -> Self:
        try:
            self.start()
            if not self.alone:
                eventually(lambda: any(node["state"] == "up" for node in self.client.nodes()))
        except BaseException:
            self.close()
            raise
        return self

    def start(self) -> None:
        """Until its API answers."""
        self.server.start()
        env = self.data / "client.env"
        eventually(lambda: env.exists() or not self.server.runs)
        assert self.server.runs, self.server.log.read_text()
        if not hasattr(self, "client"):
            found = read_env_file(env)
            token, ca = found["SENTINEL_TOKEN"], found["SENTINEL_CA"]
            self.client = Client(self.url, token=token, ca=ca, timeout=10, patience=self.patience)
        eventually(self.client.health)

    def node(self, name: str, gpus: int, *, prefix: Sequence[str] = (), url: str | None = None) -> Node:
        """A new node, up."""
        node = self.nodes[name] = Node(self, name, gpus, prefix=prefix)
        node.start(url)
        self.is_up(name)
        return node

    def is_up(self, name: str) -> None:
        eventually(lambda: self.client.node(name)["state"] == "up")

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """All of it ends, jobs included. What runs is found by the folder, so nobody else's is."""
        for node in self.nodes.values():
            if node.agent is not None:
                node.agent.stop(signal.SIGKILL)
        self.server.stop(signal.SIGKILL)
        while pids := [*self.pids(), *self.job_pids()]:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            eventually(lambda pids=pids: not any(map(alive, pids)), 10)
        if hasattr(self, "client"):
            self.client.close()

    # ------------------------------------------------------------------ processes

    def pids(self) -> list[int]:
        """Everything but jobs that names our folder."""
        folder = str(self.folder).encode()
        mine = os.getpid()
        return [
            pid
            for pid, words in everybody()
            if pid != mine and any(word.startswith(folder) for word in words)
        ]

    def pid(self, role: str) -> int:
        """`role`: parent, api, loops, agent, supervisor. Waits until there is one."""
        if role == "parent":
            return self.server.pid
        folder = self.data if role in ("api", "loops") else self.data / "node"
        return eventually(lambda: next(iter(pids_of(role, folder)), 0))

    def supervisor_serves(self, folder: Path | None = None) -> None:
        """Waits until it does, and so has taken over what its predecessor left. `folder`: a node's."""
        path = str((folder or self.data / "node") / "supervisor.sock")

        def look() -> bool:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(path)
                return True

        eventually(look)

    def job_pids(self, id: str = "") -> list[int]:
        """Of the processes of that job, or of all of ours; its leader first."""
        script, found = str(self.folder / "job.sh").encode(), list[int]()
        leaders = {pid for pid, words in everybody() if script in words}
        for pid in leaders | {pid for pid, _ in everybody() if parent_of(pid) in leaders}:
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(one.startswith(b"SENTINEL_JOB_ID=" + id.encode()) for one in environment):
                found.append(pid)
        return sorted(found, key=lambda pid: (parent_of(pid) in leaders, pid))

    # ------------------------------------------------------------------ jobs

    def submit(
        self,
        *,
        seconds: float | Sequence[float] = 0.0,
        gate: str = "",
        code: int = 0,
        codes: Sequence[int] = (),
        slow_end: float = 0.0,
        **spec: Any,
    ) -> str:
        """Sleeps so long, or until `open_gate`, and ends with that code. Of a gang, `seconds` and `codes` may
        be by rank; its own code is `code`."""
        words = self._words(seconds, gate, codes or [code], slow_end)
        id = str(self.client.submit(words, cwd="/", **spec)["id"])
        self.submitted[id] = code
        return id

    def submit_array(
        self, array: str, *, seconds: float = 0.0, gate: str = "", code: int = 0, **spec: Any
    ) -> tuple[str, list[str]]:
        """The same for each task; the array's id and theirs."""
        made = self.client.submit(self._words(seconds, gate, [code], 0.0), cwd="/", array=array, **spec)
        self.submitted.update(dict.fromkeys(made["jobs"], code))
        return str(made["id"]), list(made["jobs"])

    def _words(
        self, seconds: float | Sequence[float], gate: str, codes: Sequence[int], slow_end: float
    ) -> list[str]:
        lasts = [seconds] if isinstance(seconds, int | float) else seconds
        what = f"gate-{gate}" if gate else _by_rank(lasts)
        script = str(self.folder / "job.sh")
        return ["sh", script, str(self.folder), _by_rank(codes), what, f"{slow_end:g}"]

    def part(self, gang: str, rank: int, attempt: int = 1) -> str:
        """The id of a gang's part."""
        return f"{gang}.{attempt}.{rank}"

    def open_gate(self, gate: str) -> None:
        (self.folder / f"gate-{gate}").touch()

    def job(self, id: str) -> dict[str, Any]:
        return self.client.job(id)

    def becomes(self, id: str, *states: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The job once it is in one of these states."""

        def look() -> dict[str, Any] | None:
            job = self.client.job(id)
            return job if job["state"] in states else None

        try:
            return eventually(look, seconds)  # type: ignore[return-value]
        except AssertionError:
            shown = self._shown(id)
            raise AssertionError(f"not {states} within {seconds:g} s: {shown}\n{self.tail()}") from None

    def _shown(self, id: str) -> str:
        job, told = self.job(id), [event["type"] for event in self.client.job_events(id)]
        fields = {key: job.get(key) for key in ("id", "state", "reason", "attempt", "exit_code", "node")}
        return f"{fields}, {' '.join(told).replace('sentinel.job.', '')}"

    def ended(self, id: str, seconds: float = SECONDS) -> dict[str, Any]:
        return self.becomes(id, *ENDED, seconds=seconds)

    def marks(self) -> list[Mark]:
        found: list[Mark] = []
        for line in (self.folder / "marks").read_text().splitlines():
            kind, job, attempt, at, net, *gpus = line.split(" ")
            found.append(Mark(kind, job, int(attempt), float(at), net, tuple(" ".join(gpus).split(","))))
        return found

    def marked(self, id: str, kind: str = "S", attempt: int = 1) -> Mark | None:
        """That mark of that job, if it has been made."""
        return next((m for m in self.marks() if (m.job, m.kind, m.attempt) == (id, kind, attempt)), None)

    def begun(self, id: str, attempt: int = 1) -> Mark:
        """Waits until the job itself says that it runs."""
        try:
            return eventually(lambda: self.marked(id, attempt=attempt))  # type: ignore[return-value]
        except AssertionError:
            raise AssertionError(f"it never began: {self._shown(id)}\n{self.tail()}") from None

    def tail(self) -> str:
        """The ends of all journals, for messages."""
        logs = [self.server.log, *(self.folder.glob("node-*/agent.log"))]
        logs += [*self.folder.glob("**/supervisor.log")]
        return "\n".join(f"--- {log}\n{log.read_text()[-1500:]}" for log in logs if log.exists())
