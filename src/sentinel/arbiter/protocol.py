"""Requests of the wire format (documented atop core.codec) as typed values. Used by the daemon.

What a message may hold is a table here; anything beyond it is refused with a reason, so that a typing
mistake in a client never becomes a lease that means something else.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from sentinel.core.errors import ProtocolError
from sentinel.core.lease import Binding, Claim, Sharing

E = TypeVar("E", bound=StrEnum)

_TEXT_LIMIT = 512
_PLAIN_CLAIM = Claim()
_COMMON = frozenset({"cmd", "v"})
_FIELDS: dict[str, frozenset[str]] = {
    "acquire": frozenset(
        "sharing count gpu_ids memory_bytes wait_seconds parent binding holder command".split()
    ),
    "release": frozenset({"lease", "holder"}),
    "status": frozenset({"holder"}),
    "watch": frozenset(),
    "extend": frozenset({"lease", "seconds"}),
    "pause": frozenset({"reason"}),
    "resume": frozenset(),
    "reload": frozenset(),
    "evict": frozenset({"lease", "keep_running"}),
    "cordon": frozenset({"gpu", "reason"}),
    "uncordon": frozenset({"gpu"}),
}
ADMIN = frozenset({"pause", "resume", "reload", "evict", "cordon", "uncordon"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request that is well formed. `plain`: it came in the plain protocol.

    `wait_seconds` None waits for ever, 0 not at all.
    """

    cmd: str
    plain: bool
    claim: Claim = _PLAIN_CLAIM
    wait_seconds: float | None = None
    parent: str | None = None
    binding: Binding = Binding.TREE
    holder: str = ""
    command: str = ""
    lease: str = ""
    gpu: str = ""
    reason: str = ""
    seconds: float = 0.0
    keep_running: bool = False


def read_message(raw: dict[str, Any]) -> Message:
    """`raw` as a Message. ProtocolError says which field is wrong and what it may be."""
    version = raw.get("v")
    if version not in (None, 1):
        raise ProtocolError(f"version {version!r} is not spoken here; this is version 1")
    cmd = raw.get("cmd")
    if not isinstance(cmd, str) or cmd not in _FIELDS:
        raise ProtocolError(f"cmd is one of {', '.join(sorted(_FIELDS))}; not {str(cmd)[:40]!r}")
    plain = version is None
    if plain and cmd not in ("acquire", "release", "status"):
        raise ProtocolError(f'{cmd} needs "v": 1')
    unknown = sorted(set(raw) - _FIELDS[cmd] - _COMMON)
    if unknown and not plain:
        raise ProtocolError(f"{cmd} has no field {unknown[0][:40]!r}")
    if plain:
        # First clients send what they like beside these; only the holder means anything.
        return Message(cmd=cmd, plain=True, holder=_text(raw, "holder"))
    return Message(
        cmd=cmd,
        plain=False,
        claim=_claim(raw),
        wait_seconds=_seconds(raw, "wait_seconds"),
        parent=_text(raw, "parent") or None,
        binding=_choice(raw, "binding", Binding, Binding.TREE),
        holder=_text(raw, "holder"),
        command=_text(raw, "command"),
        lease=_text(raw, "lease"),
        gpu=_text(raw, "gpu"),
        reason=_text(raw, "reason"),
        seconds=_seconds(raw, "seconds") or 0.0,
        keep_running=_yes_no(raw, "keep_running"),
    )


def _claim(raw: dict[str, Any]) -> Claim:
    sharing = _choice(raw, "sharing", Sharing, Sharing.SHARED)
    count = _whole(raw, "count")
    memory = _whole(raw, "memory_bytes")
    gpu_ids = _gpu_ids(raw)
    if gpu_ids and count not in (None, len(gpu_ids)):
        raise ProtocolError("count and gpu_ids contradict each other")
    if sharing is not Sharing.EXCLUSIVE and (count is not None or gpu_ids):
        raise ProtocolError('count and gpu_ids go with "sharing": "exclusive"')
    if sharing is Sharing.SLICE and memory is None:
        raise ProtocolError('"sharing": "slice" needs memory_bytes')
    if sharing is Sharing.SHARED and memory is not None:
        raise ProtocolError('memory_bytes goes with "sharing": "slice" or "exclusive"')
    return Claim(sharing=sharing, count=count, gpu_ids=gpu_ids, memory_bytes=memory)


def _gpu_ids(raw: dict[str, Any]) -> tuple[str, ...]:
    value: Any = raw.get("gpu_ids")
    if value is None:
        return ()
    ids = cast("list[Any]", value) if isinstance(value, list) else [None]
    if len(ids) > 64 or not all(type(i) in (str, int) for i in ids):
        raise ProtocolError("gpu_ids is a list of at most 64 UUIDs or indices")
    return tuple(_printable(str(i)[:80]) for i in ids)


def _printable(text: str) -> str:
    """Shown to other users: no control characters, no terminal escapes."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _yes_no(raw: dict[str, Any], key: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise ProtocolError(f"{key} is true or false")
    return value


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProtocolError(f"{key} is text")
    return _printable(value[:_TEXT_LIMIT])


def _whole(raw: dict[str, Any], key: str) -> int | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**60:
        raise ProtocolError(f"{key} is a whole number above 0")
    return value


def _seconds(raw: dict[str, Any], key: str) -> float | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ProtocolError(f"{key} is a number of seconds, 0 or more")
    return float(value)


def _choice(raw: dict[str, Any], key: str, kind: type[E], default: E) -> E:
    value = raw.get(key, default.value)
    for option in kind:
        if option.value == value:
            return option
    raise ProtocolError(f"{key} is one of {', '.join(o.value for o in kind)}")
