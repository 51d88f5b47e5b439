"""What an engine tells of a container, made out. Pure. Called by `containers`."""

import json
from dataclasses import dataclass
from typing import Any, cast

from sentinel.supervisor.tools import Done


@dataclass(frozen=True, slots=True)
class Silent:
    """It did not answer: nothing is known."""

    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    """It has no such container, or another one of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`runs`, `ended`: neither is one that has not begun. `exit_code` counts once it has ended."""

    runs: bool
    ended: bool
    exit_code: int | None = None
    error: str = ""
    out_of_memory: bool = False


def answer_of(done: Done, token: str) -> State | Gone | Silent:
    """What `container inspect` with [State, Labels] answered about the container of that attempt."""
    if done.code != 0:
        if "no such" in done.err.lower():
            return Gone()
        return Silent(f"its engine does not answer: {done.failure}")
    try:
        said, labels = cast("list[dict[str, Any] | None]", json.loads(done.out))
        if said is None or (labels or {}).get("sentinel.token") != token:
            return Gone()
        return _state(said)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Silent(f"its engine's answer cannot be understood: {done.out[:80]!r}")


def _state(said: dict[str, Any]) -> State:
    status, code = str(said["Status"]), said.get("ExitCode")
    return State(
        runs=status in ("running", "paused", "restarting", "stopping"),
        ended=status in ("exited", "stopped", "dead", "removing"),
        exit_code=code if type(code) is int and 0 <= code <= 255 else None,
        error=str(said.get("Error") or ""),
        out_of_memory=bool(said.get("OOMKilled")),
    )
