"""One look at a cluster, part by part: what fails is told of, and does not take the other parts with it.

Called by `restd` and `cli`, which know how a part is asked for.
"""

from collections.abc import Callable
from typing import Any, cast

from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.core.slurm import Asked, Part, SlurmReading

Ask = Callable[[Part], tuple[Any, str | None]]
"""From a part to what it is, of the type that SlurmReading has for it, and Slurm's version if it told that.
Raises SourceAbsent or SourceUnknown."""


def read_all(source: str, ask: Ask) -> SlurmReading:
    """Every part. Where there is no such source at all, the first answer says so for all of them."""
    found: dict[str, Any] = {}
    asked: list[Asked] = []
    version: str | None = None
    absent: str | None = None
    for part in Part:
        error = absent
        if error is None:
            try:
                found[part.value], told = ask(part)
                version = version or told
            except SourceAbsent as gone:
                error = absent = gone.message
            except SourceUnknown as unknown:
                error = unknown.message
        asked.append(Asked(source=source, part=part, error=error))
    return SlurmReading(**cast("Any", found), version=version, asked=tuple(asked))
