"""A whole systemd, booted in a container on this machine, for the tests marked `real`.

Root's file system is seen through an overlay on a tmpfs, so the machine's Python and this repository are
there, and nothing that happens inside stays. The network is the host's. Needs root and, if
systemd-nspawn is missing, Debian's apt to install it. What cannot be had raises: nothing is skipped.

    with Machine.boot() as machine:
        machine.run("systemctl", "start", "sentinel")
"""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.components.debian import install_packages
from tests.components.missing import ComponentMissing

BOOT_TIMEOUT = 60.0
POWEROFF = signal.SIGRTMIN + 3  # what systemd as PID 1 takes as "halt"
NSPAWN = "--register=no --keep-unit --link-journal=no --console=pipe systemd.unit=multi-user.target"
# Whatever the host starts at boot has no business in a test's machine; dbus comes by its socket.
LAYOUTS = {
    "host": dict[str, str](),
    "v1": {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"},
    "v2": {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
}
WANTS = ("etc/systemd/system/*.wants", "lib/systemd/system/multi-user.target.wants")


class Machine:
    """A booted systemd. `root` is its file system as the host sees it; pids are the host's."""

    def __init__(self, overlay: Path, leader: int, name: str) -> None:
        self._overlay, self.leader, self.name = overlay, leader, name
        self.root = Path(f"/proc/{leader}/root")
        self.cgroup_root = self.root / "sys/fs/cgroup"
        self.systemctl = overlay / "systemctl"
        self.systemctl.write_text(f'#!/bin/sh\nexec nsenter -t {leader} -a systemctl "$@"\n')
        self.systemctl.chmod(0o755)

    @classmethod
    @contextlib.contextmanager
    def boot(cls, cgroups: str = "host") -> Iterator["Machine"]:
        """Boots one, and ends it with everything in it. `cgroups`: v1, v2, or as the host has them."""
        require_nspawn()
        name = f"sentinel-test-{os.urandom(4).hex()}"
        with _overlay_of_root() as overlay, _cgroups_of_its_own(name) as enter:
            nspawn = f"systemd-nspawn -q -b -D {overlay}/m -M {name} {NSPAWN}"
            # The repository may lie in /tmp: it is to be seen there, so no new /tmp on top of it.
            env = {"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_TMPFS_TMP": "0", **LAYOUTS[cgroups]}
            with (overlay / "console").open("wb") as console:
                # Never /dev/null as its input: systemd takes that for its console, and gives its console
                # the mode of a terminal. It would be the host's /dev/null.
                host = subprocess.Popen(
                    ["sh", "-c", f"{enter} exec {nspawn}"],
                    stdin=subprocess.PIPE,
                    stdout=console,
                    stderr=console,
                    env=env,
                )
            leader = 0
            try:
                leader = _await_leader(host, overlay / "console")
                with _guarded(leader, overlay, name):
                    machine = cls(overlay, leader, name)
                    machine._await_boot()
                    yield machine
            finally:
                _halt(host, leader)

    def run(
        self,
        *argv: str,
        user: str | None = None,
        check: bool = True,
        timeout: float = 60.0,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a command inside, as root unless `user` says otherwise, and waits for it."""
        done = subprocess.run(
            self.command(*argv, user=user, env=env, cwd=cwd),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def start(
        self, *argv: str, user: str | None = None, env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Starts a command inside; the caller waits for it."""
        return subprocess.Popen(
            self.command(*argv, user=user, env=env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(
        self, *argv: str, user: str | None = None, env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The host's command line that runs `argv` inside, with a login's environment."""
        home = "/root" if user is None else "/"
        settings = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "LANG": "C.UTF-8",
            **(env or {}),
        }
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if user else []
        enter = ["nsenter", "-t", str(self.leader), "-a", "--"]
        return [*enter, "env", "-i", "-C", cwd, *(f"{k}={v}" for k, v in settings.items()), *become, *argv]

    def journal(self, unit: str | None = None, *, since: str | None = None) -> str:
        """What the journal holds, of one unit or of all."""
        of = ["-u", unit] if unit else []
        return self.run(
            "journalctl", "--no-pager", "-o", "cat", *of, *(["--since", since] if since else [])
        ).stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Writes a file inside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def add_unit(self, name: str, service: str, *, unit: str = "", reload: bool = True) -> str:
        """Installs `name`.service with these lines in [Service] (and [Unit]); returns the unit's name."""
        self.write(f"/etc/systemd/system/{name}.service", f"[Unit]\n{unit}\n[Service]\n{service}\n")
        if reload:
            self.run("systemctl", "daemon-reload")
        return f"{name}.service"

    def show(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={what}", "--", unit).stdout.strip()

    def _await_boot(self) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT
        state = ""
        while time.monotonic() < deadline:
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            if state in ("running", "degraded"):
                return
            time.sleep(0.1)
        console = (self._overlay / "console").read_text(errors="replace")[-2000:]
        raise ComponentMissing(f"systemd did not boot in {BOOT_TIMEOUT:.0f} s, it is {state!r}:\n{console}")


def require_nspawn() -> None:
    """systemd-nspawn and what it needs, installed if need be."""
    if os.geteuid() != 0:
        raise ComponentMissing("a booted systemd needs root: run `make test-real` as root")
    if shutil.which("systemd-nspawn") and Path("/lib/systemd/systemd").exists():
        return
    install_packages(["systemd-container", "systemd-sysv", "dbus"], "systemd-nspawn")


@contextlib.contextmanager
def _overlay_of_root() -> Iterator[Path]:
    """A folder with `m`, which is / to write into. Gone at the end, mounts included."""
    folder = Path(tempfile.mkdtemp(prefix="sentinel-machine-"))
    mounted: list[Path] = []

    def clean_up() -> None:
        while mounted:
            subprocess.run(["umount", "--lazy", str(mounted.pop())], check=False)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(clean_up)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "sentinel", str(folder)], check=True)
        mounted.append(folder)
        for part in ("u", "w", "m"):
            (folder / part).mkdir()
        layers = f"lowerdir=/,upperdir={folder}/u,workdir={folder}/w"
        subprocess.run(["mount", "-t", "overlay", "sentinel", "-o", layers, str(folder / "m")], check=True)
        mounted.append(folder / "m")
        for pattern in WANTS:
            for link in (folder / "m").glob(f"{pattern}/*"):
                link.unlink()
        # Nor is /tmp to be swept at boot.
        (folder / "m/etc/tmpfiles.d").mkdir(exist_ok=True)
        (folder / "m/etc/tmpfiles.d/tmp.conf").write_text("")
        # Its own id, or its journal would be the host's.
        (folder / "m/etc/machine-id").write_text(os.urandom(16).hex() + "\n")
        yield folder
    finally:
        clean_up()
        atexit.unregister(clean_up)


def _await_leader(nspawn: "subprocess.Popen[bytes]", console: Path) -> int:
    """The machine's PID 1, as the host numbers it: nspawn's only child."""
    deadline = time.monotonic() + BOOT_TIMEOUT
    while time.monotonic() < deadline and nspawn.poll() is None:
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split()
        for child in map(int, children):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
        time.sleep(0.05)
    said = console.read_text(errors="replace")[-2000:]
    raise ComponentMissing(f"systemd-nspawn started no systemd:\n{said}")


@contextlib.contextmanager
def _cgroups_of_its_own(name: str) -> Iterator[str]:
    """Shell code that enters new cgroups, gone at the end. Machines that shared one would kill each other's
    services: to systemd, a unit is what is in the unit's cgroup."""
    root = Path("/sys/fs/cgroup")
    trees = [root] if (root / "cgroup.controllers").exists() else [root / "systemd", root / "unified"]
    made = [tree / name for tree in trees if tree.is_dir()]
    for cgroup in made:
        cgroup.mkdir()
    try:
        yield "".join(f"echo $$ > {cgroup}/cgroup.procs; " for cgroup in made)
    finally:
        for cgroup in made:
            for folder, _, _ in os.walk(cgroup, topdown=False):
                with contextlib.suppress(OSError):  # busy: a process of it is not yet reaped
                    Path(folder).rmdir()


@contextlib.contextmanager
def _guarded(leader: int, overlay: Path, name: str) -> Iterator[None]:
    """Should the tests be killed meanwhile, a guard ends the machine, its mounts and its cgroups."""
    unmount = f"umount -l {overlay}/m {overlay}; rmdir {overlay}"
    ungroup = f"find /sys/fs/cgroup -depth -path '*/{name}*' -type d -exec rmdir {{}} ';'"
    script = f"read word || {{ kill -KILL {leader}; sleep 1; {unmount}; {ungroup}; }}"
    guard = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate(b"all is well\n")


def _halt(nspawn: "subprocess.Popen[bytes]", leader: int) -> None:
    """Ends the machine: politely, then not. Its PID namespace takes everything inside along."""
    assert nspawn.stdin is not None
    nspawn.stdin.close()
    # systemd-shutdown may wait for processes that nsenter brought in and that are long gone.
    for how, patience in ((POWEROFF, 2), (signal.SIGKILL, 10)):
        if nspawn.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(leader or nspawn.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            nspawn.wait(patience)
    if nspawn.poll() is None:
        nspawn.kill()
        nspawn.wait(10)


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A booted systemd for all tests of a run that import this."""
    with Machine.boot() as booted:
        yield booted
