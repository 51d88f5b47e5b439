"""What the words of an option mean; UsageError says what to write. Called by `cli.jobs.submission`."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from sentinel.core.array_indices import parse_array
from sentinel.core.errors import UsageError
from sentinel.core.job_notify import wishes
from sentinel.core.units import parse_duration, parse_size

SIGNALS = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "CONT", "ALRM", "ABRT", "WINCH")
LIMITS = (
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
    "rtprio", "rttime", "sigpending", "stack",
)  # fmt: skip
_KINDS = {
    "ok": "ok",
    "afterok": "ok",
    "any": "any",
    "afterany": "any",
    "notok": "notok",
    "afternotok": "notok",
}
_ID = re.compile(r"[0-9a-z]{4,10}(_[0-9]{1,6})?")
_MOUNT = re.compile(r"/[^:]*(:/[^:]*(:ro)?)?")
_IMAGE = re.compile(r"[A-Za-z0-9][\w./:@-]{0,511}", re.ASCII)
_GREATEST_CODE = 255
MOST_SECONDS = 3660 * 86400.0  # as the API has them
MOST_GRACE = 3600.0


def time_limit(text: str) -> float:
    """Seconds."""
    seconds = _duration("--time-limit", text)
    if not 0 < seconds <= MOST_SECONDS:
        raise UsageError(f"--time-limit {text}: longer than nothing, and at most ten years, like 10m or 2h")
    return seconds


def grace(text: str) -> float:
    """Seconds."""
    seconds = _duration("--grace", text)
    if seconds > MOST_GRACE:
        raise UsageError(f"--grace {text}: an hour at most, like 30s or 10m")
    return seconds


def _duration(option: str, text: str) -> float:
    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}") from None


def image(text: str) -> str:
    """As an engine takes it; whether there is one, it says later."""
    if not _IMAGE.fullmatch(text):
        raise UsageError(f"--image {text!r}: the name of an image, like docker.io/pytorch/pytorch:latest")
    return text


def size(option: str, text: str) -> int:
    """Bytes."""
    found = parse_size(text)
    if found < 1:
        raise UsageError(f"{option} {text}: a size above 0, like 20GiB")
    return found


def octal(text: str) -> int:
    """Of --umask."""
    try:
        found = int(text, 8)
    except ValueError:
        found = -1
    if not 0 <= found <= 0o777:
        raise UsageError(f"--umask {text}: three octal digits, like 027")
    return found


def limits(given: Sequence[str]) -> dict[str, int] | None:
    """Of --limit."""
    found: dict[str, int] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--limit {text}: NAME=NUMBER, like nofile=65536")
        if name.lower() not in LIMITS:
            raise UsageError(f"--limit {text}: no limit is called {name}; there are {', '.join(LIMITS)}")
        found[name.lower()] = parse_size(value)
    return found or None


def array(text: str) -> str:
    """As the API takes it."""
    try:
        parse_array(text)
    except UsageError as error:
        raise UsageError(f"--array {text[:80]}: {error.message}") from None
    return text.replace(" ", "")


def after(given: Sequence[str]) -> list[dict[str, Any]] | None:
    """[{"job", "kind"}…] of "ID", "ok:ID", "any:ID", "notok:ID"."""
    found: list[dict[str, Any]] = []
    for text in given:
        before, colon, behind = text.partition(":")
        kind, id = (_KINDS.get(before), behind) if colon else ("ok", before)
        if kind is None or _ID.fullmatch(id.lower()) is None:
            raise UsageError(
                f"--after {text}: a job's id (then it waits for its success), or any:ID, notok:ID, ok:ID"
            )
        found.append({"job": id.lower(), "kind": kind})
    return found or None


def notify(given: Sequence[str]) -> list[str] | None:
    """Of --notify, as the API takes it."""
    try:
        return [wish.entry for wish in wishes(given)] or None
    except UsageError as error:
        raise UsageError(f"--notify: {error.message}") from None


def retry_codes(text: str, retries: int) -> list[int]:
    """Of --retry-on."""
    if retries == 0:
        raise UsageError("--retry-on: how often? Give --retries, too, like --retries 3")
    words = [word.strip() for word in text.split(",")]
    codes = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= len("255")]
    if len(codes) != len(words) or not all(1 <= code <= _GREATEST_CODE for code in codes):
        raise UsageError(f"--retry-on {text}: exit codes from 1 to {_GREATEST_CODE}, like 3,75")
    return codes


def checkpoint(text: str) -> list[str]:
    """Its words, as a shell would part them."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise UsageError(f"--checkpoint {text}: a quotation mark has no end") from None
    if not words:
        raise UsageError("--checkpoint: a command, like './save.sh now'")
    return words


def stop_signal(text: str) -> str:
    """Without SIG."""
    found = text.upper().removeprefix("SIG")
    if found not in SIGNALS:
        raise UsageError(f"--stop-signal {text}: one of {', '.join(SIGNALS)}")
    return found


def mounts(given: Sequence[str]) -> list[str] | None:
    """Of --mount."""
    for text in given:
        if _MOUNT.fullmatch(text) is None:
            raise UsageError(
                f"--mount {text}: whole paths, SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro, like /data:/data:ro"
            )
    return list(given) or None


def setup(given: Sequence[str]) -> list[str] | None:
    """Of --setup."""
    for text in given:
        if not text.strip() or "\n" in text or "\r" in text:
            raise UsageError("--setup: one line of shell each; give --setup again for the next one")
    return list(given) or None
