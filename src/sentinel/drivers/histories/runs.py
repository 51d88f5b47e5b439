"""Reads many roll-ups at once, which is most of the work of a chart. Pure. Called by `reading`.

A week of minutes is 168 blocks of a node, most of them of the same series: what is the same in all of them is
looked at once, and each series is put together in one go.
"""

import sys
import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from sentinel.core.sample_batch import unshuffled
from sentinel.drivers.histories.blocks import Raw, alike, rollup_part, rollup_shape, unpack_rows

_COUNTS = 4  # which part of a roll-up they are


def runs(blocks: Iterable[tuple[int, bytes]], span: int) -> Iterator[tuple[int, list[bytes]]]:
    """Blocks that follow each other and are of the same series: the start of the first, and all of them.
    `blocks`: by their starts, in order; each is of `span` seconds."""
    start, run, kind = 0, list[bytes](), b""
    for at, body in blocks:
        series = alike(body)
        if run and (series != kind or at != start + span * len(run)):
            yield start, run
            run = []
        if not run:
            start, kind = at, series
        run.append(body)
    if run:
        yield start, run


def some_of(rows: Iterable[tuple[int, bytes]], wanted: Collection[int]) -> Iterator[Raw]:
    """Of each row of a journal, which is its start in milliseconds and what was told, the wanted series."""
    places: dict[bytes, list[tuple[int, int]]] = {}
    for start, body in rows:
        told = _unpacked(body, start)
        # A node tells of the same series each minute: where they stand is found once.
        key, count = told.ids.tobytes(), len(told.times)
        if key not in places:
            places[key] = [(nth, id) for nth, id in enumerate(told.ids) if id in wanted]
        columns = {id: told.values[nth * count : (nth + 1) * count] for nth, id in places[key]}
        yield Raw(told.times, columns)


# A page full of charts asks for the same rows again and again. At most some 20 MB.
_unpacked = lru_cache(maxsize=1024)(unpack_rows)


def unpack_run(
    run: Sequence[bytes], part: int | None, wanted: Collection[int]
) -> "Iterator[tuple[int, int, array[float], array[int]]]":
    """Of each wanted series: id, slot of the first that is known, values and counts up to the last one. A
    series of which nothing is known there is not among them. `part` None: no values."""
    ids, slots = rollup_shape(run[0])
    packed = [rollup_part(one, _COUNTS) for one in run]
    # Most hours of most cards are as full as the one before.
    counted = {one: _values(one, 2) for one in set(packed)}
    many = [counted[one] for one in packed]
    bodies = [] if part is None else [_values(rollup_part(one, part), 4) for one in run]
    for nth, id in enumerate(ids):
        if id not in wanted:
            continue
        known = _strand(many, 2, nth * slots, slots)
        left = (len(known) - len(known.lstrip(b"\0"))) // 2
        right = (len(known.rstrip(b"\0")) + 1) // 2
        if left >= right:
            continue
        values = _strand(bodies, 4, nth * slots, slots)[4 * left : 4 * right]
        yield id, left, array("f", values), array("H", known[2 * left : 2 * right])


def _values(packed: bytes, width: int) -> bytes:
    """As this machine has them in memory."""
    data = unshuffled(zlib.decompress(packed), width)
    if sys.byteorder == "little":
        return data
    swapped = array("H", data) if width == 2 else array("I", data)
    swapped.byteswap()
    return swapped.tobytes()


def _strand(bodies: Sequence[bytes], width: int, at: int, count: int) -> bytes:
    """The same values of each body, one after another."""
    left, right = width * at, width * (at + count)
    if len(bodies) == 1:
        return bodies[0][left:right]
    return b"".join([body[left:right] for body in bodies])
