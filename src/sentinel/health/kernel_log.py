"""Lines of a kernel log, of whatever tool wrote them, as records: when it was, and what was said.

Called by `sentinel health` for a pasted file and by the agent for /dev/kmsg, before `xid` and `sxid`.

    6,3964,206764307,-;TEXT                                    /dev/kmsg; " KEY=value" lines belong to it
    [131453.740743] TEXT      <6>[  201.650687] TEXT           dmesg, pstore
    [Sat Oct 12 18:35:32 2024] TEXT                            dmesg -T
    kern  :warn  : 2025-01-21T04:41:44,283302+00:00 TEXT       dmesg --decode --time-format iso
    Feb 01 14:25:31 HOST kernel: TEXT                          journalctl, syslog
    2024-10-12T18:35:32+0200 HOST kernel: TEXT                 journalctl -o short-iso
    TEXT                                                       anything else: no time is known

A syslog line with a kernel stamp behind it ("… kernel: [94558.087626] TEXT") gives both times.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

LONGEST = 16 * 1024
"""Bytes of a line that are read; the rest of it is not looked at."""

TELLING = (b"Xid", b"GPU at PCI")
"""What a line must contain for `xid` or `sxid` to care; a driver may leave out the others unread."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = "|".join(_MONTHS)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_KMSG = re.compile(r"(\d{1,4}),(\d{1,20}),(\d{1,18}),[^;]{0,64};", re.ASCII)
_ESCAPE = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_LEVEL = re.compile(r"<\d{1,3}>|[a-z0-9]{2,8} *:[a-z]{2,7} *: ?", re.ASCII)
_BOOT = re.compile(r"\[ *(\d{1,12}\.\d{1,9})\](?:\[ *[CT]\d+\])? ?", re.ASCII)
_CTIME = re.compile(rf"\[[A-Z][a-z]{{2}} ({_MONTH}) +(\d\d?) (\d\d):(\d\d):(\d\d) (\d{{4}})\] ?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?(?=\s|$) ?", re.ASCII
)
_SYSLOG = re.compile(rf"(?:<\d{{1,3}}>)?({_MONTH}) +(\d\d?) (\d\d):(\d\d):(\d\d)(?:\.\d{{1,9}})? ", re.ASCII)
_TAG = re.compile(r"(?:[^\s\[\]:(]{1,255} )?kernel(?:\[\d+\])?: ?", re.ASCII)
_LATE_STAMP = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One message. `at`: epoch seconds; `since_boot`: the kernel's own clock. What is not known is None."""

    text: str
    at: float | None = None
    since_boot: float | None = None


def records(
    lines: Iterable[bytes | str], *, now: float | None = None, zone: tzinfo = UTC
) -> Iterator[LogRecord]:
    """`lines` as records, one by one; never raises, whatever they hold. Empty lines are left out.

    Times that name no offset are taken to be in `zone`, the logging machine's. Syslog leaves out the year: it
    is the last one that does not lie after `now` (epoch seconds; without it such times are unknown).
    """
    kmsg = False
    for line in lines:
        text = _text(line)
        if kmsg and text.startswith(" ") and "=" in text:
            continue  # SUBSYSTEM=…, DEVICE=… of the record before
        if not text.strip():
            continue
        found = _of_kmsg(text)
        kmsg = found is not None
        yield found or _record(text, now, zone)


def _text(line: bytes | str) -> str:
    cut = len(line) > LONGEST
    line = line[:LONGEST]
    text = line.decode("utf-8", errors="replace") if isinstance(line, bytes) else line
    if cut:  # half a number must not be read as a whole one
        text = text.rpartition(" ")[0]
    text = text.rstrip("\r\n")
    return _COLOUR.sub("", text) if "\x1b" in text else text


def _of_kmsg(text: str) -> LogRecord | None:
    head = _KMSG.match(text)
    if head is None:
        return None
    said = _ESCAPE.sub(_unescaped, text[head.end() :])
    return LogRecord(text=said, since_boot=int(head[3]) / 1e6)


def _unescaped(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", errors="replace")


def _record(text: str, now: float | None, zone: tzinfo) -> LogRecord:
    at: float | None = None
    if head := _LEVEL.match(text):
        text = text[head.end() :] if not _SYSLOG.match(text) else text
    for stamp, read in ((_CTIME, _ctime), (_ISO, _iso)):
        if head := stamp.match(text):
            at, text = read(head, zone), text[head.end() :]
            break
    else:
        if head := _SYSLOG.match(text):
            at, text = _syslog(head, now, zone), text[head.end() :]
    since_boot: float | None = None
    # With `journalctl -o short-monotonic` the stamp comes before host and tag, else behind them.
    for _ in range(2):
        if since_boot is None and (head := _BOOT.match(text)):
            since_boot, text = float(head[1]), text[head.end() :]
        if head := _TAG.match(text):
            text = text[head.end() :]
    return LogRecord(text=text, at=at, since_boot=since_boot)


def _ctime(head: re.Match[str], zone: tzinfo) -> float | None:
    month, day, hour, minute, second, year = head.groups()
    return _epoch(zone, int(year), month, int(day), int(hour), int(minute), int(second))


def _iso(head: re.Match[str], zone: tzinfo) -> float | None:
    day, time, fraction, offset = head.groups()
    try:
        found = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{offset or ''}")
        return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None


def _syslog(head: re.Match[str], now: float | None, zone: tzinfo) -> float | None:
    if now is None:
        return None
    month, *rest = head.groups()
    day, hour, minute, second = map(int, rest)
    try:
        latest = datetime.fromtimestamp(now, zone) + _LATE_STAMP
    except (ValueError, OverflowError, OSError):
        return None
    # 29 February may lie some years back.
    for year in range(latest.year, latest.year - 9, -1):
        found = _epoch(zone, year, month, day, hour, minute, second)
        if found is not None and found <= latest.timestamp():
            return found
    return None


def _epoch(
    zone: tzinfo, year: int, month: str, day: int, hour: int, minute: int, second: int
) -> float | None:
    try:
        # A leap second is shown as 60.
        found = datetime(
            year, _MONTHS.index(month) + 1, day, hour, minute, min(second, 59), tzinfo=zone
        ).timestamp()
    except (ValueError, OverflowError):
        return None
    return found
