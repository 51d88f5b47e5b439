"""The controller's own metrics: what the store says of the queue, the nodes and the alerts, as families.

Called by `routes.metrics`. Names by Prometheus practice; those that rules need are the same as in
`alerting.library.controller`. What is unknown has no series. A state is always told, with 0 where nothing is
in it; labels are states, models, names of nodes and of channels: few.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from sentinel.alerting.notice_json import DELIVERY
from sentinel.core.alert import AlertState
from sentinel.core.alert_json import ALERT
from sentinel.core.finding import Severity
from sentinel.core.job import JobState
from sentinel.core.node import Node, NodeState
from sentinel.ports.store import JobFilter, Reader
from sentinel.scheduling.oldest_in_line import oldest_wait
from sentinel.scheduling.pass_note import pass_age
from sentinel.telemetry.label import label

FREE, LEASED, BLOCKED, UNKNOWN = "free", "leased", "blocked", "unknown"
_LIVE = tuple(state for state in JobState if not state.ended)

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerLook:
    """What the store says at one moment. None is unknown, or that there is none."""

    revision: int
    jobs: Mapping[JobState, int]
    nodes: tuple[Node, ...] = ()
    gpus: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])  # (state, model)
    alerts: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    oldest_wait: float | None = None
    pass_age: float | None = None


def look(reader: Reader, tenant: str, now: float) -> ControllerLook:
    """Of one tenant's jobs and nodes, and of all alerts. `now` is epoch seconds."""
    nodes = tuple(node for node in reader.nodes() if node.tenant == tenant)
    counted = reader.count_jobs(JobFilter(tenant=tenant, states=_LIVE))
    return ControllerLook(
        revision=reader.revision(),
        jobs={state: counted.get(state, 0) for state in _LIVE},
        nodes=nodes,
        gpus=_gpus(reader, nodes),
        alerts=_documents(reader, ALERT, "state", "severity"),
        deliveries=_documents(reader, DELIVERY, "channel", "state"),
        oldest_wait=oldest_wait(reader, now, tenant),
        pass_age=pass_age(reader, now),
    )


def _gpus(reader: Reader, nodes: Iterable[Node]) -> Mapping[tuple[str, str], int]:
    leased = {(lease.node, gpu) for lease in reader.leases() for gpu in lease.gpus}
    counts: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        for gpu in node.gpus or () if node.state is not NodeState.DEAD else ():
            if (node.id, gpu.uuid) in leased:
                state = LEASED
            elif node.state is not NodeState.UP:
                state = UNKNOWN
            else:
                state = FREE if gpu.blocked is None and node.drained is None else BLOCKED
            counts[state, label(gpu.model)] += 1
    models = {model for _, model in counts}
    return {
        (state, model): counts[state, model]
        for model in sorted(models)
        for state in (FREE, LEASED, BLOCKED, UNKNOWN)
    }


def _documents(reader: Reader, kind: str, *fields: str) -> Mapping[tuple[str, str], int]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in reader.documents(kind):
        if one.data is not None:
            first, second = (label(str(one.data.get(name, ""))) for name in fields)
            counts[first, second] += 1
    return counts


def families(found: ControllerLook, failed: int, version: str) -> Iterator[Metric]:
    """`failed`: jobs, within the last hour."""
    yield _gauge("sentinel_build_info", "The version that answers; always 1.", [((version,), 1)], "version")
    yield _gauge(
        "sentinel_jobs",
        "Jobs that have not ended, by state; parts of gangs are not counted beside them.",
        [((state.value.lower(),), count) for state, count in found.jobs.items()],
        "state",
    )
    if found.oldest_wait is not None:
        yield _gauge(
            "sentinel_queue_oldest_wait_seconds",
            "Since the oldest job in line was submitted; no series while none is.",
            [((), found.oldest_wait)],
        )
    yield _gauge("sentinel_jobs_failed_last_hour", "Jobs that failed within the last hour.", [((), failed)])
    if found.pass_age is not None:
        yield _gauge(
            "sentinel_scheduler_pass_age_seconds",
            "Since the scheduler last looked at the whole queue, to ten seconds or so.",
            [((), found.pass_age)],
        )
    yield from _node_families(found)
    states = [(state.value, severity.value) for state in AlertState for severity in Severity]
    yield _gauge(
        "sentinel_alerts",
        "Alerts by state; those that are resolved for as long as they are kept.",
        [(key, found.alerts.get(key, 0)) for key in states],
        *("state", "severity"),
    )
    yield _gauge(
        "sentinel_alert_deliveries",
        "Messages about alerts: those that wait, and those sent or given up within a day.",
        sorted(found.deliveries.items()),
        *("channel", "state"),
    )
    yield _gauge("sentinel_store_revision", "The store's count of changes.", [((), found.revision)])


def _node_families(found: ControllerLook) -> Iterator[Metric]:
    states = Counter(node.state for node in found.nodes)
    yield _gauge("sentinel_nodes", "Nodes.", [((one.value,), states[one]) for one in NodeState], "state")
    drained = sum(node.drained is not None for node in found.nodes)
    yield _gauge(
        "sentinel_nodes_drained", "Nodes to which no new job comes by an operator's word.", [((), drained)]
    )
    yield _gauge(
        "sentinel_node_up",
        "1 for a node that is heard of, 0 for one that is silent; dead ones have no series.",
        [
            ((label(node.name),), float(node.state is NodeState.UP))
            for node in found.nodes
            if node.state is not NodeState.DEAD
        ],
        "node",
    )
    yield _gauge(
        "sentinel_gpus",
        "GPUs: free; leased to a job; blocked by something else or a drain; unknown on a silent node.",
        sorted(found.gpus.items()),
        *("state", "model"),
    )


def more_families(requests: Iterable[tuple[Labels, int]] | None, series: int | None) -> Iterator[Metric]:
    """What this process knows without the store. None is unknown."""
    if requests is not None:
        counted = CounterMetricFamily(
            "sentinel_api_requests", "Requests that the API answered.", labels=("method", "code")
        )
        for key, count in requests:
            counted.add_metric(key, count)
        yield counted
    if series is not None:
        yield _gauge("sentinel_history_series", "Series in the history.", [((), series)])


def _gauge(name: str, text: str, rows: Iterable[tuple[Labels, float]], *names: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=names)
    for values, value in rows:
        family.add_metric(values, value)
    return family
