"""An inference service that systemd runs as a unit. The arbiter's wiring makes one per `driver = "systemd"`.

A look is a few reads of the unit's cgroup: who is in it is what the kernel says, and costs no subprocess.
systemd itself is asked (`systemctl show`) only when nobody is in there, to say why.

What a unit's states mean here, once its cgroup is empty:

    active, reloading        Up with no pids: a oneshot with RemainAfterExit, whose work runs elsewhere
    activating               Up with no pids; but `auto-restart` is Down and failed: it crashed
    inactive, deactivating   Down
    failed                   Down and failed, with systemd's Result
    LoadState=not-found      Down and failed: a certain answer, as no process can be the unit's
    no answer                Unseen: systemctl missing, D-Bus down, no answer in time. Never Down

A unit that is Down can come up without us (auto-restart, a socket, a timer), so `evict` sends a stop
even then. One that comes up while it is paused is Up at the next look.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.service import Down, Rung, Sight, Unseen, Up
from sentinel.core.units import show_duration
from sentinel.drivers.services.cgroup import Cgroup

_UNIT = re.compile(r"[A-Za-z0-9_:.\\@][A-Za-z0-9_:.\\@-]*")
_OTHER_KINDS = frozenset(
    ("socket", "target", "timer", "slice", "scope", "mount", "automount", "swap", "path", "device")
)
_PROPERTIES = "LoadState,ActiveState,SubState,Result,ControlGroup,ExecMainStatus"
_ANSWER_TIMEOUT = 5.0  # for questions, and for kill: systemd answers these in milliseconds or is stuck
_KILL_TIMEOUT = 10.0  # from SIGKILL to the last process gone; longer means stuck in the kernel
_NEWS_TIMEOUT = 1.0  # from the last process gone to systemd knowing it
_SETTLE = 0.3  # a Type=simple start succeeds before the program could fail
_KNOWN_DOWN = 30.0  # how long an answer "why it is down" is repeated while no cgroup appears


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """What `systemctl show` said."""

    load: str
    active: str
    sub: str
    result: str
    status: str

    @property
    def crash(self) -> str:
        """Why it ended, in systemd's words."""
        status = f", exit status {self.status}" if self.result == "exit-code" else ""
        return f"{self.active} ({self.sub}): {self.result or 'unknown'}{status}"


class _NoAnswer(Exception):
    """systemctl did not do what was asked; the text says why."""


class SystemdService:
    """One systemd unit as a ServiceDriver. Its only rung is STOP."""

    rungs: tuple[Rung, ...] = (Rung.STOP,)

    def __init__(
        self,
        *,
        name: str,
        unit: str,
        stop_timeout: float = 10.0,
        start_timeout: float = 120.0,
        systemctl: str = "systemctl",
        cgroup_root: Path = Path("/sys/fs/cgroup"),
    ) -> None:
        """`unit` as systemctl takes it; no suffix means .service. Timeouts in seconds.

        Raises UsageError for a name that cannot be a service's.
        """
        self._name = name
        self._unit = _checked(unit)
        self._stop_timeout = stop_timeout
        self._start_timeout = start_timeout
        self._systemctl = systemctl
        self._cgroup_root = cgroup_root
        self._cgroup: Cgroup | None = None
        # Why it is down, as of when; forgotten whenever we move it. Looks may come from another thread
        # while we do, so each remembers which move it came after.
        self._down: tuple[Down, float, int] | None = None
        self._moves = 0

    def look(self) -> Sight:
        """Up as long as a process is in the unit's cgroup; otherwise what systemd says of the unit."""
        move = self._moves
        try:
            if sight := self._glance():
                return sight
            sight = self._judge(self._show())
        except _NoAnswer as error:
            return Unseen(why=str(error))
        except OSError as error:
            return Unseen(why=f"the cgroup of {self._unit} cannot be read: {error.strerror}")
        self._down = (sight, time.monotonic(), move) if isinstance(sight, Down) else None
        return sight

    def evict(self, rung: Rung, enough_bytes: int | None = None) -> None:  # noqa: ARG002 - a stop frees all
        """Stops the unit; SIGKILLs whatever is left of it after `stop_timeout`."""
        if rung is not Rung.STOP:
            raise ServiceError(f"{self._name}: a systemd unit can only be stopped, not made to {rung.value}")
        self._moves += 1
        try:
            self._show()  # learns the cgroup while there is one
            refusal = self._stop()
            if not self._settled():
                if refusal:
                    raise ServiceError(f"{self._name}: systemctl stop {self._unit}: {refusal}")
                self._kill()
            if self._show().active == "failed":
                self._reset_failed()  # being ended by us is no failure of its
        except _NoAnswer as error:
            raise ServiceError(f"{self._name}: {self._unit} could not be stopped: {error}") from error
        finally:
            self._moves += 1

    def restore(self) -> None:
        """Starts the unit and waits until systemd calls it active."""
        self._moves += 1
        try:
            if self._show().active in ("active", "reloading"):
                return
            # A unit at its start limit needs this; and five pauses in ten seconds are no crash loop.
            self._reset_failed()
            self._command("start", timeout=self._start_timeout)
            self._stays_up()
        except subprocess.TimeoutExpired as error:
            raise ServiceError(
                f"{self._name}: {self._unit} is not active after {show_duration(self._start_timeout)}; "
                f"systemd goes on trying; see: journalctl -u {self._unit}"
            ) from error
        except _NoAnswer as error:
            raise ServiceError(f"{self._name}: {self._unit} did not start: {self._reason(error)}") from error
        finally:
            self._moves += 1

    def close(self) -> None:
        """Nothing to let go of: what systemd runs stays."""

    def _glance(self) -> Sight | None:
        """What can be said without asking systemd; None when that is not enough."""
        if self._cgroup is None:
            return None
        if pids := self._cgroup.pids():
            return Up(pids=pids)
        match self._down:
            case (sight, since, self._moves) if time.monotonic() - since < _KNOWN_DOWN:
                return None if self._cgroup.exists() else sight
            case _:
                return None

    def _show(self) -> _Unit:
        """Asks systemd about the unit, and remembers its cgroup. Raises _NoAnswer."""
        try:
            text = self._command("show", f"--property={_PROPERTIES}", timeout=_ANSWER_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise _NoAnswer(f"systemd did not answer in {show_duration(_ANSWER_TIMEOUT)}") from error
        said: dict[str, str] = {}
        for line in text.splitlines():
            key, _, said[key] = line.partition("=")
        if not said.get("ActiveState"):
            raise _NoAnswer(f"systemctl show {self._unit} named no state: {text[:200]!r}")
        if path := said.get("ControlGroup"):
            self._cgroup = Cgroup.of(self._cgroup_root, path)
        return _Unit(
            load=said.get("LoadState", ""),
            active=said["ActiveState"],
            sub=said.get("SubState", ""),
            result=said.get("Result", ""),
            status=said.get("ExecMainStatus", ""),
        )

    def _judge(self, unit: _Unit) -> Sight:
        """What `unit` means, given that the cgroup known so far was empty (see the module's table)."""
        if pids := self._left():
            return Up(pids=pids)
        if unit.sub == "auto-restart":
            return Down(why=f"crashed, systemd will restart it: {unit.crash}", failed=True)
        match unit.active:
            case "active" | "reloading" | "activating":
                return Up(pids=frozenset())
            case "failed":
                return Down(why=unit.crash, failed=True)
            case "inactive" | "deactivating" if unit.load == "not-found":
                why = f"systemd knows no unit {self._unit}; see: systemctl list-unit-files '*.service'"
                return Down(why=why, failed=True)
            case "inactive" | "deactivating" if unit.load not in ("loaded", "masked"):
                return Down(why=f"its unit file cannot be used: {unit.load}", failed=True)
            case "inactive" | "deactivating":
                return Down(why="masked" if unit.load == "masked" else f"stopped ({unit.sub})")
            case _:
                return Unseen(why=f"systemd calls {self._unit} {unit.active!r} ({unit.sub})")

    def _stop(self) -> str | None:
        """Sends the stop and waits for it. A refusal is returned: it does not matter when nothing runs."""
        try:
            self._command("stop", timeout=self._stop_timeout)
        except subprocess.TimeoutExpired:
            return None  # the job stays queued in systemd, which is what keeps Restart= from acting
        except _NoAnswer as error:
            return str(error)
        return None

    def _settled(self) -> bool:
        """No process is left, and no stop is still being worked on."""
        return self._show().active in ("inactive", "failed") and not self._left()

    def _left(self) -> frozenset[int]:
        return self._cgroup.pids() if self._cgroup else frozenset()

    def _kill(self) -> None:
        """SIGKILL to everything of the unit, its stop commands included, until nothing is left."""
        began = time.monotonic()
        while not self._settled():
            waited = time.monotonic() - began
            if waited > _NEWS_TIMEOUT and not self._left() and self._show().active == "deactivating":
                return  # all gone; on cgroup v1 systemd may miss that, and its stop job waits for nobody
            if waited > _KILL_TIMEOUT:
                raise _NoAnswer(
                    f"{show_duration(_KILL_TIMEOUT)} after SIGKILL it is {self._show().active}, "
                    f"with processes {sorted(self._left())}; see: systemctl status {self._unit}"
                )
            # Every process is what `kill` means by default; the option that says so was renamed in v252.
            with contextlib.suppress(_NoAnswer, subprocess.TimeoutExpired):
                self._command("kill", "--signal=SIGKILL", timeout=_ANSWER_TIMEOUT)
            self._kill_leftovers()
            time.sleep(0.05)

    def _kill_leftovers(self) -> None:
        """`systemctl kill` reaches nothing of a unit that is dead for systemd (KillMode=process)."""
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):
                _signal_member(pid, self._cgroup)

    def _reset_failed(self) -> None:
        """Clears "failed" and the count of starts."""
        with contextlib.suppress(_NoAnswer, subprocess.TimeoutExpired):  # not loaded: nothing to clear
            self._command("reset-failed", timeout=_ANSWER_TIMEOUT)

    def _stays_up(self) -> None:
        """Looks again a moment after the start. Raises _NoAnswer when it crashed meanwhile."""
        deadline = time.monotonic() + _SETTLE
        while True:
            unit = self._show()
            if unit.active == "failed" or unit.sub == "auto-restart":
                raise _NoAnswer("it ended at once")
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)

    def _reason(self, error: _NoAnswer) -> str:
        """`error`, with systemd's Result and where to read on."""
        with contextlib.suppress(_NoAnswer):
            unit = self._show()
            if unit.active == "failed" or unit.sub == "auto-restart":
                return f"{unit.crash}; see: journalctl -u {self._unit}"
        return f"{error}"

    def _command(self, verb: str, *options: str, timeout: float) -> str:
        """Runs systemctl; its output. Raises _NoAnswer, or TimeoutExpired after `timeout` seconds."""
        argv = [self._systemctl, "--no-ask-password", "--no-pager", *options, verb, "--", self._unit]
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"},
            )
        except OSError as error:
            raise _NoAnswer(f"cannot run {self._systemctl}: {error.strerror}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise _NoAnswer(said[0] if said else f"systemctl {verb} ended with {done.returncode}")
        return done.stdout.decode(errors="replace")


def _checked(unit: str) -> str:
    """`unit` with its suffix. Refuses what systemctl would take for an option, a pattern or another kind."""
    full = unit if unit.endswith(".service") else f"{unit}.service"
    if not _UNIT.fullmatch(unit) or len(full) > 255:
        raise UsageError(f"{unit!r} is no unit name; write it like ollama.service")
    if unit.rpartition(".")[2] in _OTHER_KINDS:
        raise UsageError(f"{unit!r} is not a service; Sentinel pauses .service units")
    return full


def _signal_member(pid: int, cgroup: Cgroup | None) -> None:
    """SIGKILL to `pid` if it is still in `cgroup`. The handle comes first: it cannot be reused."""
    handle = os.pidfd_open(pid)
    try:
        if cgroup and pid in cgroup.pids():
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)
