"""What the metrics endpoint serves: the newest sample, with the owners that the inventory knows, and who
holds the GPUs.

Put together by the wiring. Read by the endpoint's threads, written by the sampling and the keeping thread;
each value is replaced whole.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from sentinel.core.clock import boottime
from sentinel.core.errors import UsageError
from sentinel.core.finding import Finding
from sentinel.core.inventory import Inventory, SourceState
from sentinel.core.process import ProcessId
from sentinel.core.workload import Origin, Workload
from sentinel.ports.process_facts import ProcessFactsSource
from sentinel.telemetry.config import TelemetryConfig
from sentinel.telemetry.holding import Held, Lent, Point, held_points, holding
from sentinel.telemetry.metrics_access import TlsFiles, read_token
from sentinel.telemetry.metrics_server import MetricsServer
from sentinel.telemetry.sample import Owner, Watch

_TICKS = os.sysconf("SC_CLK_TCK")
_CONTAINERS = ("docker", "podman", "containerd", "crio", "kubepods")
_STALE_SAMPLES = 10.0
_ANSWERED: Mapping[SourceState, bool | None] = {
    SourceState.OK: True,
    SourceState.UNKNOWN: False,
    SourceState.ABSENT: None,
}


class Metrics:
    """Knows whose a process is, and renders."""

    def __init__(self, config: TelemetryConfig, processes: ProcessFactsSource, *, node: str) -> None:
        self._config, self._processes = config, processes
        self._watch: Callable[[], Watch] = lambda: Watch(node=node)
        self._owners: tuple[float, Mapping[int, Owner]] = (0.0, {})  # as of that boot time, by pid
        self._sources: Mapping[str, bool | None] = {}
        self._findings: tuple[Finding, ...] | None = None  # no round yet
        self._inference: Callable[[], Iterable[Point]] = tuple[Point, ...]
        self._lent: Callable[[], Sequence[Lent] | None] = lambda: ()
        self._stale = max(_STALE_SAMPLES * config.interval, 5.0)

    def watch(self, watch: Callable[[], Watch]) -> None:
        """Says where samples come from."""
        self._watch = watch

    def lend(self, lent: Callable[[], Sequence[Lent] | None]) -> None:
        """Says who tells what the queue has given out here; None: unknown. Without it there is no queue."""
        self._lent = lent

    def infer(self, values: Callable[[], Iterable[Point]]) -> None:
        """Says who tells what the inference servers here say."""
        self._inference = values

    def take(self, inventory: Inventory) -> None:
        """A newer inventory."""
        self._owners = (
            boottime(),
            {pid: _owner(one) for one in inventory.workloads if not one.state.stopped for pid in one.pids},
        )
        self._sources = {name: _ANSWERED[report.state] for name, report in inventory.sources.items()}

    def diagnosed(self, findings: Sequence[Finding]) -> None:
        """What stands now, by the rules of health."""
        self._findings = tuple(findings)

    def owner_of(self, process: ProcessId) -> Owner | None:
        """Whose a process is: by the inventory, or while that does not know it yet, by its uid."""
        at, owners = self._owners
        owner = owners.get(process.pid)
        # A pid that was given out anew since then is somebody else's.
        if owner is not None and process.started / _TICKS <= at:
            return owner
        facts = self._processes.facts(process.pid)
        if facts is None or facts.process != process or facts.uid is None:
            return None
        return Owner(user=self._processes.user_name(facts.uid) or f"uid {facts.uid}")

    def render(self, accept: str) -> tuple[bytes, str]:
        """The body and its type, for the endpoint."""
        from sentinel.telemetry import exposition

        found = self._watch()
        whole = replace(found, sources={**self._sources, **found.sources}, findings=self._findings)
        names = exposition.dcgm_names if self._config.dcgm_names else exposition.own_names
        now = boottime()
        return exposition.render(
            accept,
            whole,
            now,
            families=names,
            held=self._held(found, now),
            inference=self._inference(),
            most_series=self._config.process_series,
            stale_after=self._stale,
        )

    def held(self, node: str) -> Iterable[Point]:
        """Who holds which part of which GPU, for the history, where `node` is this node's name. Nothing when
        the newest sample is old, or nobody knows what the queue has given out."""
        return held_points(node, self._held(self._watch(), boottime()))

    def _held(self, watch: Watch, now: float) -> tuple[Held, ...]:
        sample, lent = watch.fresh(now, self._stale), self._lent()
        return () if sample is None or lent is None else holding(sample.reading, lent, sample.owners)

    def not_ready(self) -> str | None:
        """Why there is nothing new to serve; None when there is."""
        from sentinel.telemetry import exposition

        return exposition.not_ready(self._watch(), boottime(), stale_after=self._stale)

    def server(self) -> MetricsServer | None:
        """The endpoint, listening but not serving yet; None when it is switched off. UsageError."""
        config = self._config
        if not config.enabled:
            return None
        _require_prometheus_client()
        host, _, port = config.listen.rpartition(":")
        tls = None
        if config.tls_cert is not None and config.tls_key is not None:
            tls = TlsFiles(certificate=Path(config.tls_cert), key=Path(config.tls_key))
        token = None if config.token_file is None else read_token(Path(config.token_file))
        return MetricsServer((host.strip("[]"), int(port)), self.render, self.not_ready, token, tls)


def _require_prometheus_client() -> None:
    """Metrics take an extra; everything else of the agent does without. UsageError, saying what to do."""
    try:
        import_module("sentinel.telemetry.exposition")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "prometheus_client":
            raise
        raise UsageError(
            "serving metrics needs prometheus-client: pip install --target /opt/sentinel/extra nvidia-ml-py"
            " prometheus-client (or, in an environment of your own: pip install 'sentinel-gpu[agent]');"
            " without metrics: [telemetry] enabled = false in the config file"
        ) from None


def _owner(workload: Workload) -> Owner:
    container = workload.name if workload.runtime in _CONTAINERS else None
    return Owner(
        user=workload.user,
        container=container,
        pod=workload.pod,
        job=workload.slurm_job,
        workload_id=workload.id,
        origin=workload.origin or Origin.UNKNOWN,
    )
