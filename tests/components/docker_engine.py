"""A real dockerd with everything of its own, for the tests marked `real`. Nothing is pulled from anywhere.

Its one image, `box`, is made of the machine's static busybox. It has no network and touches no firewall, so
several may run beside each other. `--live-restore`: containers outlive the daemon's stop. Needs root and,
if dockerd is missing, Debian's apt to install it. What cannot be had raises: nothing is skipped.

    with DockerEngine.running() as engine:
        id = engine.run("sleep", "1000", options=["--label", "a=b"])

Called as a program with a folder, it ends whatever belongs to an engine of that folder:
python -m tests.components.docker_engine FOLDER
"""

import atexit
import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.components.debian import install_packages
from tests.components.missing import ComponentMissing

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
IMAGE = "box"
APPLETS = "sh sleep ls cat env true mknod"
SLEEP = ("sleep", "100000")
PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "ctr": "containerd",
    "busybox": "busybox-static",
    "docker-compose": "docker-compose",
}


class DockerEngine:
    """A running dockerd, whose folder goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "d.sock"
        self.host = f"unix://{self.socket}"
        self.containerd_address = str(folder / "exec/containerd/containerd.sock")
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": str(folder / "config"),
            "LC_ALL": "C.UTF-8",
        }
        self._daemon: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["DockerEngine"]:
        """Starts one, with its image, and ends it with everything in it."""
        install(PACKAGES)
        with folder_of_its_own("sdock-") as folder:
            engine = cls(folder)
            try:
                engine.start()
                engine.add_image(IMAGE)
                yield engine
            finally:
                engine.kill_containers()
                engine.stop()

    # -------------------------------------------------------------- the daemon

    def start(self) -> None:
        """Starts the daemon again, with the containers it had. Waits until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [
                    "dockerd",
                    *("--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")),
                    *("-H", self.host, "--pidfile", str(self.folder / "d.pid")),
                    *("--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
                    *("--live-restore", "--shutdown-timeout", "1", "--log-level", "warn"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._daemon.poll() is None:
            with contextlib.suppress(OSError):
                if self.api("GET", "/_ping", raw=True) == b"OK":
                    return
            time.sleep(0.05)
        said = (self.folder / "log").read_text(errors="replace")[-2000:]
        raise ComponentMissing(f"dockerd does not answer; it said:\n{said}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stops the daemon, and its containerd with it. What runs in containers goes on. Idempotent."""
        daemon, self._daemon = self._daemon, None
        if daemon is None:
            return
        daemon.send_signal(how)
        try:
            daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(PATIENCE)
        self._end_containerd()

    def _end_containerd(self) -> None:
        """A daemon that was killed leaves its containerd behind, which the next could not start beside."""
        shims = set(processes_of(self.folder, "containerd-shim"))
        left = set(processes_of(self.folder, "containerd")) - shims
        end(left)
        # Where PID 1 reaps nobody it is a zombie for good, which the next daemon would take for running.
        (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        """The daemon's."""
        assert self._daemon is not None
        return self._daemon.pid

    # -------------------------------------------------------------- using it

    def docker(self, *arguments: str, stdin: bytes | None = None, timeout: float = PATIENCE) -> str:
        """Docker's own command line: what it prints. AssertionError when it fails."""
        return self.program("docker", *arguments, stdin=stdin, timeout=timeout)

    def program(
        self, *command: str, stdin: bytes | None = None, timeout: float = PATIENCE, cwd: str = "/"
    ) -> str:
        """Any client of the engine: `docker-compose`, `ctr`."""
        done = subprocess.run(
            command, input=stdin or b"", capture_output=True, env=self.env, timeout=timeout, cwd=cwd
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise AssertionError(f"{command} ended with {done.returncode}:\n{said}")
        return done.stdout.decode(errors="replace").strip()

    def run(self, *command: str, options: Sequence[str] = (), image: str = IMAGE) -> str:
        """`docker run -d`: the container's id. Sleeps, unless `command` says otherwise."""
        return self.docker("run", "-d", *options, image, *(command or SLEEP))

    def run_many(self, specs: Iterable[Mapping[str, Any]], *, started: bool = True) -> list[str]:
        """Creates and starts containers through the API, four at a time; their ids, in order.

        A spec is the body of `POST /containers/create`; what it lacks is an image and a command that sleeps.
        `name` in it is the container's name.
        """
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda spec: self._run_one(dict(spec), started), specs))

    def _run_one(self, spec: dict[str, Any], started: bool) -> str:
        name = spec.pop("name", None)
        body = {"Image": IMAGE, "Cmd": list(SLEEP), **spec}
        id = self.api("POST", f"/containers/create{f'?name={name}' if name else ''}", body)["Id"]
        if started:
            self.api("POST", f"/containers/{id}/start")
        return id

    def remove(self, ids: Iterable[str]) -> None:
        """Kills and removes containers, four at a time."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda id: self.api("DELETE", f"/containers/{id}?force=1&v=1"), ids))

    def remove_all(self) -> None:
        """So that the next test finds none."""
        self.remove([one["Id"] for one in self.api("GET", "/containers/json?all=1")])

    def add_image(self, name: str, *changes: str) -> None:
        """An image of busybox, with lines of a Dockerfile such as "USER jovyan"."""
        options = [part for change in ("ENV PATH=/bin", *changes) for part in ("--change", change)]
        self.docker("import", *options, "-", name, stdin=busybox_tar())

    def api(self, method: str, path: str, body: object = None, *, raw: bool = False) -> Any:
        """One request to the Engine API: the JSON it answers. AssertionError when it fails."""
        connection = http.client.HTTPConnection("docker", timeout=PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(PATIENCE)
            connection.sock.connect(str(self.socket))
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return text if raw else json.loads(text or b"null")

    def kill_containers(self) -> None:
        """Ends all that runs in containers at once. Docker's own way would wait seconds for each `sleep`."""
        inside = [child for shim in processes_of(self.folder, "containerd-shim") for child in children(shim)]
        for pid in inside:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while processes_of(self.folder, "containerd-shim") and time.monotonic() < deadline:
            time.sleep(0.02)  # the daemon, if it runs, clears away each one's cgroups and mounts


# ------------------------------------------------------------------ shared with podman_service


def install(packages: Mapping[str, str]) -> None:
    """Programs and the Debian packages that bring them, installed if need be."""
    if os.geteuid() != 0:
        raise ComponentMissing("a container engine of its own needs root: run `make test-real` as root")
    lacking = sorted({package for program, package in packages.items() if not shutil.which(program)})
    if lacking:
        install_packages(lacking, "a container engine")


@contextlib.contextmanager
def folder_of_its_own(prefix: str) -> Iterator[Path]:
    """A folder with a short name: sockets lie in it. At its end, all that belongs to it ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    guard = subprocess.Popen(
        ["sh", "-c", f"read word || exec {sys.executable} -m {__name__} {folder}"],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
    atexit.register(sweep, folder)
    try:
        yield folder
    finally:
        sweep(folder)
        atexit.unregister(sweep)
        guard.communicate(b"all is well\n")


def busybox_tar() -> bytes:
    """A file system with busybox in it."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(os.path.realpath(busybox), "bin/busybox")
        for name in APPLETS.split():
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name in ("proc", "sys", "dev", "etc", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
    return out.getvalue()


def processes_of(folder: Path, program: str = "") -> list[int]:
    """Pids of processes that have the folder in their command line, and `program` in its first word."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if program.encode() in words[0] and any(os.fsencode(folder) in word for word in words[1:]):
                found.append(int(entry.name))
    return found


def children(pid: int) -> list[int]:
    """Its children's pids."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (thread / "children").read_text().split()]
    return found


def end(pids: Collection[int]) -> None:
    """Kills processes, and waits until they are gone."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(not _is_gone(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def sweep(folder: Path) -> None:
    """Ends what runs with this folder and in its containers, unmounts and removes it. Idempotent."""
    ids = [
        one.name for place in ("data/containers", "root/*-containers") for one in folder.glob(f"{place}/*")
    ]
    engines = ("dockerd", "podman", "containerd", "conmon")
    owned = [pid for engine in engines for pid in processes_of(folder, engine)]
    inside = [child for pid in owned for child in children(pid)]
    end({*owned, *inside})
    mounts = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed([one for one in mounts if one.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    _end_cgroups(ids)
    shutil.rmtree(folder, ignore_errors=True)


def _end_cgroups(ids: Sequence[str]) -> None:
    """Those of containers whose engine had no time to. A tree of cgroups is as deep as its layout says."""
    root = Path("/sys/fs/cgroup")
    for id in ids:
        for cgroup in (*root.glob(f"*/*{id}*"), *root.glob(f"*/*/*{id}*")):
            for place, _, _ in os.walk(cgroup, topdown=False):
                with contextlib.suppress(OSError):
                    Path(place).rmdir()


def _is_gone(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A dockerd for all tests of a run that import this. Leave no container behind: `remove_all`."""
    with DockerEngine.running() as engine:
        yield engine


if __name__ == "__main__":
    sweep(Path(sys.argv[1]))
