"""Files of text and CSV, plain or gzip, whose mistakes say where they are.

Called by the readers beside this and by `cluster`.
"""

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import UsageError

_GZIP = b"\x1f\x8b"
_NOTHING = ("", "nan", "None", "null")  # as others write what is not there
_MOST = 1 << 50


def text_of(path: Path, *, errors: str = "strict") -> str:
    """Its text. UsageError when it cannot be read."""
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw.startswith(_GZIP) else raw).decode(errors=errors)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: is packed with gzip, and damaged: {error}; get it once more") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no text: {error}; give a trace, plain or packed with gzip") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, by column. Empty cells are `None` to `optional`."""

    path: Path
    line: int
    cells: dict[str, str]

    def wrong(self, column: str, why: str) -> UsageError:
        found = self.cells.get(column, "")
        return UsageError(f"{self.path}, line {self.line}, column {column}: {found[:80]!r}: {why}")

    def text(self, column: str) -> str:
        if not self.cells[column]:
            raise self.wrong(column, "a name is expected")
        return self.cells[column]

    def optional(self, column: str) -> str | None:
        text = self.cells.get(column, "")
        return None if text in _NOTHING else text

    def whole(self, column: str, *, least: int = 0, most: int = _MOST) -> int:
        text = self.cells[column]
        # A column with a hole in it comes out of pandas as 12000.0.
        digits = text.removesuffix(".0")
        good = digits.isascii() and digits.isdigit() and len(digits) < 17
        if not (good and least <= int(digits) <= most):
            raise self.wrong(column, f"a whole number from {least} to {most} is expected")
        return int(digits)

    def seconds(self, column: str) -> float:
        """At least 0."""
        try:
            found = float(self.cells[column])
        except ValueError:
            found = math.nan
        if not 0 <= found <= _MOST:
            raise self.wrong(column, "a number of seconds, 0 or more, is expected")
        return found


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The lines below the heading, which has `columns` among others. UsageError for what is no such table."""
    reader = csv.reader(io.StringIO(text_of(path), newline=""))
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
            yield Row(path, reader.line_num, dict(zip(names, map(str.strip, cells), strict=True)))
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error
