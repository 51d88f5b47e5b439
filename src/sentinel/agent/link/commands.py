"""What the agent asks of its supervisor, one JSON object a line, as docs/queue.md has it. Called by the
executor and the supervisor's line."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.agent.link.desired import Wanted

VERSION = 1
MOST_LINE = 1024 * 1024
"""Bytes; the supervisor takes no longer line."""
GRACE = 30.0
"""Seconds to SIGKILL for an attempt that nobody wants and whose spec is not at hand."""


def hello_command() -> dict[str, Any]:
    return {"cmd": "hello", "v": VERSION}


def launch_command(
    wanted: Wanted, begin_by: float, fence_at: float | None, adds: Mapping[str, str]
) -> dict[str, Any]:
    """`adds` goes over what the job's owner has in its environment."""
    return {
        "cmd": "launch",
        "job": wanted.job,
        "attempt": wanted.attempt,
        "token": wanted.token,
        "owner": wanted.owner,
        "gpus": list(wanted.gpus),
        "spec": wanted.spec,
        "environment": {**wanted.environment, **adds},
        "begin_by": begin_by,
        "fence_at": fence_at,
    }


def stop_command(token: str, why: str, grace: float | None, *, preempt: bool = False) -> dict[str, Any]:
    """`preempt`: it may save its work first, within its grace."""
    seconds = GRACE if grace is None else grace
    return {"cmd": "stop", "token": token, "why": why, "grace": seconds, "preempt": preempt}


def renew_command(fences: Mapping[str, float]) -> dict[str, Any]:
    return {"cmd": "renew", "fences": dict(fences)}


def forget_command(tokens: Sequence[str]) -> dict[str, Any]:
    return {"cmd": "forget", "tokens": list(tokens)}


def attach_command(token: str) -> dict[str, Any]:
    return {"cmd": "attach", "token": token}


_encode = json.JSONEncoder(separators=(",", ":")).encode


def encoded(command: Mapping[str, Any]) -> bytes:
    """As one line."""
    return _encode(command).encode() + b"\n"
