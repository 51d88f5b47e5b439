"""A look at Slurm as JSON, for `sentinel slurm-exporter --once --json`. Pure.

    {"slurm_up": true, "version": "22.05.8" | null,
     "asked": [{"source": "restd", "part": "nodes", "error": null}, …],
     "totals": {"nodes": {"idle": 3}, "cpus": {"allocated": 2, …}, "gpus": [{"type", "state", "count"}, …],
                "jobs": [{"state", "partition", "count"}, …],
                "users": [{"user", "account", "state", "count"}, …]},
     "nodes": [{"name", "state", "usable", "cpus", …}, …], "jobs": [{"state", "partition", …}, …],
     "scheduler": {"server_threads": 3, …}}

A part that could not be read is null, and so are its totals.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sentinel.core.slurm import SlurmReading
from sentinel.telemetry import slurm_totals as totals


def reading_json(reading: SlurmReading) -> dict[str, Any]:
    """The object above."""
    nodes, jobs = reading.nodes, reading.jobs
    return {
        "slurm_up": reading.answered,
        "version": reading.version,
        "asked": [asdict(one) for one in reading.asked],
        "totals": {
            "nodes": None if nodes is None else totals.nodes_by_state(nodes),
            "cpus": None if nodes is None else totals.cpus_by_state(nodes),
            "gpus": None if nodes is None else _rows(("type", "state"), totals.gpus_by_state(nodes)),
            "jobs": None if jobs is None else _rows(("state", "partition"), totals.jobs_by_state(jobs)),
            "users": None if jobs is None else _rows(("user", "account", "state"), totals.jobs_by_user(jobs)),
        },
        "nodes": None if nodes is None else [asdict(node) for node in nodes],
        "jobs": None if jobs is None else [asdict(job) for job in jobs],
        "scheduler": None if reading.scheduler is None else asdict(reading.scheduler),
    }


def _rows(names: tuple[str, ...], counts: Mapping[Any, int]) -> list[dict[str, Any]]:
    return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in sorted(counts.items())]
