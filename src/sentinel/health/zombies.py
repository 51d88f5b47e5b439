"""Processes that are dead or stuck and still hold a GPU. Listed in `components` as "process"."""

from collections.abc import Callable

from sentinel.core.finding import Bad, Finding, GpuRef, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.core.gpu import Gpu
from sentinel.core.units import show_duration
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView, ref
from sentinel.ports.node_pressure import NodePressure, StuckProcess

LASTING = 60.0
"""Seconds: every process is a zombie for a moment, and a GPU's memory of a few GiB takes seconds to unmap."""

ZOMBIE = Condition(
    component="process",
    code="process.zombie",
    severity=Severity.WARNING,
    layer=Layer.APPLICATION,
    title="Zombie on a GPU",
    about="A process has ended, its parent does not take note, and the driver still lists it or a thread "
    "holds on.",
    next_step="End or restart its parent (ps -o ppid= -p PID); a container without an init does this, so "
    "start it "
    "with docker run --init. If the GPU's memory stays in use, nvidia-smi --gpu-reset -i {gpu}.",
)
STUCK = Condition(
    component="process",
    code="process.stuck",
    severity=Severity.WARNING,
    layer=Layer.DRIVER,
    title="Process stuck in the kernel",
    about=f"A process with a GPU open has slept uninterruptibly for {LASTING:g} s: not even kill -9 ends it.",
    next_step="See what it waits for: cat /proc/PID/wchan, dmesg | grep -i -e xid -e 'blocked for more'. "
    "If it is the "
    "driver, drain the node and reboot; if it is a disk or NFS, mend that.",
)
CONDITIONS = (ZOMBIE, STUCK)


def check(view: HealthView) -> Verdict:
    """Unsure without a look at the node, or where processes are hidden from this user."""
    pressure = view.pressure
    if pressure is None or pressure.stuck is None:
        return Unsure("the processes of this node were not looked at")
    findings = [
        *_findings(view, pressure, ZOMBIE, lambda one: one.state == "Z"),
        *_findings(view, pressure, STUCK, lambda one: one.state == "D"),
    ]
    if pressure.unreadable:
        why = f"{pressure.unreadable} stuck processes may hold a GPU; only root can tell"
        return Unsure(why, tuple(findings))
    return Bad(tuple(findings)) if findings else Ok()


def _findings(
    view: HealthView, pressure: NodePressure, condition: Condition, fits: Callable[[StuckProcess], bool]
) -> list[Finding]:
    placed: dict[GpuRef | None, list[StuckProcess]] = {}
    for one in pressure.stuck or ():
        if fits(one) and view.now - one.since >= LASTING:
            for gpu in _places(view, one):
                placed.setdefault(gpu, []).append(one)
    return [
        condition.found(
            gpu,
            _cause(condition, found),
            tuple(_proof(one, view.now) for one in found),
            count=len(found),
        )
        for gpu, found in placed.items()
    ]


def _places(view: HealthView, one: StuckProcess) -> list[GpuRef | None]:
    found: list[GpuRef | None] = [ref(gpu) for gpu in view.gpus or () if _on(gpu, one)]
    return found or [None]


def _on(gpu: Gpu, one: StuckProcess) -> bool:
    listed = any(process.pid == one.process.pid for process in gpu.processes or ())
    return listed or (gpu.sensors is not None and gpu.sensors.minor_number in one.devices)


def _cause(condition: Condition, found: list[StuckProcess]) -> str:
    pids = ", ".join(str(one.process.pid) for one in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    what = "Dead, but not taken note of" if condition is ZOMBIE else "Stuck in the kernel with a GPU open"
    return f"{what}: pid {pids}{more}"


def _proof(one: StuckProcess, now: float) -> Proof:
    name = "".join(letter if letter.isprintable() else "?" for letter in one.name)[:64]
    lasting = show_duration(max(now - one.since, 0.0))
    return Proof(read=f"{name}, state {one.state} for {lasting}", where=f"/proc/{one.process.pid}", at=now)
