"""Rows and minutes for the tests of this folder."""

from collections.abc import Mapping

from sentinel.agent.record.columns import Row
from sentinel.agent.record.minute import Minute
from sentinel.core.sample_batch import Named

NODE = "gpu1"
AT = 1_800_000_000.0
POWER: Named = ("gpu_power_watts", (("gpu", "0"), ("node", NODE)))


def row(nth: int = 0, values: Mapping[Named, float] | None = None, at: float = AT) -> Row:
    return Row(at=at + 10 * nth, values={POWER: float(nth)} if values is None else values)


def minute(sequence: int = 7, count: int = 6) -> Minute:
    """Each minute at a time of its own."""
    rows = tuple(row(nth, at=AT + 60 * sequence) for nth in range(count))
    return Minute(sequence=sequence, began=60.0 * sequence, rows=rows)
