"""What a node's arbiter says, in lines: which services step aside for whom, who has GPUs that no job of the
queue has, who waits there. Pure. Called by `cli.nodes.show`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import age_since
from sentinel.cli.table import UNKNOWN, fact_lines, table_lines
from sentinel.core.timestamp import epoch

Object = Mapping[str, Any]

_SERVICES = (
    Column(title="SERVICE", least=8, most=24),
    Column(title="STATE"),
    Column(title="FOR", right=True),
    Column(title="GPUS"),
    Column(title="WHY", least=8, sentence=True),
)
_LEASES = (
    Column(title="LEASE"),
    Column(title="USER", most=24),
    Column(title="FOR", right=True),
    Column(title="GPUS"),
    Column(title="COMMAND", least=8, sentence=True),
)
_WAITING = (
    Column(title="WAITS", most=24),
    Column(title="FOR", right=True),
    Column(title="COMMAND", least=8, most=40),
    Column(title="WHY", least=8, sentence=True),
)
_PAINTS = {"running": Paint.GOOD, "failed": Paint.BAD}


def arbiter_lines(
    arbiter: Object, node: Object, now: float, width: int | None, *, colours: bool
) -> list[str]:
    """Nothing where the node has no arbiter. Of a node that is not up: what was told last, and so said."""
    if arbiter["standing"] in ("none", "unknown"):
        return []
    if arbiter["standing"] == "silent":
        return ["", *fact_lines([("Arbiter", f"does not answer: {arbiter['why']}")])]
    indices = {gpu["uuid"]: gpu["index"] for gpu in node["gpus"] or ()}
    hold = arbiter["hold"]
    said: list[str] = []
    if node["state"] != "up":
        said += ["", *fact_lines([("Arbiter", "said this last; what it says now is unknown")])]
    if hold is not None:
        why = f": {hold['why']}" if hold["why"] else ""
        said += ["", *fact_lines([("Arbiter", f"inference is kept off the GPUs by {hold['by']}{why}")])]
    services = arbiter["services"]
    leases = [one for one in arbiter["leases"] if one["job"] is None]
    waiting = [one for one in arbiter["waiting"] if one["job"] is None]
    if services:
        rows = [
            (one["name"], one["state"], _since(one, now), _gpus(one, indices), one["why"]) for one in services
        ]
        paints = [_PAINTS.get(one["state"], Paint.NOTICE) for one in services]
        said += [
            "",
            *table_lines(_SERVICES, rows, width, paints=paints, painted_column="STATE", colours=colours),
        ]
    if leases:
        rows = [
            (one["id"], one["user"], _since(one, now), _gpus(one, indices), one["command"]) for one in leases
        ]
        said += ["", *table_lines(_LEASES, rows, width, colours=colours)]
    if waiting:
        rows = [(one["user"], _since(one, now), one["command"], one["why"]) for one in waiting]
        said += ["", *table_lines(_WAITING, rows, width, colours=colours)]
    return said


def _since(one: Object, now: float) -> str:
    at = None if one["since"] is None else epoch(one["since"])
    return UNKNOWN if at is None else age_since(at, now)


def _gpus(one: Object, indices: Mapping[str, int]) -> str:
    known: Sequence[str] = [str(indices[uuid]) for uuid in one["gpus"] if uuid in indices]
    return ",".join(known) if len(known) == len(one["gpus"]) and known else UNKNOWN
