"""The machines of a replay: written as `16x8xH100,4x8xA100-80GB`, in a TOML or JSON file, or openb's list of
nodes. Called by `sentinel simulate trace` and the benchmarks.

    [[nodes]]
    count = 16                  # 1 when it is left out
    gpus = 8
    model = "H100"
    gpu_memory = "80GiB"
    cpus = 128                  # what is left out is unknown
    memory = "1TiB"
    islands = 2                 # how many NVLink islands the GPUs are in; 1 when it is left out
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentinel.core.errors import UsageError
from sentinel.core.job import MOST_GPUS
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.core.toml_table import Table
from sentinel.core.units import parse_size
from sentinel.simulation.replay.reading.rows import csv_rows, text_of

MOST_NODES = 100_000
_GIB = 1 << 30
_KIND = re.compile(r"(\d{1,6})x(\d{1,4})(?:x([A-Za-z0-9][A-Za-z0-9_. -]*))?")
_MEMORY = re.compile(r"-(\d{1,4})GI?B$", re.IGNORECASE)
_KEYS = {"count", "gpus", "model", "gpu_memory", "cpus", "memory", "islands"}
OPENB_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """`count` nodes alike. None: unknown."""

    count: int
    gpus: int
    model: str | None = None
    gpu_memory_bytes: int | None = None
    cpus: int | None = None
    memory_bytes: int | None = None
    islands: int = 1

    def __str__(self) -> str:
        model = "" if self.model is None else f"x{self.model}"
        return f"{self.count}x{self.gpus}{model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    machines: tuple[Machines, ...]

    @property
    def gpus(self) -> int:
        return sum(one.count * one.gpus for one in self.machines)

    @property
    def node_count(self) -> int:
        return sum(one.count for one in self.machines)

    @property
    def most_gpus(self) -> int:
        """On one node."""
        return max(one.gpus for one in self.machines)

    @property
    def knows_cpus(self) -> bool:
        return all(one.cpus is not None for one in self.machines)

    @property
    def knows_memory(self) -> bool:
        return all(one.memory_bytes is not None for one in self.machines)

    def with_more(self, other: "Cluster") -> "Cluster":
        return Cluster(machines=(*self.machines, *other.machines))

    def nodes(self) -> list[Node]:
        """As the scheduler sees them: all up and empty."""
        found: list[Node] = []
        for machines in self.machines:
            for _ in range(machines.count):
                found.append(_node(f"node-{len(found):05d}", machines))
        return found

    def __str__(self) -> str:
        return ",".join(map(str, self.machines))


def _node(name: str, machines: Machines) -> Node:
    gpus = tuple(
        NodeGpu(
            uuid=f"{name}/{index}",
            index=index,
            model=machines.model,
            memory_total_bytes=machines.gpu_memory_bytes,
            island=index * machines.islands // machines.gpus,
        )
        for index in range(machines.gpus)
    )
    return Node(
        id=name,
        name=name,
        joined_at=0.0,
        state=NodeState.UP,
        gpus=gpus,
        cpus=machines.cpus,
        memory_bytes=machines.memory_bytes,
    )


def cluster_of(text: str) -> Cluster:
    """`text` is like 16x8xH100,4x8xA100-80GB: nodes, GPUs on each, model. UsageError when it is not."""
    return _checked([_machines(part.strip()) for part in text.split(",")], text)


def _machines(text: str) -> Machines:
    found = _KIND.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no kind of node; write it like 16x8xH100: nodes, GPUs on each, model")
    count, gpus, model = found.groups()
    memory = None if model is None else _MEMORY.search(model)
    return Machines(
        count=int(count),
        gpus=int(gpus),
        model=model,
        gpu_memory_bytes=None if memory is None else int(memory[1]) * _GIB,
    )


def read_cluster(path: Path) -> Cluster:
    """From a file in any of the three forms. UsageError when it cannot be used."""
    if path.name.removesuffix(".gz").endswith(".csv"):
        return _openb(path)
    text = text_of(path)
    if path.name.endswith(".json"):
        try:
            raw = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{path}: not JSON: {error}") from error
        if not isinstance(raw, dict):
            raise UsageError(f'{path}: an object is expected: {{"nodes": [{{"count": 16, "gpus": 8}}]}}')
        top = Table(cast("dict[str, Any]", raw), "", "", str(path))
    else:
        top = _toml(path, text)
    top.refuse_unknown({"nodes"})
    machines = [
        Machines(
            count=one.get("count", _whole(MOST_NODES), 1),
            gpus=one.need("gpus", _whole(64, least=0)),
            model=one.get("model", _name, None),
            gpu_memory_bytes=one.get("gpu_memory", _size, None),
            cpus=one.get("cpus", _whole(1 << 20), None),
            memory_bytes=one.get("memory", _size, None),
            islands=one.get("islands", _whole(64), 1),
        )
        for one in top.tables("nodes", _KEYS)
    ]
    return _checked(machines, str(path))


def _toml(path: Path, text: str) -> Table:
    try:
        return Table(tomllib.loads(text), "", text, str(path))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from error


def _openb(path: Path) -> Cluster:
    kinds: dict[Machines, int] = {}
    for row in csv_rows(path, OPENB_COLUMNS):
        one = Machines(
            count=1,
            gpus=row.whole("gpu", most=64),
            model=row.optional("model"),
            cpus=row.whole("cpu_milli") // 1000,
            memory_bytes=row.whole("memory_mib") << 20,
        )
        kinds[one] = kinds.get(one, 0) + 1
    return _checked([_times(one, count) for one, count in kinds.items()], str(path))


def _times(one: Machines, count: int) -> Machines:
    return Machines(count=count, gpus=one.gpus, model=one.model, cpus=one.cpus, memory_bytes=one.memory_bytes)


def _checked(machines: Iterable[Machines], where: str) -> Cluster:
    cluster = Cluster(machines=tuple(machines))
    if not cluster.machines or cluster.gpus == 0:
        raise UsageError(f"{where}: there is no GPU in it; write nodes like 16x8xH100")
    if cluster.node_count > MOST_NODES or cluster.most_gpus > min(64, MOST_GPUS):
        raise UsageError(f"{where}: at most {MOST_NODES} nodes, with at most 64 GPUs each")
    return cluster


# ------------------------------------------------------------------ values of a file


def _whole(most: int, *, least: int = 1) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}, not {value!r}")
        return value

    return read


def _name(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a model's name in quotes, not {value!r}")
    return value


def _size(value: Any) -> int | None:
    if not isinstance(value, str):
        raise ValueError(f'a size in quotes like "80GiB", not {value!r}')
    return parse_size(value)
