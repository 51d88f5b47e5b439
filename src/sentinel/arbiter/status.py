"""sentinel-status: who has the GPUs of this machine, and why. Any user's, changes nothing."""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Any, cast

from sentinel import __version__
from sentinel.core.arbiter_client import Channel
from sentinel.core.errors import SentinelError
from sentinel.core.units import show_duration, show_size

Status = dict[str, Any]

_COLOURS = {"IDLE": "32", "RESEARCH": "33", "RESUMING": "36", "bad": "31", "dim": "2", "bold": "1"}
_CLEAR = "\x1b[H\x1b[2J"


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 when the arbiter answered, 69 when there is none."""
    options = _parser().parse_args(arguments)
    try:
        for number, status in enumerate(_statuses(options.watch)):
            _show(status, options, first=number == 0)
        return 0
    except SentinelError as error:
        print(f"sentinel-status: {error.message}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0 if options.watch else 130
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has seen enough
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentinel-status",
        description="Says who has the GPUs of this machine, since when, why, who waits for what, and what"
        " was paused for it.",
        epilog="States: IDLE (inference runs), RESEARCH (inference is paused), RESUMING (it comes back)."
        " Exit 69: no arbiter answers.",
    )
    parser.add_argument("--json", action="store_true", help="the whole status as JSON, for programs")
    parser.add_argument("--watch", action="store_true", help="keep showing it as it changes (Ctrl-C ends)")
    parser.add_argument("--version", action="version", version=f"sentinel {__version__}")
    return parser


def _statuses(watch: bool) -> Iterator[Status]:
    channel = Channel()
    yield channel.ask({"cmd": "watch" if watch else "status"})["status"]
    while watch:
        yield channel.receive()["status"]


def _show(status: Status, options: argparse.Namespace, *, first: bool) -> None:
    terminal = sys.stdout.isatty()
    if options.json:
        print(json.dumps(status, indent=None if options.watch else 2), flush=True)
        return
    width = shutil.get_terminal_size((80, 24)).columns if terminal else 200
    text = "\n".join(render(status, colour=terminal, width=width))
    if options.watch and terminal:
        text = _CLEAR + text
    elif not first:
        text = "\n" + text
    print(text, flush=True)


def render(status: Status, *, colour: bool = False, width: int = 80) -> list[str]:
    """The status as lines of text no wider than `width`."""
    status, paint = _clean(status), _Paint(colour)
    lines = [f"{paint(status['state'], status['state'])}  {status['why']}"]
    lines += [paint("bad", trouble) for trouble in troubles(status)]
    lines += ["", *_gpus(status)]
    for title, rows in sections(status):
        lines += ["", paint("bold", title), *(f"  {row}" for row in rows)]
    return [_cut(line, width) for line in lines]


def sections(status: Status) -> Iterator[tuple[str, list[str]]]:
    """What there is beside the GPUs: titles with their lines, those with none left out."""
    for title, rows in (
        ("SERVICES", _services(status)),
        ("LEASES", _leases(status)),
        ("WAITING", _queue(status)),
        ("WITHOUT A LEASE", _foreign(status)),
    ):
        if lines := list(rows):
            yield title, lines


class _Paint:
    """Colours where there is a terminal to show them."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, kind: str, text: str) -> str:
        code = _COLOURS.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if self._on and code else text


def troubles(status: Status) -> Iterator[str]:
    """What is wrong with the arbiter itself, or with what it can see."""
    watchdog, arbiter = status["watchdog"], status["arbiter"]
    if watchdog["state"] == "unknown":
        since = f" since {watchdog['since']}" if watchdog["since"] else ""
        yield f"GPU readings are unknown{since}: {watchdog['why']}"
    if arbiter["state_file_error"]:
        yield arbiter["state_file_error"]
    if arbiter["config_error"]:
        yield f"the old config is in force: {arbiter['config_error']}"


def _gpus(status: Status) -> Iterator[str]:
    if not status["gpus"]:
        yield "no GPU is known yet"
        return
    yield f"{'GPU':<4}{'NAME':<26}{'MEMORY USED':>20}{'UTIL':>7}{'TEMP':>7}  LEASES"
    for g in status["gpus"]:
        used = show_size(g["memory_used_bytes"]) if g["memory_used_bytes"] is not None else "unknown"
        total = show_size(g["memory_total_bytes"]) if g["memory_total_bytes"] is not None else "unknown"
        who = ", ".join(g["leases"]) or "-"
        if g["cordon"]:
            who += f"  cordoned by {g['cordon']['by']}: {g['cordon']['reason']}"
        if g["error"]:
            who += f"  {g['error']}"
        name = (g["name"] or "unknown")[:25]
        util, temperature = _number(g["utilization_percent"], "%"), _number(g["temperature_celsius"], "°C")
        yield f"{g['index']:<4}{name:<26}{used + ' / ' + total:>20}{util:>7}{temperature:>7}  {who}"


def _services(status: Status) -> Iterator[str]:
    for s in status["services"]:
        how = f" ({s['rung']})" if s["rung"] else ""
        freed = ""
        if s["state"] == "paused" and s["freed_bytes"] is not None:
            freed = f", freed {show_size(s['freed_bytes'])} in {show_duration(s['took_seconds'])}"
        why = f": {s['why']}" if s["why"] else ""
        yield f"{s['name']:<12} {s['state']}{how}{freed}, {_on(s['gpu_indices'])}{why}"


def _leases(status: Status) -> Iterator[str]:
    for le in status["leases"]:
        share = "" if le["sharing"] == "shared" else f" {le['sharing']}"
        memory = f" {show_size(le['memory_bytes'])}" if le["memory_bytes"] else ""
        since = show_duration(le["held_seconds"])
        line = f"{le['id']:<14} {le['user']}, pid {le['pid']}, {_on(le['gpu_indices'])}{share}{memory}"
        left = ", ".join(f"{s['name']} (pid {s['pid']})" for s in le["survivors"])
        ended = f"; it ended, still running: {left}" if left else ""
        marks = "".join(
            text
            for text, at in (
                (", unused since ", le["idle_since"]),
                (", until ", le["expires_at"]),
                (", ending since ", le["ending_since"]),
            )
            if at
            for text in (f"{text}{at[11:19]} UTC",)
        )
        yield f"{line}, for {since}{marks}: {le['command'] or le['holder']}{ended}"


def _queue(status: Status) -> Iterator[str]:
    for q in status["queue"]:
        waited = show_duration(q["waited_seconds"])
        yield f"{q['user']}, pid {q['pid']}, for {waited}: waits for {q['why']}"


def _foreign(status: Status) -> Iterator[str]:
    for p in status["watchdog"]["foreign"]:
        held = show_size(p["memory_bytes"])
        yield f"GPU {p['gpu_index']}: {p['name']} of {p['user']}, pid {p['pid']}, {held}"


def _on(indices: list[int]) -> str:
    return "GPU " + ",".join(map(str, indices)) if indices else "no known GPU"


def _number(value: float | None, unit: str) -> str:
    return "?" if value is None else f"{value:.0f} {unit}"


def _clean(value: Any) -> Any:
    """The same without anything that a terminal would obey: it comes from logs, drivers and users."""
    match value:
        case str():
            return value if value.isprintable() else "".join(c if c.isprintable() else "?" for c in value)
        case dict():
            return {key: _clean(inner) for key, inner in cast("dict[str, Any]", value).items()}
        case list():
            return [_clean(inner) for inner in cast("list[Any]", value)]
        case _:
            return value


_ESCAPE = re.compile("\x1b\\[[0-9]*m")


def _cut(line: str, width: int) -> str:
    """At most `width` visible characters; escapes are ours and cost no width."""
    if len(_ESCAPE.sub("", line)) <= width:
        return line
    visible = 0
    out: list[str] = []
    inside = False
    for c in line:
        if c == "\x1b":
            inside = True
        if not inside:
            visible += 1
            if visible == width:
                return "".join(out) + "…" + ("\x1b[0m" if "\x1b" in line else "")
        out.append(c)
        if inside and c == "m":
            inside = False
    return "".join(out)


if __name__ == "__main__":
    sys.exit(main())
