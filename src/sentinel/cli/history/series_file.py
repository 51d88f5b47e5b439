"""Series as a CSV or Parquet file: a row for each point. Called by `sentinel history export`.

    time,metric,LABEL…,value       time is RFC 3339 UTC; an empty value is unknown, an empty label is none

Labels are data: one that begins with "=", "+", "-" or "@" is written as it is, within quotation marks like
all text here. Nothing is put before it, which other programs would read as a part of it; whoever opens the
file in a spreadsheet imports those columns as text.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.core.errors import SentinelError, UsageError

Answer = Mapping[str, Any]
CSV, PARQUET = ".csv", ".parquet"


def kind_of(path: Path) -> str:
    """By its name. UsageError for another one; SentinelError when what writes it is not installed."""
    kind = path.suffix.lower()
    if kind not in (CSV, PARQUET):
        raise UsageError(f"{path}: name it .csv or .parquet, by what it is to be")
    if kind == PARQUET:
        _pyarrow("pyarrow")
    return kind


def write_series(path: Path, kind: str, answers: Sequence[Answer]) -> int:
    """How many rows. OSError as of the system."""
    labels = sorted({name for answer in answers for one in answer["series"] for name in one["labels"]})
    return (_write_csv if kind == CSV else _write_parquet)(path, labels, answers)


def _rows(labels: Sequence[str], answers: Sequence[Answer]) -> Iterator[tuple[float, list[str | None], Any]]:
    """Time, metric and labels, value."""
    for answer in answers:
        for one in answer["series"]:
            texts = [answer["metric"], *(one["labels"].get(name) for name in labels)]
            for at, value in one["points"]:
                yield at, texts, value


def _columns(labels: Sequence[str]) -> list[str]:
    """A label may be called as one of ours is."""
    ours = {"time", "metric", "value"}
    return ["time", "metric", *(f"label_{name}" if name in ours else name for name in labels), "value"]


def _write_csv(path: Path, labels: Sequence[str], answers: Sequence[Answer]) -> int:
    count = 0
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(_columns(labels))
        for count, (at, texts, value) in enumerate(_rows(labels, answers), 1):  # noqa: B007
            writer.writerow([rfc3339(at), *(text or "" for text in texts), "" if value is None else value])
    return count


def _write_parquet(path: Path, labels: Sequence[str], answers: Sequence[Answer]) -> int:
    pa, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    rows = list(_rows(labels, answers))
    times = [datetime.fromtimestamp(at, UTC) for at, _, _ in rows]
    text = pa.dictionary(pa.int32(), pa.string())
    names = _columns(labels)
    arrays = [
        pa.array(times, pa.timestamp("ms", tz="UTC")),
        *(
            pa.array([texts[nth] for _, texts, _ in rows], pa.string()).cast(text)
            for nth in range(len(labels) + 1)
        ),
        pa.array([value for _, _, value in rows], pa.float64()),
    ]
    parquet.write_table(pa.table(arrays, names=names), str(path))
    return len(rows)


def _pyarrow(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise SentinelError(
            "Parquet files need pyarrow: pip install 'sentinel-gpu[parquet]'; or name the file .csv"
        ) from error
