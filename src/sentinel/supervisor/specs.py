"""What a spec must be for a job to be launched from it. Called by `wire`, for each launch.

The controller has checked it before; here counts what would otherwise reach a system call, or an engine as
root.
"""

import re
import signal
from typing import Any, cast

from sentinel.core.errors import ProtocolError
from sentinel.core.job import JobSpec
from sentinel.core.job_json import spec_from

MOST_GRACE = 7 * 86400.0
ENGINES = ("docker", "podman")
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
# A name in a registry and nothing else: no option, no folder or archive of the node, which Podman would read.
_IMAGE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?{_NAME}(?:/{_NAME})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def spec_of(raw: Any) -> JobSpec:
    """The spec. ProtocolError says what is wrong with it."""
    if not isinstance(raw, dict):
        raise ProtocolError("spec is an object")
    found = cast("dict[str, Any]", raw)
    if lacking := [name for name in ("command", "cwd") if name not in found]:
        raise ProtocolError(f"spec is none: {lacking[0]!r}")
    try:
        spec = spec_from(found)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"spec is none: {error}") from None
    words: tuple[Any, ...] = spec.command
    if not words or not words[0] or not _are_texts(words):
        raise ProtocolError("spec.command is a list of texts, the first of them a program")
    if type(spec.cwd) is not str or not spec.cwd.startswith("/") or "\0" in spec.cwd:
        raise ProtocolError(f"spec.cwd is an absolute path, not {str(spec.cwd)[:80]!r}")
    if type(spec.umask) is not int or not 0 <= spec.umask <= 0o777:
        raise ProtocolError("spec.umask is a number from 0 to 511 (octal 777)")
    if not is_number(spec.grace) or not 0 <= spec.grace <= MOST_GRACE:
        raise ProtocolError("spec.grace is a number of seconds, at most a week's")
    if spec.time_limit is not None and not (is_number(spec.time_limit) and spec.time_limit > 0):
        raise ProtocolError("spec.time_limit is a number of seconds above 0, or null")
    if type(spec.pty) is not bool:
        raise ProtocolError("spec.pty is true or false")
    limits: Any = spec.limits
    if not isinstance(limits, dict) or not all(
        type(value) is int and -1 <= value < 2**63 for value in cast("dict[str, Any]", limits).values()
    ):
        raise ProtocolError("spec.limits is an object of names and whole numbers")
    if spec.stop_signal != "TERM" and signal_of(spec.stop_signal) is None:
        raise ProtocolError(
            f"spec.stop_signal is a signal's name without SIG, not {str(spec.stop_signal)[:40]!r}"
        )
    for name, found in (("checkpoint", spec.checkpoint), ("setup", spec.setup), ("mounts", spec.mounts)):
        if found and not _are_texts(found):
            raise ProtocolError(f"spec.{name} is a list of texts")
    if spec.image is not None:
        _check_image(spec.image, spec.engine)
    return spec


def _check_image(image: Any, engine: Any) -> None:
    if type(image) is not str or len(image) > 512 or not _IMAGE.fullmatch(image):
        raise ProtocolError(
            f"spec.image is the name of an image, as REGISTRY/NAME:TAG, not {str(image)[:80]!r}"
        )
    if engine is not None and engine not in ENGINES:
        raise ProtocolError(f"spec.engine is docker, podman or null, not {str(engine)[:40]!r}")


def signal_of(name: Any) -> int | None:
    """The number of the signal with that name, as "TERM"; None when there is none."""
    found = signal.Signals.__members__.get(f"SIG{name}") if isinstance(name, str) else None
    return None if found is None else found.value


def is_number(value: Any) -> bool:
    """Whether it is a number that can be reckoned with."""
    return type(value) in (int, float) and -1e300 < value < 1e300


def _are_texts(words: tuple[Any, ...]) -> bool:
    return all(type(word) is str and "\0" not in word for word in words)
