"""A real Podman behind its Docker-compatible socket, with storage of its own, for the tests marked `real`.

with PodmanService.running() as podman:
    id = podman.run("sleep", "1000", options=["--label", "a=b"])
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.components.docker_engine import PATIENCE, SLEEP, busybox_tar, folder_of_its_own, install
from tests.components.missing import ComponentMissing

IMAGE = "localhost/box"
PACKAGES = {"podman": "podman", "runc": "runc", "conmon": "conmon", "busybox": "busybox-static"}
# Without them runc wants to raise limits, which not every machine that runs tests allows.
RUN_OPTIONS = ("--network", "none", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=500:500")


class PodmanService:
    """A running `podman system service`, whose folder goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "p.sock"
        self.host = f"unix://{self.socket}"
        self._command = [
            *("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"),
            *(
                "--root",
                str(folder / "root"),
                "--runroot",
                str(folder / "run"),
                "--tmpdir",
                str(folder / "tmp"),
            ),
        ]
        self._env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self._service: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["PodmanService"]:
        """Starts one, with its image, and ends it with everything in it."""
        install(PACKAGES)
        with folder_of_its_own("spod-") as folder:
            service = cls(folder)
            try:
                service.podman("import", "--change", "ENV PATH=/bin", "-", IMAGE, stdin=busybox_tar())
                service.start()
                yield service
                service.podman("rm", "--all", "--force", "--time", "0")
            finally:
                service.stop()

    def start(self) -> None:
        """Starts the service (again). Waits until its socket is there."""
        self.socket.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._service = subprocess.Popen(
                [*self._command, "system", "service", "--time", "0", self.host],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._service.poll() is None:
            if self.socket.exists():
                return
            time.sleep(0.05)
        said = (self.folder / "log").read_text(errors="replace")[-2000:]
        raise ComponentMissing(f"podman's service does not start; it said:\n{said}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stops the service; containers go on. Idempotent."""
        service, self._service = self._service, None
        if service is None:
            return
        service.send_signal(how)
        try:
            service.wait(5)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait(PATIENCE)

    def podman(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Podman's own command line: what it prints. AssertionError when it fails."""
        done = subprocess.run(
            [*self._command, *arguments],
            input=stdin or b"",
            capture_output=True,
            env=self._env,
            timeout=PATIENCE,
            cwd="/",
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise AssertionError(f"podman {arguments} ended with {done.returncode}:\n{said}")
        return done.stdout.decode(errors="replace").strip()

    def run(self, *command: str, options: Sequence[str] = ()) -> str:
        """`podman run -d`: the container's id. Sleeps, unless `command` says otherwise."""
        return self.podman("run", "-d", *RUN_OPTIONS, *options, IMAGE, *(command or SLEEP))


@pytest.fixture(scope="session")
def podman_service() -> Iterator[PodmanService]:
    """A Podman for all tests of a run that import this."""
    with PodmanService.running() as service:
        yield service
