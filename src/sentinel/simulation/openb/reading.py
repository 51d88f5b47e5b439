"""The trace's two lists, nodes and pods: CSV, plain or gzip.

Called by `sentinel simulate openb` and the benchmark. A list that cannot be used says which line and which
column.
"""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.scheduling.fragmentation import WHOLE, Ask

NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
POD_COLUMNS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec")
_GZIP = b"\x1f\x8b"
_NOTHING = ("", "nan")  # as pandas writes what is not there
_MOST = 1 << 40  # no machine has so much of anything


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceNode:
    """A machine of the trace."""

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePod:
    """Something to be placed."""

    name: str
    ask: Ask


def read_nodes(path: Path) -> tuple[TraceNode, ...]:
    """The nodes in the order of the file. Raises UsageError."""
    nodes = [
        TraceNode(
            name=row.text("sn"),
            cpu_milli=row.number("cpu_milli"),
            memory_mib=row.number("memory_mib"),
            gpus=row.number("gpu", most=64),
            model=row.optional("model"),
        )
        for row in _rows(path, NODE_COLUMNS)
    ]
    _once(path, [node.name for node in nodes])
    if not any(node.gpus for node in nodes):
        raise UsageError(f"{path}: no node has a GPU, so there is nothing to fill; give a list of GPU nodes")
    return tuple(nodes)


def read_pods(path: Path) -> tuple[TracePod, ...]:
    """The pods in the order of the file. Raises UsageError."""
    pods = [TracePod(name=row.text("name"), ask=_ask(row)) for row in _rows(path, POD_COLUMNS)]
    _once(path, [pod.name for pod in pods])
    if not any(pod.ask.gpus for pod in pods):
        raise UsageError(f"{path}: no pod asks for a GPU, so demand never grows; give another list of pods")
    return tuple(pods)


def _once(path: Path, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"{path}: {twice[0]} is there more than once; each line needs a name of its own")


def _ask(row: "_Row") -> Ask:
    gpus = row.number("num_gpu", most=64)
    milli = row.number("gpu_milli", most=WHOLE)
    spec = row.optional("gpu_spec")
    models = frozenset(filter(None, spec.split("|"))) if spec else None
    if gpus and not milli:
        raise row.wrong("gpu_milli", f"a pod with a GPU needs 1 to {WHOLE}")
    if gpus > 1 and milli != WHOLE:
        raise row.wrong("gpu_milli", f"several GPUs are whole ones: {WHOLE} is expected")
    return Ask(
        gpus=gpus,
        milli=milli if gpus else WHOLE,
        cpu_milli=row.number("cpu_milli"),
        memory_mib=row.number("memory_mib"),
        # Without a GPU there is no model to want.
        models=models if models and gpus else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    path: Path
    line: int
    cells: dict[str, str]

    def wrong(self, column: str, why: str) -> UsageError:
        return UsageError(f"{self.path}, line {self.line}, column {column}: {self.cells[column]!r}: {why}")

    def text(self, column: str) -> str:
        if not self.cells[column]:
            raise self.wrong(column, "a name is expected")
        return self.cells[column]

    def optional(self, column: str) -> str | None:
        text = self.cells[column]
        return None if text in _NOTHING else text

    def number(self, column: str, most: int = _MOST) -> int:
        text = self.cells[column]
        # A column with a hole in it comes out of pandas as 12000.0.
        digits = text.removesuffix(".0")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 16 and int(digits) <= most):
            raise self.wrong(column, f"a whole number from 0 to {most} is expected")
        return int(digits)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[_Row]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw.startswith(_GZIP) else raw).decode()
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is neither CSV nor CSV packed with gzip: {error}") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        names = next(reader, list[str]())
        missing = [column for column in columns if column not in names]
        if missing:
            raise UsageError(
                f"{path}, line 1: no column {', '.join(missing)}; these are needed: {', '.join(columns)}"
            )
        for cells in reader:
            if len(cells) != len(names):
                raise UsageError(
                    f"{path}, line {reader.line_num}: {len(cells)} columns where line 1 names {len(names)}"
                )
            found = dict(zip(names, map(str.strip, cells), strict=True))
            yield _Row(path=path, line=reader.line_num, cells=found)
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error
