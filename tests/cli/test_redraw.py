import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.inventories import inventory, workload, write
from tests.cli.own_terminal import ALTERNATE, MAIN, SENTINEL, Screen

from sentinel.cli.local.redraw import frame
from sentinel.core.clock import wall


def environment(folder: Path, term: str = "xterm-256color") -> dict[str, str]:
    return {**os.environ, "TERM": term, "LC_ALL": "C.UTF-8", "SENTINEL_STATE_DIR": str(folder)}


def test_a_frame_overwrites_and_clears_nothing_first() -> None:
    shown = frame(["one", "\x1b[1mtwo\x1b[0m"], (20, 5))
    assert shown == "\x1b[Hone\x1b[K\r\n\x1b[1mtwo\x1b[0m\x1b[K\r\n\x1b[J"
    assert "\x1b[2J" not in shown


def test_a_full_row_keeps_its_last_character() -> None:
    # Erasing to the end of a row whose cursor waits on the last column erases that column.
    assert frame(["12345"], (5, 3)) == "\x1b[H12345\r\n\x1b[J"
    assert frame(["\x1b[1m12345\x1b[0m", "日本x"], (5, 2)) == "\x1b[H\x1b[1m12345\x1b[0m\r\n日本x"


def test_more_lines_than_rows_says_so() -> None:
    shown = frame([str(number) for number in range(30)], (80, 10))
    assert shown.count("\r\n") == 9
    assert "... 21 more lines" in shown


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_watch_draws_in_place_and_leaves_the_terminal_as_it_was(tmp_path: Path, how: signal.Signals) -> None:
    write(tmp_path, inventory(workload(1, name="first")), wall())
    with Screen(environment(tmp_path), "workloads", "--watch", "0.3") as screen:
        screen.shows("first")
        assert ALTERNATE in screen.shown
        write(tmp_path, inventory(workload(1, name="second")), wall())
        screen.shows("second")
        (tmp_path / "inventory.json").unlink()
        screen.shows("no inventory in")
        os.kill(screen.process.pid, how)
        screen.ended(0 if how is signal.SIGINT else 143)
        assert screen.shown.rindex(MAIN) > screen.shown.rindex(ALTERNATE)
        assert screen.shown.rindex("\x1b[?25h") > screen.shown.rindex("\x1b[?25l")


def test_watch_elsewhere_prints_one_table_after_the_other(tmp_path: Path) -> None:
    write(tmp_path, inventory(workload(1)), wall())
    process = subprocess.Popen(
        [SENTINEL, "workloads", "--watch", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    )
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert len(re.findall("^TYPE", out, re.MULTILINE)) >= 2
    assert "\x1b" not in out


def test_colours_on_a_terminal_unless_nobody_wants_them(tmp_path: Path) -> None:
    write(tmp_path, inventory(workload(1)), wall())
    plain = {"NO_COLOR": "1"}
    for more, colours in (({}, True), (plain, False), ({"TERM": "dumb"}, False)):
        with Screen({**environment(tmp_path), **more}, "workloads") as screen:
            screen.shows("trainer")
            screen.ended(0)
            assert ("\x1b[" in screen.shown) is colours


def test_the_guided_walk_waits_on_a_terminal_only(tmp_path: Path) -> None:
    write(tmp_path, inventory(workload(1)), wall())
    with Screen(environment(tmp_path), "workloads", "--guided") as screen:
        screen.shows("[1 of 4] Enter goes on")
        assert "This is the table now" not in screen.shown
        screen.press("\r")
        screen.shows("[2 of 4]")
        screen.press("\x03")
        screen.ended(130)
