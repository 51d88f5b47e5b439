"""Slurm's "trackable resources": what a job got. Called by both readers of its accounting."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)[nc]?")
_POWER = {"": 2, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}  # without a letter it is MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Tres:
    """Of the whole job. `nodes` 0: not told."""

    gpus: int = 0
    nodes: int = 0
    cpus: int = 0
    memory_bytes: int = 0
    model: str | None = None


def tres_from(text: str) -> Tres:
    """`text` is like "cpu=320,gres/gpu=32,gres/gpu:a100=32,mem=1600G,node=4". ValueError when it is not."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, text.split(",")):
        name, divider, amount = part.partition("=")
        if not divider:
            raise ValueError(f"{part!r} is no resource like gres/gpu=8")
        pairs.append((name, amount))
    return tres_of(pairs)


def tres_of(pairs: Iterable[tuple[str, str]]) -> Tres:
    """Names as sacct writes them, and amounts. ValueError where one is none."""
    found = dict(pairs)
    typed = {name.partition(":")[2]: _count(n) for name, n in found.items() if name.startswith("gres/gpu:")}
    models = [model for model, count in typed.items() if count]
    gpus = _count(found["gres/gpu"]) if "gres/gpu" in found else sum(typed.values())
    return Tres(
        gpus=gpus,
        nodes=_count(found.get("node", "0")),
        cpus=_count(found.get("cpu", "0")),
        memory_bytes=_bytes(found.get("mem", "0")),
        # One of several models says nothing about the others.
        model=models[0] if len(models) == 1 and typed[models[0]] == gpus else None,
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{text!r} is no number of something")
    return int(text)


def _bytes(text: str) -> int:
    found = _MEMORY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no amount of memory like 1600G")
    return round(float(found[1]) * 1024 ** _POWER[found[2]])
