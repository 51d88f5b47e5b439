"""Parameters that several routes take, with their limits. Nothing holds a NUL byte: no database takes one."""

from typing import Annotated

from fastapi import Path, Query

MOST_ITEMS = 1000
MOST_NUMBER = (1 << 63) - 1
_CLEAN = r"^[^\x00]*$"

Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many at most.")]
After = Annotated[
    str | None, Query(max_length=2000, pattern=_CLEAN, description="`next` of the answer before.")
]
Filter = Annotated[str | None, Query(max_length=300, pattern=_CLEAN)]
Number = Annotated[int, Query(ge=0, le=MOST_NUMBER)]
Id = Annotated[str, Path(max_length=400, description="An id.")]
Name = Annotated[str, Path(max_length=400, description="A name.")]
JobId = Annotated[
    str, Path(max_length=400, description="A job's id, or a unique beginning of at least 4 characters.")
]
