import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.inventories import HOSTILE, NOW, event, event_bytes, inventory, write

from sentinel.cli.local.events.command import Told
from sentinel.cli.local.events.files import EventFiles
from sentinel.cli.local.events.lines import Wanted, event_line, since_from, types_from
from sentinel.cli.main import main
from sentinel.core.errors import UsageError
from sentinel.core.event import BECAME_IDLE, DETECTED, EXITED, RECLASSIFIED, Event

SENTINEL = str(Path(sys.executable).with_name("sentinel"))
LOG = "events.jsonl"


def listed(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [SENTINEL, "events", "--json", "--state-dir", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


# ------------------------------------------------------------------ the files


def test_rotated_files_are_read_oldest_first_and_each_event_once(tmp_path: Path) -> None:
    (tmp_path / f"{LOG}.2").write_bytes(event_bytes(event(1), event(2)))
    (tmp_path / f"{LOG}.1").write_bytes(event_bytes(event(3), event(2)))
    (tmp_path / LOG).write_bytes(event_bytes(event(4), event(4)))
    assert listed(tmp_path) == ["event-1", "event-2", "event-3", "event-4"]
    assert listed(tmp_path, "--limit", "2") == ["event-3", "event-4"]
    assert listed(tmp_path, "--limit", "0") == []


def test_following_through_growth_rotation_and_truncation(tmp_path: Path) -> None:
    log = tmp_path / LOG
    told = Told()

    def ids(lines: Iterator[bytes]) -> list[str]:
        return [one.id for one in told.events(lines)]

    with EventFiles(tmp_path) as files:
        assert ids(files.lines()) == []
        assert not files.found
        log.write_bytes(event_bytes(event(1)))
        assert ids(files.lines()) == ["event-1"]
        whole = event_bytes(event(2))
        with log.open("ab") as file:
            file.write(whole[:20])
            file.flush()
            assert ids(files.lines()) == []
            file.write(whole[20:] + event_bytes(event(3)))
        assert ids(files.lines()) == ["event-2", "event-3"]
        # Written just before the rotation, and two rotations between two looks.
        with log.open("ab") as file:
            file.write(event_bytes(event(4)))
        log.rename(tmp_path / f"{LOG}.1")
        log.write_bytes(event_bytes(event(5)))
        (tmp_path / f"{LOG}.1").rename(tmp_path / f"{LOG}.2")
        log.rename(tmp_path / f"{LOG}.1")
        log.write_bytes(event_bytes(event(6)))
        assert ids(files.lines()) == ["event-4", "event-5", "event-6"]
        assert ids(files.lines()) == []
        log.write_bytes(b"")
        assert ids(files.lines()) == []
        log.write_bytes(event_bytes(event(7)))
        assert ids(files.lines()) == ["event-7"]
        log.unlink()
        assert ids(files.lines()) == []
        log.write_bytes(event_bytes(event(8)))
        assert ids(files.lines()) == ["event-8"]


@given(st.lists(st.sampled_from(["write", "rotate", "read", "half"]), max_size=30))
def test_whatever_the_writer_does_nothing_is_lost_or_told_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    written = 0
    pending = b""
    told, seen = Told(), list[str]()
    with EventFiles(folder) as files:
        for step in [*steps, "read"]:
            log = folder / LOG
            if step == "read":
                seen += [one.id for one in told.events(files.lines())]
            elif step == "rotate" and log.exists() and not pending:
                for number in range(40, 0, -1):
                    older = folder / f"{LOG}.{number}"
                    if older.exists():
                        older.rename(folder / f"{LOG}.{number + 1}")
                log.rename(folder / f"{LOG}.1")
            elif step == "write" or (step == "half" and pending):
                with log.open("ab") as file:
                    file.write(pending or event_bytes(event(written)))
                written += 0 if pending else 1
                pending = b""
            elif step == "half":
                whole = event_bytes(event(written))
                written += 1
                with log.open("ab") as file:
                    file.write(whole[:30])
                pending = whole[30:]
    assert seen == [f"event-{n}" for n in range(written - bool(pending))]
    assert told.broken == 0


def test_broken_lines_are_counted_in_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = event_bytes(event(1))
    cut = event_bytes(event(9))[:40]
    (tmp_path / LOG).write_bytes(b'{"half\n\n' + b"\xff\xfe\n" + b"[]\n" + b"[" * 50_000 + b"\n" + good + cut)
    assert main(["events", "--state-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err == "sentinel: 4 lines of the event log could not be read and were left out\n"


def test_a_last_line_without_its_newline_counts_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(event_bytes(event(1), event(2))[:-1])
    assert listed(tmp_path) == ["event-1", "event-2"]


def test_a_line_without_end_takes_no_memory_without_end(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(b"x" * 5_000_000)
    with EventFiles(tmp_path) as files:
        assert list(files.lines()) == []
        assert len(files.unfinished) <= 1024 * 1024


# ------------------------------------------------------------------ which, and how they read


def test_since() -> None:
    assert since_from("1h", NOW) == NOW - 3600
    assert since_from("90", NOW) == NOW - 90
    assert since_from("2026-01-31T14:00:00Z", NOW) == datetime.fromisoformat("2026-01-31T14:00Z").timestamp()
    assert since_from("2026-01-31", NOW) == datetime(2026, 1, 31).timestamp()
    earlier = datetime.fromtimestamp(NOW - 600)
    assert 0 <= NOW - since_from(f"{earlier:%H:%M}", NOW) < 86400
    later = datetime.fromtimestamp(NOW + 3600)
    assert since_from(f"{later:%H:%M}", NOW) <= NOW  # yesterday's
    for nonsense in ("", "tomorrow", "25:00", "-1h", "2026-13-01"):
        with pytest.raises(UsageError, match="is no time"):
            since_from(nonsense, NOW)


def test_types() -> None:
    assert types_from(["detected", EXITED]) == {DETECTED, EXITED}
    with pytest.raises(UsageError, match="detected, exited, reclassified, became-idle, resumed"):
        types_from(["died"])
    wanted = Wanted(since=NOW + 5, types=frozenset({EXITED}))
    assert wanted.takes(event(6, type=EXITED))
    assert not wanted.takes(event(4, type=EXITED))
    assert not wanted.takes(event(6))


def test_a_line_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert event_line(event(time=datetime.fromisoformat("2026-11-23T14:02:11Z").timestamp())) == (
            "2026-11-23 14:02:11  detected      raw-docker        ann         GPU 0     "
            "trainer (a1b2c3d4e5f6)"
        )
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_line_says_what_changed_and_what_is_unknown() -> None:
    changed = event(
        type=RECLASSIFIED,
        data={"from": {"origin": "unknown", "user": None}, "to": {"origin": "slurm", "user": None}},
    )
    assert event_line(changed).endswith(": origin unknown -> slurm")
    assert event_line(event(data={})).count("?") == 4
    several = event(type=BECAME_IDLE, data={"workload": {"gpu_indices": [0, 1, 2, 5], "name": "x"}})
    assert "GPU 0-2,5" in event_line(several)
    assert " -  " in event_line(event(data={"gpus": []}))


@given(
    st.dictionaries(
        st.sampled_from(["origin", "user", "name", "gpu_indices", "workload", "from", "to"]),
        st.one_of(
            st.sampled_from(HOSTILE),
            st.text(),
            st.none(),
            st.lists(st.integers(0, 9)),
            st.just({"a": "\x1b"}),
        ),
    ),
    st.text(max_size=80),
    st.integers(100, 200),
)
def test_lines_are_plain_and_fit(data: dict[str, object], subject: str, width: int) -> None:
    line = event_line(event(data=data, subject=subject), width=width)
    assert line.isprintable()
    assert "\n" not in line


# ------------------------------------------------------------------ the command


def test_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--state-dir", str(tmp_path / "none")]) == 1
    assert "sentinel scan" in capsys.readouterr().err
    write(tmp_path, inventory())
    assert main(["events", "--state-dir", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "sentinel: no events yet\n")


def test_filters(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(event_bytes(event(1), event(2, type=EXITED), event(3, type=EXITED)))
    assert listed(tmp_path, "--type", "exited") == ["event-2", "event-3"]
    since = datetime.fromtimestamp(NOW + 3).isoformat()
    assert listed(tmp_path, "--since", since) == ["event-3"]


@contextmanager
def following(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [SENTINEL, "events", "--follow", "--json", "--state-dir", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_id(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["id"])


def test_follow_tells_what_comes_and_ends_cleanly(tmp_path: Path) -> None:
    log = tmp_path / LOG
    log.write_bytes(event_bytes(*map(event, range(15))))
    with following(tmp_path) as process:
        assert [next_id(process) for _ in range(10)] == [f"event-{n}" for n in range(5, 15)]
        with log.open("ab") as file:
            file.write(event_bytes(event(20)))
        began = time.monotonic()
        assert next_id(process) == "event-20"
        assert time.monotonic() - began < 2
        log.rename(tmp_path / f"{LOG}.1")
        log.write_bytes(event_bytes(event(20), event(21)))
        assert next_id(process) == "event-21"
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (out, err, process.returncode) == ("", "", 0)


def test_follow_waits_for_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    with following(tmp_path, "--type", "detected") as process:
        time.sleep(0.6)
        assert process.poll() is None
        (tmp_path / LOG).write_bytes(event_bytes(event(1, type=EXITED), event(2)))
        assert next_id(process) == "event-2"


def test_a_finding_is_a_line_of_its_own_kind() -> None:
    event = Event(
        id="1",
        source="/nodes/n/health",
        type="sentinel.finding.opened",
        subject="xid-79-GPU-1",
        time=0.0,
        data={
            "finding": {
                "component": "xid",
                "code": "79",
                "severity": "critical",
                "title": "Xid 79: fallen\x1b[2J off the bus",
                "gpu": {"uuid": "GPU-1", "index": 0, "pci_bus_id": None},
            }
        },
    )
    line = event_line(event)
    assert line.split("  ")[1:2] == ["opened"] and "critical" in line and "GPU 0" in line
    assert "fallen" in line and "\x1b" not in line
    assert types_from(["opened"]) == {"sentinel.finding.opened"}
    node = replace(event, data={"finding": {"component": "node", "gpu": None}})
    assert "node" in event_line(node) and "?" in event_line(node)
