"""An agent put together from its config. Called by `__main__`; a scan does without all of this."""

import platform
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sentinel import __version__
from sentinel.agent import wiring
from sentinel.agent.config import AgentConfig, LinkConfig
from sentinel.agent.daemon import Parts
from sentinel.agent.doctor import Doctor
from sentinel.agent.metrics import Metrics
from sentinel.agent.sampling import SampleLoop
from sentinel.agent.watching import EngineWatch, XidWatch
from sentinel.core.clock import boottime, wall
from sentinel.core.errors import UsageError
from sentinel.core.gpu import GpuReading
from sentinel.core.notify import Journal
from sentinel.ports.gpu_events import XidEvent
from sentinel.telemetry.config import TelemetryConfig
from sentinel.telemetry.metrics_server import MetricsServer
from sentinel.telemetry.sampler import Sampler

if TYPE_CHECKING:
    from sentinel.agent.link.link import Link
    from sentinel.agent.link.membership import Membership
    from sentinel.agent.record.columns import Provider
    from sentinel.agent.record.recorder import Recorder

_STALE = 3.0
"""Intervals after which a sample's processes are no longer believed to be those that run."""


def agent_parts(
    config: AgentConfig,
    changed: Callable[[], None],
    journal: Journal,
    node_of: "tuple[LinkConfig, Membership] | None" = None,
) -> Parts:
    """All of an agent, nothing of it started yet. `node_of`: the controller that it is a node of. Raises
    UsageError, and SentinelError when the node's files cannot be used."""
    inventory, telemetry = config.inventory, config.telemetry
    node = platform.node() if node_of is None else node_of[1].name
    processes = wiring.process_facts()
    metrics = Metrics(telemetry, processes, node=node)
    full = wiring.gpu_source(inventory, full=True, pcie_throughput=telemetry.pcie_throughput)
    sampler = Sampler(full, metrics.owner_of, processes.identify, node=node)
    metrics.watch(lambda: sampler.watch)
    links: list[Link] = []

    def moved() -> None:
        changed()
        for link in links:
            link.poke()

    samples = SampleLoop(sampler, wiring.gpu_source(inventory, full=False), telemetry.interval, moved)
    views = wiring.engine_views(inventory)
    oldest = max(telemetry.interval * _STALE, 2.0)

    def reading() -> GpuReading:
        return samples.reading(oldest)

    doctor = _doctor(config, reading, node)
    inference = wiring.inference(config.inference, lambda text: journal.write("warning", text))
    metrics.infer(lambda: inference.values(node))
    recorder: Recorder | None = None
    if node_of is not None:
        links.append(_link(config, *node_of, reading, journal))
        metrics.lend(links[0].lent)
        providers = (lambda: metrics.held(node), lambda: inference.values(node))
        recorder = _recorder(*node_of, sampler, oldest, providers, journal)
    return Parts(
        keeper=wiring.live_keeper(inventory, reading, views, lambda text: journal.write("warning", text)),
        doctor=doctor,
        doctor_interval=config.health.interval,
        xids=_xids(doctor, changed),
        samples=samples,
        watches=tuple(EngineWatch(view, changed) for view in views.values() if view is not None),
        wakeups=wiring.wakeups(),
        metrics=metrics,
        server=_server(metrics, config, journal, needed=node_of is None),
        interval=inventory.interval,
        link=links[0] if links else None,
        recorder=recorder,
        inference=inference,
    )


def _server(metrics: Metrics, config: AgentConfig, journal: Journal, *, needed: bool) -> MetricsServer | None:
    """The endpoint. A node of a controller goes without where nobody asked for one and it cannot be had."""
    try:
        return metrics.server()
    except UsageError as error:
        if needed or config.telemetry.listen != TelemetryConfig().listen:
            raise
        journal.write("warning", f"without metrics: {error.message}")
        return None


def _link(
    config: AgentConfig,
    settings: LinkConfig,
    membership: "Membership",
    reading: Callable[[], GpuReading],
    journal: Journal,
) -> "Link":
    from sentinel.agent.link.arbiter_view import ask_arbiter
    from sentinel.agent.link.facts import Surroundings
    from sentinel.agent.link.link import Link, LinkParts
    from sentinel.agent.link.mps import daemon_pid, pipe_directory
    from sentinel.agent.link.node_watch import Sources
    from sentinel.agent.link.processes import Processes
    from sentinel.agent.link.supervisor_start import SupervisorSettings, start_supervisor

    def start() -> None:
        start_supervisor(
            SupervisorSettings(
                folder=settings.folder,
                name=membership.name,
                run_as=settings.run_as,
                users=settings.users,
                arbiter=settings.arbiter,
            )
        )

    surroundings = Surroundings(membership.url, settings.address, boottime)

    def sources(supervisor: Callable[[], int | None]) -> Sources:
        return Sources(
            reading=reading,
            absent=lambda: wiring.gpus_absent(config.inventory),
            arbiter=lambda: ask_arbiter(settings.arbiter),
            supervisor=supervisor,
            processes=Processes(wiring.process_table(), sees_all=wiring.sees_all_processes()),
            mps=lambda: daemon_pid(pipe_directory()),
            topology=lambda gpus: wiring.gpu_places(config.inventory, gpus),
            facts=surroundings.facts,
            share_gpus=settings.share_gpus,
        )

    parts = LinkParts(
        folder=settings.folder,
        membership=membership,
        version=__version__,
        keys=wiring.keys,
        supervisor=start if settings.starts_supervisor else None,
        sources=sources,
        quarantine=config.health.enabled and config.health.quarantine,
    )
    return Link(parts, journal)


def _recorder(
    settings: LinkConfig,
    membership: "Membership",
    sampler: Sampler,
    oldest: float,
    providers: "Sequence[Provider]",
    journal: Journal,
) -> "Recorder":
    """What this node measures, on its way to the controller. `providers` add what is not of a sample."""
    from sentinel.agent.record.door import Door
    from sentinel.agent.record.recorder import Recorder
    from sentinel.agent.record.sending import Sending
    from sentinel.agent.record.spool import Spool

    door, spool = Door(settings.folder, membership), Spool(settings.folder, journal)
    return Recorder(
        membership.name,
        lambda: sampler.watch,
        Sending(membership.name, door, spool, journal, now=boottime, wall=wall),
        journal,
        providers=providers,
        oldest=oldest,
        now=boottime,
        wall=wall,
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
