"""The log of events: nothing twice, nothing lost, whatever the last writer left behind."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import SentinelError
from sentinel.core.event import DETECTED, Event, event_from, event_json
from sentinel.inventory.eventlog import EventLog


def event(number: int, size: int = 0) -> Event:
    return Event(
        id=f"id-{number}",
        source="/nodes/here/inventory",
        type=DETECTED,
        subject=f"workload-{number}",
        time=1000.0 + number,
        data={"padding": "x" * size},
    )


def ids(folder: Path) -> list[str]:
    """Of all files, oldest first, broken lines left out."""
    found: list[str] = []
    files = sorted(folder.glob("events.jsonl.*"), key=lambda path: -int(path.suffix[1:]))
    for path in [*files, folder / "events.jsonl"]:
        for line in path.read_bytes().splitlines() if path.exists() else []:
            try:
                found.append(json.loads(line)["id"])
            except ValueError:
                continue
    return found


def test_an_event_is_one_line_and_comes_back_the_same(tmp_path: Path) -> None:
    EventLog(folder=tmp_path).append([event(1)])
    (line,) = (tmp_path / "events.jsonl").read_text().splitlines()
    assert event_from(json.loads(line)) == event(1)
    assert json.loads(line)["specversion"] == "1.0"


def test_what_got_there_is_not_told_again(tmp_path: Path) -> None:
    log = EventLog(folder=tmp_path)
    log.append([event(1), event(2)])
    log.recover([event(1), event(2), event(3)])
    log.recover([event(1), event(2), event(3)])
    assert ids(tmp_path) == ["id-1", "id-2", "id-3"]


def test_a_line_cut_off_is_left_behind_and_its_event_told_whole(tmp_path: Path) -> None:
    log = EventLog(folder=tmp_path)
    log.append([event(1), event(2)])
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    log.recover([event(1), event(2)])
    assert ids(tmp_path) == ["id-1", "id-2"]


@given(cut=st.integers(0, 2000), size=st.integers(0, 300))
def test_wherever_the_writer_was_killed(
    tmp_path_factory: pytest.TempPathFactory, cut: int, size: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = EventLog(folder=folder, most_bytes=64 * 1024)
    outbox = [event(number, size) for number in range(4)]
    log.append(outbox)
    path = folder / "events.jsonl"
    path.write_bytes(path.read_bytes()[: max(0, path.stat().st_size - cut)])
    log.recover(outbox)
    assert sorted(ids(folder)) == [one.id for one in outbox]


def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    log = EventLog(folder=tmp_path, most_bytes=2000, kept=2)
    for number in range(12):
        log.append([event(number, 600)])
    assert {path.name for path in tmp_path.iterdir()} == {"events.jsonl", "events.jsonl.1", "events.jsonl.2"}
    found = ids(tmp_path)
    assert found == [f"id-{number}" for number in range(12)][-len(found) :]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


def test_what_was_told_before_the_file_was_put_aside_is_not_told_again(tmp_path: Path) -> None:
    log = EventLog(folder=tmp_path, most_bytes=2000)
    log.append([event(1, 600), event(2, 600)])
    log.append([event(3, 600)])
    assert (tmp_path / "events.jsonl.1").exists()
    log.recover([event(1, 600), event(2, 600), event(3, 600)])
    assert ids(tmp_path) == ["id-1", "id-2", "id-3"]


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(SentinelError, match=r"events\.jsonl.*wait for the next scan"):
        EventLog(folder=tmp_path).append([event(1)])


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SentinelError):
        EventLog(folder=tmp_path).append([event(1)])
    assert (tmp_path / "elsewhere").read_text() == ""


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"id": 1},
        {**event_json(event(1)), "time": "yesterday"},
        {**event_json(event(1)), "data": 3},
    ],
)
def test_what_is_no_event_is_none(raw: object) -> None:
    assert event_from(raw) is None
