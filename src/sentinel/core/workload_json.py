"""The inventory as the JSON that `sentinel workloads --json`, the state file and later the API show.

    {"schema": 1, "node": "…", "scanned_at": TIME, "boot_id": "…",
     "sources": {"docker": "ok" | "unknown" | "absent", …},
     "source_notes": {"docker": {"why": "…", "since": TIME}, …}        those that are not ok
     "gpus": [{"index", "uuid", "name", "memory_total_bytes", "memory_used_bytes"}…],
     "workloads": [{"id", "origin", "category", "state", "name", "user",
        "user_evidence", "origin_evidence", "gpu_evidence": [{"value", "source", "trust", "detail"}…],
        "conflicts": ["…"], "gpu_access": BOOL | null, "gpus": [UUID…] | null, "gpu_indices": [N…] | null,
        "gpu_memory_bytes", "gpu_utilization_percent", "cpu_percent", "memory_bytes",
        "image", "command", "pid", "pids": [N…], "runtime", "pod", "slurm_job",
        "created_at", "started_at", "first_seen_at", "last_seen_at": TIME | null,
        "managed": BOOL, "transient": BOOL, "quiet_since", "idle_since": TIME | null,
        "mark": {"user", "time", "namespace", "written_to"} | null,
        "source", "seen_running": BOOL,
        "process": [PID, STARTED] | null}…]}

TIME is RFC 3339 UTC. `null` is unknown. Each item of `user_evidence` has "user" beside "value", the same.
Fields are only ever added; `schema` rises when one changes its meaning.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from sentinel.core.clock import rfc3339
from sentinel.core.inventory import Inventory, SeenGpu, SourceReport, SourceState
from sentinel.core.process import ProcessId
from sentinel.core.timestamp import epoch
from sentinel.core.workload import Category, Evidence, Mark, Origin, Trust, Workload, WorkloadState

SCHEMA = 1
T = TypeVar("T")

_PLAIN = (
    "id name user gpu_access gpu_memory_bytes gpu_utilization_percent cpu_percent memory_bytes image command"
    " pid runtime pod slurm_job transient source seen_running"
).split()
_TIMES = "created_at started_at first_seen_at last_seen_at quiet_since idle_since".split()


def inventory_json(inventory: Inventory) -> dict[str, Any]:
    """`inventory` as in this module's docstring."""
    index = {gpu.uuid: gpu.index for gpu in inventory.gpus}
    return {
        "schema": SCHEMA,
        "node": inventory.node,
        "scanned_at": rfc3339(inventory.scanned_at),
        "boot_id": inventory.boot_id,
        "sources": {name: report.state.value for name, report in inventory.sources.items()},
        "source_notes": {
            name: {"why": report.why, "since": _time(report.since)}
            for name, report in inventory.sources.items()
            if report.state is not SourceState.OK
        },
        "gpus": [_gpu_json(gpu) for gpu in inventory.gpus],
        "workloads": [workload_json(workload, index) for workload in inventory.workloads],
    }


def workload_json(workload: Workload, index: Mapping[str, int]) -> dict[str, Any]:
    """`workload`; `index` gives a GPU's index by its UUID."""
    found: dict[str, Any] = {key: getattr(workload, key) for key in _PLAIN}
    found |= {key: _time(getattr(workload, key)) for key in _TIMES}
    gpus, mark, process = workload.gpus, workload.mark, workload.process
    return found | {
        "origin": workload.origin.value,
        "category": workload.category.value,
        "state": workload.state.value,
        "managed": workload.managed,
        "pids": list(workload.pids),
        "gpus": None if gpus is None else list(gpus),
        "gpu_indices": None if gpus is None else [index[uuid] for uuid in gpus if uuid in index],
        "user_evidence": [{"user": one.value, **_evidence_json(one)} for one in workload.user_evidence],
        "origin_evidence": [_evidence_json(one) for one in workload.origin_evidence],
        "gpu_evidence": [_evidence_json(one) for one in workload.gpu_evidence],
        "conflicts": list(workload.conflicts),
        "mark": mark
        and {
            "user": mark.user,
            "time": rfc3339(mark.time),
            "namespace": mark.namespace,
            "written_to": mark.written_to,
        },
        "process": process and [process.pid, process.started],
    }


def inventory_from(found: object) -> Inventory:
    """The inventory in a JSON value. ValueError, in words for people, when it is none that we can read."""
    try:
        raw = cast("dict[str, Any]", found)
        if not isinstance(found, dict) or not isinstance(raw.get("schema"), int):
            raise ValueError("it is no inventory")
        if raw["schema"] > SCHEMA:
            raise ValueError(
                f"it was written by a newer Sentinel (schema {raw['schema']}); this one reads {SCHEMA}"
            )
        notes = raw.get("source_notes", {})
        return Inventory(
            node=str(raw["node"]),
            scanned_at=_needed(epoch(raw["scanned_at"])),
            boot_id=str(raw["boot_id"]),
            sources={
                name: _report(state, notes.get(name, {})) for name, state in raw.get("sources", {}).items()
            },
            gpus=tuple(SeenGpu(**one) for one in raw.get("gpus", [])),
            workloads=tuple(_workload(one) for one in raw.get("workloads", [])),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no inventory: {error!r}") from None


def _workload(raw: Mapping[str, Any]) -> Workload:
    mark, process = raw.get("mark"), raw.get("process")
    known: dict[str, Any] = {key: raw.get(key) for key in _PLAIN}
    known |= {key: None if raw.get(key) is None else epoch(raw[key]) for key in _TIMES}
    known["transient"] = bool(raw.get("transient"))
    known["seen_running"] = bool(raw.get("seen_running"))
    gpus = raw.get("gpus", [])
    return Workload(
        **known,
        origin=Origin(raw["origin"]),
        category=Category(raw["category"]),
        state=WorkloadState(raw["state"]),
        pids=tuple(raw.get("pids", ())),
        gpus=None if gpus is None else tuple(gpus),
        user_evidence=_evidence(raw.get("user_evidence", ())),
        origin_evidence=_evidence(raw.get("origin_evidence", ())),
        gpu_evidence=_evidence(raw.get("gpu_evidence", ())),
        conflicts=tuple(raw.get("conflicts", ())),
        process=ProcessId(int(process[0]), int(process[1])) if process else None,
        mark=Mark(
            user=mark["user"],
            time=_needed(epoch(mark["time"])),
            namespace=mark.get("namespace", "sentinel"),
            written_to=mark.get("written_to", "inventory"),
        )
        if mark
        else None,
    )


def _report(state: str, note: Mapping[str, Any]) -> SourceReport:
    since = note.get("since")
    return SourceReport(
        state=SourceState(state), why=note.get("why", ""), since=None if since is None else epoch(since)
    )


def _evidence(found: Any) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            value=one["value"], source=one["source"], trust=Trust(one["trust"]), detail=one.get("detail", "")
        )
        for one in found
    )


def _evidence_json(one: Evidence) -> dict[str, Any]:
    return {"value": one.value, "source": one.source, "trust": one.trust.value, "detail": one.detail}


def _gpu_json(gpu: SeenGpu) -> dict[str, Any]:
    return {
        "index": gpu.index,
        "uuid": gpu.uuid,
        "name": gpu.name,
        "memory_total_bytes": gpu.memory_total_bytes,
        "memory_used_bytes": gpu.memory_used_bytes,
    }


def _time(found: float | None) -> str | None:
    return None if found is None else rfc3339(found)


def _needed(found: T | None) -> T:
    if found is None:
        raise ValueError("a time in it is none")
    return found
