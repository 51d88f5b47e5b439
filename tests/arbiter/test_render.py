"""sentinel-status for people: fits the terminal, says what is unknown, and shows nobody's escapes."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.arbiter.a_status import GIB, status

from sentinel.arbiter.status import render


def text(width: int = 200, **changes: Any) -> str:
    return "\n".join(render(status(**changes), width=width))


def visible(line: str) -> str:
    return re.sub(r"\x1b\[\d*m", "", line)


def test_everything_is_there() -> None:
    shown = text()
    assert shown.startswith("RESEARCH  lease L3-ab12 of alice (python train.py)\n")
    assert re.search(r"^0 +NVIDIA H100 80GB HBM3 +19\.5 GiB / 80 GiB +90 % +65 °C +L3-ab12$", shown, re.M)
    assert re.search(r"^  chat +paused \(stop\), freed 20 GiB in 1 s, GPU 0: lease L3-ab12", shown, re.M)
    assert "L3-ab12        alice, pid 4242, GPU 0, for 3 min 20 s: python train.py" in shown
    assert "bob, pid 4343, for 12 s: waits for GPU 0, held by lease L3-ab12 of alice" in shown
    assert "GPU 0: miner of eve, pid 99, unknown" in shown


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, colour: bool) -> None:
    long = status(
        why="x" * 300,
        gpus__0__name="y" * 300,
        services__0__why="z" * 300,
        leases__0__command="c" * 300,
        queue__0__why="q" * 300,
    )
    lines = render(long, width=width, colour=colour)
    assert max(len(visible(line)) for line in lines) <= width
    assert sum(line.endswith(("…", "…\x1b[0m")) for line in lines) >= 4


def test_a_line_that_just_fits_is_left_whole() -> None:
    exact = status(why="w" * (80 - len("RESEARCH  ")))
    for colour in (False, True):
        assert visible(render(exact, width=80, colour=colour)[0]).endswith("w"), colour


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b" not in text()
    assert any("\x1b[33mRESEARCH\x1b[0m" in line for line in render(status(), colour=True))


def test_every_colour_is_ended_however_short_the_line() -> None:
    for width in range(1, 60):
        for line in render(
            status(watchdog__state="unknown", watchdog__why="x" * 99), colour=True, width=width
        ):
            assert "\x1b" not in line or line.rstrip("…").endswith("\x1b[0m") or "\x1b[0m" in line, (
                width,
                line,
            )


UNKNOWN = {
    "gpus__0__memory_used_bytes": None,
    "gpus__0__memory_total_bytes": None,
    "gpus__0__name": None,
    "gpus__0__utilization_percent": None,
    "gpus__0__temperature_celsius": None,
    "gpus__0__known": False,
    "watchdog__state": "unknown",
    "watchdog__since": "2026-01-31T11:59:00.000Z",
    "watchdog__why": "nvidia-smi did not answer within 15 s",
}


def test_unknown_is_shown_as_unknown_and_never_as_zero() -> None:
    shown = text(**UNKNOWN)
    assert "GPU readings are unknown since 2026-01-31T11:59:00.000Z: nvidia-smi did not answer" in shown
    line = next(line for line in shown.splitlines() if line.startswith("0 "))
    assert "unknown / unknown" in line
    assert line.count("?") == 2
    assert not re.search(r"\b0 (B|%|°C)", shown)


def test_unknown_since_the_start_has_no_since() -> None:
    assert "GPU readings are unknown: not read yet" in text(
        watchdog__state="unknown", watchdog__why="not read yet", gpus=[]
    )
    assert "no GPU is known yet" in text(gpus=[])


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"gpus__0__cordon": {"by": "root", "reason": "ECC", "since": "x"}}, "cordoned by root: ECC"),
        ({"gpus__0__error": "GPU is lost"}, "GPU is lost"),
        ({"gpus__0__leases": []}, "°C  -"),
        ({"arbiter__config_error": "c.toml:3: bad"}, "the old config is in force: c.toml:3: bad"),
        ({"arbiter__state_file_error": "cannot write x: No space left"}, "cannot write x: No space left"),
        ({"leases__0__sharing": "slice", "leases__0__memory_bytes": 20 * GIB}, "GPU 0 slice 20 GiB, for"),
        ({"leases__0__command": ""}, "for 3 min 20 s: thesis"),
        (
            {"leases__0__survivors": [{"pid": 5, "name": "worker"}]},
            "it ended, still running: worker (pid 5)",
        ),
        ({"services__0__gpu_indices": []}, ", no known GPU: "),
        ({"services__0__freed_bytes": None}, "paused (stop), GPU 0: lease"),
    ],
)
def test_what_else_is_worth_saying(changes: dict[str, Any], shown: str) -> None:
    assert shown in text(**changes)


@pytest.mark.parametrize(
    ("state", "rung", "why", "shown"),
    [
        ("unknown", None, "not seen yet", "unknown, GPU 0: not seen yet"),
        ("running", None, "", "running, GPU 0\n"),
        ("pausing", "stop", "lease L1 of bob", "pausing (stop), GPU 0: lease L1 of bob"),
        ("paused", "sleep", "lease L1 of bob", "paused (sleep), GPU 0: lease L1 of bob"),
        ("resuming", None, "starting for 2 s", "resuming, GPU 0: starting for 2 s"),
        ("failed", None, "exit status 3 (tried 2 times)", "failed, GPU 0: exit status 3 (tried 2 times)"),
        ("stopped", None, "by someone else", "stopped, GPU 0: by someone else"),
    ],
)
def test_a_line_for_each_state_of_a_service(state: str, rung: str | None, why: str, shown: str) -> None:
    changes = {"services__0__state": state, "services__0__rung": rung, "services__0__why": why}
    assert shown in text(**changes, services__0__freed_bytes=None)


EVIL = "\x1b]0;title\x07\x1b[2J\r\n\tm\u202e\u0000x"
TEXTS = [
    "why",
    "gpus__0__name",
    "gpus__0__error",
    "services__0__why",
    "services__0__name",
    "leases__0__command",
    "leases__0__user",
    "queue__0__why",
    "queue__0__user",
    "watchdog__foreign__0__name",
    "arbiter__config_error",
    "arbiter__state_file_error",
]


@pytest.mark.parametrize("place", TEXTS)
def test_no_text_reaches_the_terminal_as_anything_but_text(place: str) -> None:
    """A service's last log line, a GPU's name, an error of the driver: whoever wrote it."""
    for colour in (False, True):
        for line in render(status(**{place: EVIL}), width=80, colour=colour):
            assert visible(line).isprintable() or not visible(line), (place, line)
            assert len(visible(line)) <= 80


@given(st.sampled_from(TEXTS), st.text(max_size=120), st.integers(2, 100))
def test_any_text_in_any_width(place: str, value: str, width: int) -> None:
    for line in render(status(**{place: value}), width=width):
        assert len(line) <= width
        assert line.isprintable() or not line
