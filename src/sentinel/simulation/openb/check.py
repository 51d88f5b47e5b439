"""Proves a file of placements: every pod of it fits where it was put, beside all the others.

Called by `sentinel simulate openb --check`. It reads the lists itself and shares no code with what placed,
so a fault there cannot hide itself here. Standard library alone.
"""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from sentinel.core.errors import UsageError

_SHOWN = 20
_OF_NODES = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
_OF_PODS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec")
_OF_PLACEMENTS = ("pod", "node", "gpus", "milli")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`wrong`: what cannot be, in words, the first 20; `faults`: how many there are."""

    placements: int
    gpus: int
    allocated_percent: float
    faults: int
    wrong: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "feasible": not self.faults,
            "placements": self.placements,
            "gpus": self.gpus,
            "allocated_percent": self.allocated_percent,
            "faults": self.faults,
            "wrong": list(self.wrong),
        }


def check(nodes: Path, pods: Path, placements: Path) -> Verdict:
    """Goes through the file in order. Raises UsageError when one of the files cannot be read."""
    machines = {row["sn"]: _Machine(row, nodes) for row in _read(nodes, _OF_NODES)}
    wanted = {row["name"]: _Wanted(row, pods) for row in _read(pods, _OF_PODS)}
    faults: list[str] = []
    count = 0
    milli = 0
    for count, row in enumerate(_read(placements, _OF_PLACEMENTS), start=1):
        where = f"{placements}, line {count + 1}: {row['pod']}"
        pod, machine = wanted.get(row["pod"]), machines.get(row["node"])
        if pod is None:
            faults.append(f"{where}: {pods} has no such pod")
        elif machine is None:
            faults.append(f"{where}: {nodes} has no node {row['node']}")
        else:
            gpus = [_int(index, placements) for index in row["gpus"].split("|") if index]
            share = _int(row["milli"], placements)
            faults += [f"{where}: {why}" for why in machine.put(pod, gpus, share)]
            milli += len(gpus) * share
    total = sum(machine.gpus for machine in machines.values())
    return Verdict(
        placements=count,
        gpus=total,
        allocated_percent=round(float(Fraction(milli, 10 * total)), 4) if total else 0.0,
        faults=len(faults),
        wrong=tuple(faults[:_SHOWN]),
    )


class _Wanted:
    """What a pod asks for."""

    def __init__(self, row: dict[str, str], path: Path) -> None:
        self.gpus, self.milli = _int(row["num_gpu"], path), _int(row["gpu_milli"], path)
        self.cpu, self.memory = _int(row["cpu_milli"], path), _int(row["memory_mib"], path)
        self.spec = row["gpu_spec"]


class _Machine:
    """What has been put on one node."""

    def __init__(self, row: dict[str, str], path: Path) -> None:
        self.name, self.model, self.gpus = row["sn"], row["model"], _int(row["gpu"], path)
        self.cpu, self.memory = _int(row["cpu_milli"], path), _int(row["memory_mib"], path)
        self.used: Counter[int] = Counter()

    def put(self, pod: _Wanted, gpus: list[int], milli: int) -> Iterator[str]:
        """Adds the pod; why it cannot be there."""
        if len(gpus) != pod.gpus or len(set(gpus)) != pod.gpus:
            yield f"has GPUs {gpus}, and asks for {pod.gpus}"
        if pod.gpus and milli != pod.milli:
            yield f"has {milli} milli of each GPU, and asks for {pod.milli}"
        if pod.gpus and pod.spec not in ("", "nan") and self.model not in pod.spec.split("|"):
            yield f"asks for {pod.spec}, and {self.name} has {self.model}"
        for gpu in gpus:
            self.used[gpu] += milli
            if not 0 <= gpu < self.gpus:
                yield f"is on GPU {gpu} of {self.name}, which has {self.gpus}"
            elif self.used[gpu] > 1000:
                yield f"brings GPU {gpu} of {self.name} to {self.used[gpu]} milli"
        self.cpu -= pod.cpu
        self.memory -= pod.memory
        if self.cpu < 0:
            yield f"lacks {-self.cpu} milli of CPU on {self.name}"
        if self.memory < 0:
            yield f"lacks {-self.memory} MiB of memory on {self.name}"


def _int(text: str, path: Path) -> int:
    try:
        return int(text.removesuffix(".0"))
    except ValueError as error:
        raise UsageError(
            f"{path}: {text!r} is no whole number; give lists of the trace, and a file that --out wrote"
        ) from error


def _read(path: Path, columns: Collection[str]) -> Iterator[dict[str, str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
        reader = csv.DictReader(text.splitlines(), restval="")
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise UsageError(f"{path}: no column {', '.join(sorted(missing))}")
        yield from reader
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
