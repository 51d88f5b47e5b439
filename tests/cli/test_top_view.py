from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.inventories import GIB, HOSTILE, NOW

from sentinel.cli.local.top.as_json import look_json
from sentinel.cli.local.top.look import Look, ProcessRow
from sentinel.cli.local.top.processes import filtered, in_order
from sentinel.cli.local.top.spans import Style, bar, clipped, line, line_text, line_width
from sentinel.cli.local.top.state import INTERVALS, Panel, SortBy, TopState, pressed
from sentinel.cli.local.top.view import HELP, Found, Moment, screen_lines
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind, unnamed
from sentinel.core.gpu_sensors import GpuSensors, ThrottleReason
from sentinel.core.workload import Origin

START = TopState()
AT = Moment(now=1000.0, started=990.0)
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


def gpu(index: int = 0, **changes: Any) -> Gpu:
    known: dict[str, Any] = {
        "uuid": f"GPU-{index}",
        "name": "NVIDIA H100 80GB HBM3",
        "memory_total_bytes": 80 * GIB,
        "memory_used_bytes": 40 * GIB,
        "utilization_percent": 67.0,
        "temperature_celsius": 65.0,
        "power_watts": 280.0,
        "power_limit_watts": 700.0,
        "processes": (),
        "sensors": GpuSensors(sm_clock_hertz=1.98e9, throttle_reasons=frozenset()),
    }
    return Gpu(index=index, **(known | changes))


def row(pid: int = 1, **changes: Any) -> ProcessRow:
    known: dict[str, Any] = {
        "gpu_index": 0,
        "gpu_uuid": "GPU-0",
        "kind": ProcessKind.COMPUTE,
        "user": "ann",
        "origin": Origin.DOCKER,
        "name": "trainer",
        "process_name": "python",
        "gpu_memory_bytes": 12 * GIB,
        "sm_percent": 50.0,
        "cpu_percent": 99.0,
        "memory_bytes": 3 * GIB,
        "started_at": NOW - 7200,
    }
    return ProcessRow(pid=pid, **(known | changes))


def look(gpus: tuple[Gpu, ...] = (gpu(),), rows: tuple[ProcessRow, ...] = (), **changes: Any) -> Look:
    reading = GpuReading(source="nvml", gpus=gpus, driver_version="590.48")
    return Look(node="box", reading=reading, rows=rows, read_at=AT.now, wall=NOW, **changes)


def screen(
    found: Look | None, state: TopState = START, width: int = 80, height: int | None = 24
) -> list[str]:
    return [line_text(one) for one in screen_lines(Found(look=found), state, AT, width, height)]


ROWS = st.lists(
    st.builds(
        ProcessRow,
        gpu_index=st.integers(0, 9),
        gpu_uuid=st.just("GPU-0"),
        pid=st.integers(1, 2**22),
        kind=st.sampled_from(ProcessKind),
        mig_index=st.none() | st.integers(0, 6),
        user=st.none() | TEXT,
        origin=st.none() | st.sampled_from(Origin),
        name=st.none() | TEXT,
        process_name=st.none() | TEXT,
        gpu_memory_bytes=st.none() | st.integers(0, 2**40),
        sm_percent=st.none() | st.floats(0, 100),
        cpu_percent=st.none() | st.floats(0, 1e5),
        memory_bytes=st.none() | st.integers(0, 2**45),
        started_at=st.none() | st.floats(0, NOW),
    ),
    max_size=12,
)
GPUS = st.lists(
    st.builds(
        gpu,
        st.integers(0, 99),
        name=st.none() | TEXT,
        memory_total_bytes=st.none() | st.integers(0, 2**40),
        memory_used_bytes=st.none() | st.integers(0, 2**40),
        utilization_percent=st.none() | st.floats(0, 200),
        temperature_celsius=st.none() | st.floats(-50, 200),
        power_watts=st.none() | st.floats(0, 5000),
        error=st.none() | TEXT,
        sensors=st.none()
        | st.builds(
            GpuSensors,
            sm_clock_hertz=st.none() | st.floats(0, 1e10),
            throttle_reasons=st.none() | st.frozensets(st.sampled_from(ThrottleReason)),
        ),
        processes=st.none() | st.just(()),
        mig_devices=st.just(()) | st.just((MigDevice(index=0, uuid=None, name="3g.40gb\x1b"),)),
    ),
    max_size=20,
)
STATES = st.builds(
    TopState,
    sort=st.sampled_from(SortBy),
    reverse=st.booleans(),
    filter=st.just("") | TEXT,
    typing=st.none() | TEXT,
    panel=st.sampled_from(Panel),
    processes=st.booleans(),
    grouped=st.booleans(),
    help=st.booleans(),
    paused=st.booleans(),
    interval=st.sampled_from(INTERVALS),
    first=st.integers(0, 30),
)


@settings(max_examples=150)
@given(
    GPUS, ROWS, STATES, st.integers(1, 300), st.none() | st.integers(1, 100),
    st.none() | TEXT, st.booleans(), st.lists(TEXT, max_size=2),
)  # fmt: skip
def test_any_screen_fits_and_is_plain(
    gpus: list[Gpu],
    rows: list[ProcessRow],
    state: TopState,
    width: int,
    height: int | None,
    trouble: str | None,
    empty: bool,
    notes: list[str],
) -> None:
    found = Found(look=None if empty else look(tuple(gpus), tuple(rows), notes=tuple(notes)), trouble=trouble)
    lines = screen_lines(found, state, replace(AT, now=AT.now + 5), width, height)
    assert height is None or len(lines) <= height
    for one in lines:
        assert line_width(one) <= width
        assert line_text(one).isprintable()


def test_the_screen_at_80_by_24() -> None:
    shown = screen(look((gpu(0), gpu(1)), (row(5), row(6, gpu_index=1))))
    assert len(shown) == 24
    assert shown[0].startswith("sentinel top")
    assert shown[1].split() == ["GPU", "UTIL", "MEMORY", "TEMP", "POWER", "SM", "CLOCK"]
    assert "67 %" in shown[2]
    assert "40.0/80.0 GiB" in shown[2]
    assert shown[2].endswith("65 C  280/700 W  1980 MHz")
    assert "NVIDIA H100 80GB HBM3" in shown[3]
    heading = shown.index(next(one for one in shown if one.startswith("GPU    PID") or "PID" in one))
    assert shown[heading + 1].split() == "0 5 ann docker 12 GiB 50 99 3 GiB 2 h trainer".split()
    assert shown[-1].startswith("q quit")


def test_unknown_is_never_a_number() -> None:
    empty = Gpu(index=0, uuid=unnamed(0))
    blank = ProcessRow(gpu_index=0, gpu_uuid=unnamed(0), pid=7, kind=ProcessKind.UNKNOWN)
    shown = screen(look((empty,), (blank,)))
    assert not any(char.isdigit() for char in shown[2][1:])
    assert shown[2].count("?") >= 6
    (process,) = [one for one in shown if one.startswith("0") and " 7 " in one]
    assert process.split() == ["0", "7", "?", "?", "?", "?", "?", "?", "?", "?"]
    assert "processes unknown: the list of 1 of 1 GPUs could not be read" in "\n".join(screen(look((empty,))))
    assert "no process uses a GPU" in "\n".join(screen(look((gpu(),))))


def test_what_is_wrong_is_said() -> None:
    hot = GpuSensors(
        throttle_reasons=frozenset({ThrottleReason.GPU_IDLE, ThrottleReason.HW_THERMAL_SLOWDOWN})
    )
    shown = "\n".join(screen(look((gpu(0, sensors=hot), gpu(1, error="GPU is lost\x1b[1m")))))
    assert "! slowed down: heat (hardware)" in shown
    assert "! GPU is lost?[1m" in shown
    idle = GpuSensors(throttle_reasons=frozenset({ThrottleReason.GPU_IDLE}))
    assert "slowed down" not in "\n".join(screen(look((gpu(0, sensors=idle),))))


@pytest.mark.parametrize(
    ("later", "trouble", "words"),
    [
        (1.0, None, None),
        (30.0, None, "! GPU reading is 30 s old: the driver has not answered since"),
        (3.0, "NVML: GPU is lost", "! GPU reading is 3 s old: NVML: GPU is lost"),
    ],
)
def test_an_old_reading_says_so(later: float, trouble: str | None, words: str | None) -> None:
    at = replace(AT, now=AT.now + later)
    lines = screen_lines(Found(look=look(), trouble=trouble), TopState(), at, 80, 24)
    warnings = [line_text(one) for one in lines if any(span.style is Style.WARN for span in one)]
    assert warnings == ([] if words is None else [words])


def test_before_the_first_reading() -> None:
    assert "! waiting for the first reading of the GPUs (10 s)" in screen(None)


def test_many_gpus_leave_room_for_processes() -> None:
    shown = screen(look(tuple(map(gpu, range(16))), tuple(map(row, range(1, 9)))))
    assert any("more GPUs" in one for one in shown)
    assert sum("trainer" in one for one in shown) >= 4
    every = screen(look(tuple(map(gpu, range(16)))), TopState(processes=False))
    assert not any("more GPU" in one for one in every)


def test_the_list_scrolls() -> None:
    rows = tuple(row(pid, gpu_memory_bytes=pid) for pid in range(100, 160))
    shown = "\n".join(screen(look(rows=rows)))
    assert " 159 " in shown
    assert "more below" in shown
    state = TopState()
    for _ in range(200):
        state = pressed(state, "DOWN", len(rows))
    shown = "\n".join(screen(look(rows=rows), state))
    assert " 100 " in shown
    assert " 0 below" in shown


def test_help_fits_80_by_24() -> None:
    assert max(map(len, HELP.splitlines())) <= 80
    assert len(HELP.splitlines()) <= 22
    assert "page, home, end too" in "\n".join(screen(look(), TopState(help=True)))


def test_grouped_by_user() -> None:
    rows = (
        row(1, gpu_memory_bytes=GIB),
        row(1, gpu_index=1, gpu_memory_bytes=GIB),
        row(2, user="bob", gpu_memory_bytes=None, cpu_percent=None),
        row(3, user=None),
    )
    shown = screen(look(rows=rows), TopState(grouped=True))
    place = next(number for number, one in enumerate(shown) if one.startswith("USER"))
    assert [one.split() for one in shown[place + 1 : place + 4]] == [
        ["ann", "1", "0-1", "2", "GiB", "100", "99", "3", "GiB"],
        ["bob", "1", "0", "?", "50", "?", "3", "GiB"],
        ["?", "1", "0", "12", "GiB", "50", "99", "3", "GiB"],
    ]


# ------------------------------------------------------------------ sorting, filtering, keys


@given(ROWS, st.sampled_from(SortBy), st.booleans())
def test_sorting_loses_nothing_and_puts_unknown_last(
    rows: list[ProcessRow], by: SortBy, reverse: bool
) -> None:
    found = in_order(rows, by, reverse=reverse)
    assert sorted(map(id, found)) == sorted(map(id, rows))
    if by is SortBy.GPU_MEMORY:
        known = [one.gpu_memory_bytes for one in found if one.gpu_memory_bytes is not None]
        assert [one.gpu_memory_bytes for one in found][: len(known)] == known
        assert known == sorted(known, reverse=not reverse)


def test_the_oldest_first() -> None:
    rows = [row(1, started_at=NOW), row(2, started_at=NOW - 9), row(3, started_at=None)]
    assert [one.pid for one in in_order(rows, SortBy.AGE, reverse=False)] == [2, 1, 3]


def test_filter() -> None:
    rows = [row(1), row(22, user="Bob"), row(3, name="日本"), row(4, origin=Origin.SLURM)]
    pids = {
        text: [one.pid for one in filtered(rows, text)] for text in ("BOB", "日", "slurm", "22", "raw-d", " ")
    }
    assert pids == {"BOB": [22], "日": [3], "slurm": [4], "22": [22], "raw-d": [1, 22, 3], " ": [1, 22, 3, 4]}


def after(*keys: str, rows: int = 50) -> TopState:
    state = TopState()
    for key in keys:
        state = pressed(state, key, rows)
    return state


def test_keys() -> None:
    assert after("q").ended
    assert after("h").help
    assert not after("?", "h").help
    assert after("s").sort is after("RIGHT").sort is SortBy.SM
    assert after("LEFT").sort is SortBy.TYPE
    assert after(*["s"] * len(SortBy)).sort is SortBy.GPU_MEMORY
    assert after("r").reverse
    assert after("g").panel is Panel.BRIEF
    assert after("g", "g", "g").panel is Panel.DETAIL
    assert not after("p").processes
    assert after("u").grouped
    assert after(" ").paused
    assert not after(" ", " ").paused
    assert after("+").interval == 2.0
    assert after(*["-"] * 20).interval == INTERVALS[0]
    assert after(*["+"] * 20).interval == INTERVALS[-1]
    assert after("UP").first == 0
    assert after("END").first == 49
    assert after("END", rows=0).first == 0
    assert after("x", "", "\x00") == TopState()


def test_typing_a_filter() -> None:
    assert after("/", "q", "日", "x", "BACKSPACE", "ENTER").filter == "q日"
    typing = after("/", "a")
    assert (typing.typing, typing.filter) == ("a", "")
    assert "filter: a_" in screen(look(), typing)[-1]
    assert after("/", "a", "ESC") == TopState()
    assert after("/", "a", "ENTER", "ESC").filter == ""
    assert after("/", "a", "CTRL_U", "b", "LEFT", "ENTER").filter == "b"
    assert len(after("/", *["x"] * 100).typing or "") == 60


@given(
    STATES, st.lists(st.sampled_from([*"qh?sSr/gpu +-x", "ENTER", "ESC", "UP", "DOWN", "END", "BACKSPACE"]))
)
def test_any_keys_leave_a_state_that_can_be_drawn(state: TopState, keys: list[str]) -> None:
    for key in keys:
        state = pressed(state, key, 3)
    assert len(screen(look(rows=(row(),)), state)) == 24


# ------------------------------------------------------------------ parts


def test_bars() -> None:
    text = {share: line_text(bar(share, 12, Style.UTIL)) for share in (None, 0.0, 0.001, 0.5, 1.0, 7.0)}
    assert text[None].count("?") == 1
    assert text[0.0] == "[          ]"
    assert text[0.001] == "[|         ]"
    assert text[0.5] == "[|||||     ]"
    assert text[1.0] == text[7.0] == "[||||||||||]"
    assert bar(0.5, 2, Style.UTIL) == ()


def test_clipping_never_splits_a_wide_character() -> None:
    assert line_text(clipped(line("a日本", "b"), 4)) == "a日"
    assert line_text(clipped(line("a日本", "b"), 6)) == "a日本b"


def test_json() -> None:
    found = look_json(
        look((gpu(0, processes=(GpuProcess(pid=1, kind=ProcessKind.COMPUTE),)),), (row(1, started_at=None),))
    )
    assert found["node"] == "box"
    assert found["gpus"][0]["uuid"] == "GPU-0"
    (process,) = found["processes"]
    assert (process["pid"], process["user"], process["origin"]) == (1, "ann", "raw-docker")
    assert (process["started_at"], process["sm_percent"]) == (None, 50.0)
