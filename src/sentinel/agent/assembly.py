"""An agent put together from its config. Called by `__main__`; a scan does without all of this."""

import platform
from collections.abc import Callable

from sentinel.agent import wiring
from sentinel.agent.config import AgentConfig
from sentinel.agent.daemon import Parts
from sentinel.agent.doctor import Doctor
from sentinel.agent.metrics import Metrics
from sentinel.agent.sampling import SampleLoop
from sentinel.agent.watching import EngineWatch, XidWatch
from sentinel.core.gpu import GpuReading
from sentinel.core.notify import Journal
from sentinel.ports.gpu_events import XidEvent
from sentinel.telemetry.sampler import Sampler

_STALE = 3.0
"""Intervals after which a sample's processes are no longer believed to be those that run."""


def agent_parts(config: AgentConfig, changed: Callable[[], None], journal: Journal) -> Parts:
    """All of an agent, nothing of it started yet. Raises UsageError."""
    inventory, telemetry, node = config.inventory, config.telemetry, platform.node()
    processes = wiring.process_facts()
    metrics = Metrics(telemetry, processes, node=node)
    full = wiring.gpu_source(inventory, full=True, pcie_throughput=telemetry.pcie_throughput)
    sampler = Sampler(full, metrics.owner_of, processes.identify, node=node)
    metrics.watch(lambda: sampler.watch)
    samples = SampleLoop(sampler, wiring.gpu_source(inventory, full=False), telemetry.interval, changed)
    views = wiring.engine_views(inventory)
    oldest = max(telemetry.interval * _STALE, 2.0)

    def reading() -> GpuReading:
        return samples.reading(oldest)

    doctor = _doctor(config, reading, node)
    return Parts(
        keeper=wiring.live_keeper(inventory, reading, views, lambda text: journal.write("warning", text)),
        doctor=doctor,
        doctor_interval=config.health.interval,
        xids=_xids(doctor, changed),
        samples=samples,
        watches=tuple(EngineWatch(view, changed) for view in views.values() if view is not None),
        wakeups=wiring.wakeups(),
        metrics=metrics,
        server=metrics.server(),
        interval=inventory.interval,
    )


def _doctor(config: AgentConfig, reading: Callable[[], GpuReading], node: str) -> Doctor | None:
    if not config.health.enabled:
        return None
    return Doctor(
        node=node,
        folder=config.inventory.folder,
        reading=reading,
        log=wiring.kernel_log(config.health.kernel_log),
        pressure=wiring.node_pressure(config.inventory.folder),
        cordons=config.health.quarantine,
    )


def _xids(doctor: Doctor | None, changed: Callable[[], None]) -> XidWatch | None:
    source = None if doctor is None else wiring.xid_source()
    if doctor is None or source is None:
        return None

    def told(event: XidEvent) -> None:
        doctor.notice(event)
        changed()

    return XidWatch(source, told)
