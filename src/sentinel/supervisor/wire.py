"""What the agent and the supervisor say to each other, typed and capped. Used by the loop.

A Unix socket DIR/supervisor.sock (0600), JSON lines as in core.codec, at most MOST_LINE bytes each. Who
connects is root or the supervisor's own user, by the kernel's word. The one who said `hello` last is the
agent; a new one takes over from it. `attach` and `end` need no `hello` before.

    {"cmd": "hello", "v": 1}   -> {"event": "hello", "v": 1, "version", "boot_id", "pid", "jobs": [RECORD…]}
    {"cmd": "launch", "job", "attempt", "token", "owner", "gpus", "spec", "environment", "begin_by": BOOTTIME,
     "fence_at": BOOTTIME | null}         told twice: once launched; how it is doing is told again
    {"cmd": "stop", "token", "why", "grace", "preempt": BOOL}      preempt (absent: false): its checkpoint
                                          command comes before the signal, within the grace
    {"cmd": "renew", "fences": {TOKEN: BOOTTIME}}
    {"cmd": "forget", "tokens": [TOKEN…]}
    {"cmd": "attach", "token"}            -> {"event": "attached", "token"} or an error; then frames
    {"cmd": "end", "jobs": BOOL}          -> nothing: the connection closes once it has ended

    {"event": "waiting", "token", "why"}
    {"event": "starting", "token"}
    {"event": "running", "token", "pid", "started_at"}
    {"event": "exited", "token", "exit_code", "signal", "why", "stopped", "gone", "started_at",
     "ended_at"}
    {"event": "refused", "token", "why", "final"}
    {"event": "error", "why"}             what was said is no message of these; the connection is closed

RECORD: {"job", "attempt", "token", "gpus", "phase", …the fields of that phase's event}. `started_at` and
`ended_at` are seconds since the epoch. A launch that names itself but cannot be understood is `refused`,
final.

After `attached` both sides send frames: one byte of kind, four of length (big-endian), then as many bytes,
at most MOST_FRAME. What the terminal shows begins with the last of what it showed before.

    b"d" bytes       both ways: what is typed, what is shown
    b"r" rows, columns   to the supervisor: two bytes each, big-endian
    b"x" JSON        from the supervisor, the last: {"exit_code", "signal"}; both null when that is not known
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sentinel.core.codec import decode
from sentinel.core.errors import ProtocolError
from sentinel.core.job import JobSpec
from sentinel.supervisor.specs import MOST_GRACE, is_number, spec_of

MOST_LINE = 1024 * 1024
MOST_FRAME = 64 * 1024

_encode = json.JSONEncoder(separators=(",", ":")).encode
_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")  # a gang's parts have dots in their ids
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_FRAME = struct.Struct("!cI")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The agent is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """An attempt that is to run. `environment` is its owner's alone: it is shown and kept nowhere."""

    job: str
    attempt: int
    token: str
    owner: str
    gpus: tuple[str, ...]
    spec: JobSpec
    begin_by: float
    fence_at: float | None
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A launch that says whose it is, and nothing that could be launched."""

    job: str
    attempt: int
    token: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopIt:
    token: str
    why: str
    grace: float
    preempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    fences: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """`jobs`: they end, too."""

    jobs: bool


Command = Hello | Launch | Unusable | StopIt | Renew | Forget | Attach | End


def line(message: Mapping[str, Any]) -> bytes:
    """`message` as one line."""
    return _encode(message).encode() + b"\n"


def command_from(text: bytes) -> Command:
    """What a line asks for. ProtocolError says what is wrong with it."""
    raw = decode(text)
    cmd = raw.get("cmd")
    match cmd:
        case "launch":
            return _launch(raw)
        case "hello":
            if raw.get("v") != 1:
                raise ProtocolError(f"version {raw.get('v')!r} is not spoken here; this is version 1")
            return Hello()
        case "stop":
            grace, preempt = min(_seconds(raw, "grace"), MOST_GRACE), raw.get("preempt", False)
            if type(preempt) is not bool:
                raise ProtocolError("preempt is true or false")
            return StopIt(token=_token(raw), why=_text(raw, "why"), grace=grace, preempt=preempt)
        case "renew":
            return _renew(raw.get("fences"))
        case "forget":
            return Forget(tokens=_texts(raw, "tokens"))
        case "attach":
            return Attach(token=_token(raw))
        case "end":
            if type(raw.get("jobs")) is not bool:
                raise ProtocolError("jobs is true or false")
            return End(jobs=raw["jobs"])
        case _:
            raise ProtocolError(
                f"cmd is one of hello, launch, stop, renew, forget, attach, end; not {str(cmd)[:40]!r}"
            )


def _renew(fences: Any) -> Renew:
    found: dict[str, Any] = cast("dict[str, Any]", fences) if isinstance(fences, dict) else {"": ""}
    if not all(is_number(at) for at in found.values()):
        raise ProtocolError("fences is an object of tokens and times")
    return Renew(fences=found)


def _launch(raw: dict[str, Any]) -> Launch | Unusable:
    job, attempt, token = raw.get("job"), raw.get("attempt"), _token(raw)
    if not isinstance(job, str) or not _WORD.fullmatch(job):
        raise ProtocolError(f"job is an id, not {str(job)[:40]!r}")
    if type(attempt) is not int or not 0 < attempt < 2**31:
        raise ProtocolError(f"attempt is a number from 1 on, not {str(attempt)[:40]}")
    try:
        return Launch(
            job=job,
            attempt=attempt,
            token=token,
            owner=_text(raw, "owner"),
            gpus=_texts(raw, "gpus"),
            spec=spec_of(raw.get("spec")),
            environment=_environment(raw.get("environment")),
            begin_by=_seconds(raw, "begin_by"),
            fence_at=None if raw.get("fence_at") is None else _seconds(raw, "fence_at"),
        )
    except ProtocolError as error:
        return Unusable(job=job, attempt=attempt, token=token, why=error.message)


def _environment(raw: Any) -> Mapping[str, str]:
    if not isinstance(raw, dict):
        raise ProtocolError("environment is an object of texts")
    found = cast("dict[str, Any]", raw)
    for name, value in found.items():
        if type(value) is not str or "\0" in value or not name or "=" in name or "\0" in name:
            # The value is nobody's business, and the name is no name.
            raise ProtocolError(f"environment has {name[:40]!r}, which is no variable with a text")
    return found


def _token(raw: dict[str, Any]) -> str:
    token = raw.get("token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ProtocolError("token is a lease's")
    return token


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise ProtocolError(f"{key} is text")
    return value[:2000]


def _texts(raw: dict[str, Any], key: str) -> tuple[str, ...]:
    value: Any = raw.get(key)
    found: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [None]
    if not all(type(one) is str and "\0" not in one for one in found):
        raise ProtocolError(f"{key} is a list of texts")
    return tuple(found)


def _seconds(raw: dict[str, Any], key: str) -> float:
    value: Any = raw.get(key)
    if not is_number(value) or value < 0:
        raise ProtocolError(f"{key} is a number of seconds")
    return float(value)


# ------------------------------------------------------------------ frames of a terminal


def frame(kind: bytes, data: bytes) -> bytes:
    """One frame. `data` is at most MOST_FRAME long."""
    return _FRAME.pack(kind, len(data)) + data


def frames_in(buffer: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Takes the whole frames out of `buffer`. ProtocolError at one that is too long."""
    while len(buffer) >= _FRAME.size:
        kind, length = _FRAME.unpack_from(buffer)
        if length > MOST_FRAME:
            raise ProtocolError(f"a frame is at most {MOST_FRAME} bytes")
        end = _FRAME.size + length
        if len(buffer) < end:
            return
        data = bytes(buffer[_FRAME.size : end])
        del buffer[:end]
        yield kind, data
