"""What of a node is shown, and how. Pure. Called by the commands in `cli.nodes`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import age_since
from sentinel.cli.table import NONE, UNKNOWN, fact_lines, table_lines
from sentinel.core.timestamp import epoch
from sentinel.core.units import show_size

Node = Mapping[str, Any]

_NODES = (
    Column(title="NAME", least=6, most=24),
    Column(title="STATE"),
    Column(title="GPUS", right=True),
    Column(title="FREE", right=True),
    Column(title="JOBS", right=True),
    Column(title="SEEN", right=True),
    Column(title="MODEL", least=8, most=28),
    Column(title="NOTE", least=8, sentence=True),
)
_GPUS = (
    Column(title="GPU", right=True),
    Column(title="MODEL", least=8, most=28),
    Column(title="MEMORY", right=True),
    Column(title="UTIL", right=True),
    Column(title="TEMP", right=True),
    Column(title="POWER", right=True),
    Column(title="JOB"),
    Column(title="BLOCKED", least=8, sentence=True),
)
_SHARING = {
    "mps": "yes; MPS keeps jobs within their shares",
    "unenforced": "yes; nothing but the jobs themselves keeps them within their shares",
    "no": "no; each job has whole ones",
}
_PAINTS = {"up": Paint.GOOD, "silent": Paint.BAD, "dead": Paint.BAD}


def node_lines(
    nodes: Sequence[Node], gpus: Sequence[Node], now: float, width: int | None, *, colours: bool
) -> list[str]:
    """The table of nodes; `gpus` are those of `GET gpus`."""
    rows = [
        (
            node["name"],
            state_text(node),
            UNKNOWN if node["gpus"] is None else str(len(node["gpus"])),
            free_text(node, gpus),
            str(len(node["jobs"])),
            None if node["last_seen_at"] is None else age_since(epoch(node["last_seen_at"]), now),
            models(node),
            note_of(node),
        )
        for node in nodes
    ]
    paints = [state_paint(node) for node in nodes]
    return table_lines(_NODES, rows, width, paints=paints, painted_column="STATE", colours=colours)


def one_lines(node: Node, gpus: Sequence[Node], now: float, width: int | None, *, colours: bool) -> list[str]:
    """A node in full, then its GPUs."""
    seen = epoch(node["last_seen_at"]) if node["last_seen_at"] else None
    facts = [
        ("Node", node["name"]),
        ("State", state_text(node)),
        ("Note", note_of(node)),
        ("Last seen", None if seen is None else f"{age_since(seen, now)} ago"),
        ("Joined", f"{age_since(epoch(node['joined_at']), now)} ago"),
        ("Agent", node["agent_version"]),
        ("Address", node.get("address") or UNKNOWN),
        ("Machine", machine_text(node)),
        ("Shared GPUs", _SHARING.get(node.get("sharing") or "", UNKNOWN)),
        ("Jobs", ", ".join(node["jobs"])),
    ]
    strays = node.get("strays")
    if strays:
        facts.append(("Strays", f"{len(strays)} processes on its GPUs that nobody queued"))
    lines = fact_lines(facts)
    if node["gpus"] is None:
        return [*lines, "", "its agent could not read its GPUs yet, so it gets no job"]
    return (
        [*lines, "", *_gpu_lines(node, gpus, width, colours=colours)]
        if node["gpus"]
        else [*lines, "", "no GPUs"]
    )


def _gpu_lines(node: Node, gpus: Sequence[Node], width: int | None, *, colours: bool) -> list[str]:
    samples = {sample["uuid"]: sample for sample in node["samples"] or ()}
    jobs = {gpu["uuid"]: gpu["job"] for gpu in gpus if gpu["node"] == node["name"]}
    rows: list[tuple[str | None, ...]] = []
    for gpu in node["gpus"]:
        sample = samples.get(gpu["uuid"], {})
        total, used = gpu["memory_total_bytes"], sample.get("memory_used_bytes")
        rows.append(
            (
                str(gpu["index"]),
                gpu["model"] or UNKNOWN,
                f"{_size(used)} / {_size(total)}",
                _number(sample.get("utilization_percent"), "%"),
                _number(sample.get("temperature_celsius"), " C"),
                _number(sample.get("power_watts"), " W"),
                jobs.get(gpu["uuid"]),
                gpu["blocked"] and gpu["blocked"]["why"],
            )
        )
    paints = [Paint.NOTICE if gpu["blocked"] else Paint.PLAIN for gpu in node["gpus"]]
    return table_lines(_GPUS, rows, width, paints=paints, painted_column="BLOCKED", colours=colours)


def state_text(node: Node) -> str:
    """ "up", "up, drained", "silent", "dead"."""
    return f"{node['state']}, drained" if node["drained"] else str(node["state"])


def machine_text(node: Node) -> str:
    """ "64 CPUs, 1 TiB of memory"."""
    count = node.get("cpus")
    return f"{UNKNOWN if count is None else count} CPUs, {_size(node.get('memory_bytes'))} of memory"


def state_paint(node: Node) -> Paint:
    return (
        Paint.NOTICE if node["drained"] and node["state"] == "up" else _PAINTS.get(node["state"], Paint.PLAIN)
    )


def free_text(node: Node, gpus: Sequence[Node]) -> str:
    """How many of its GPUs a job could have now."""
    if node["gpus"] is None or node["state"] == "silent":
        return UNKNOWN
    if node["drained"] or node["state"] != "up":
        return "0"
    return str(
        sum(1 for gpu in gpus if gpu["node"] == node["name"] and not gpu["job"] and not gpu["blocked"])
    )


def models(node: Node) -> str:
    """The models of its GPUs, each once."""
    found = dict.fromkeys(gpu["model"] or UNKNOWN for gpu in node["gpus"] or ())
    return ", ".join(found) or NONE


def note_of(node: Node) -> str | None:
    """Why it takes no jobs, where that needs saying."""
    drained = node["drained"]
    if drained:
        why = f": {drained['why']}" if drained["why"] else ""
        return f"drained by {drained['by']}{why}"
    blocked = sum(1 for gpu in node["gpus"] or () if gpu["blocked"])
    return f"{blocked} GPU{'s' if blocked > 1 else ''} blocked" if blocked else None


def _size(count: int | None) -> str:
    return UNKNOWN if count is None else show_size(count)


def _number(value: Any, unit: str) -> str:
    return UNKNOWN if value is None else f"{value:.0f}{unit}"
