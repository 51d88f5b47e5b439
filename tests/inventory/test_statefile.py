"""The inventory's file: what is written is read, and what cannot be read is said, with what to do."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import SentinelError
from sentinel.core.event import DETECTED, Event
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.inventory import statefile
from sentinel.inventory.statefile import INVENTORY, MEMORY, Kept, NoInventory

WORKLOAD = Workload(
    id="slurm:7",
    origin=Origin.SLURM,
    category=Category.HOST,
    state=WorkloadState.RUNNING,
    name="job 7",
    first_seen_at=1.5,
)
FOUND = Inventory(
    node="here",
    scanned_at=1000.25,
    boot_id="b",
    sources={"gpus": SourceReport(state=SourceState.OK)},
    workloads=(WORKLOAD,),
)
EVENT = Event(id="e1", source="/nodes/here/inventory", type=DETECTED, subject="slurm:7", time=1000.25)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    statefile.save(tmp_path, FOUND, [EVENT])
    assert statefile.load(tmp_path) == Kept(inventory=FOUND, outbox=(EVENT,))
    statefile.save(tmp_path, FOUND, [])
    assert statefile.load(tmp_path) == Kept(inventory=FOUND)
    assert [path.name for path in tmp_path.iterdir()] == [INVENTORY]


def test_everybody_may_read_it_whatever_the_umask_and_nobody_the_memory(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        statefile.save(tmp_path, FOUND, [])
        os.umask(0)
        statefile.save_memory(tmp_path, {"a": 1})
    finally:
        os.umask(before)
    assert (mode(tmp_path / INVENTORY), mode(tmp_path / MEMORY)) == (0o644, 0o600)
    assert statefile.load_memory(tmp_path) == {"a": 1}


def test_without_one_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NoInventory, match="run `sentinel scan`, or start the agent"):
        statefile.load(tmp_path)
    assert statefile.load_memory(tmp_path) == {}


def test_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / INVENTORY).mkdir()
    with pytest.raises(NoInventory, match=r"cannot read .*inventory\.json: Is a directory"):
        statefile.load(tmp_path)


def test_a_folder_that_is_not_there_is_named_and_what_to_expect(tmp_path: Path) -> None:
    with pytest.raises(SentinelError, match=r"cannot write .*what was there before is as it was"):
        statefile.save(tmp_path / "nowhere", FOUND, [])
    with pytest.raises(SentinelError, match="cannot write"):
        statefile.save_memory(tmp_path / "nowhere", {})


def test_a_file_that_cannot_be_replaced_is_as_it_was(tmp_path: Path) -> None:
    statefile.save(tmp_path, FOUND, [EVENT])
    (tmp_path / f".{INVENTORY}.new").mkdir()  # in the way
    with pytest.raises(SentinelError, match="cannot write"):
        statefile.save(tmp_path, FOUND, [])
    assert statefile.load(tmp_path).outbox == (EVENT,)


def test_nobody_is_led_elsewhere_by_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".{INVENTORY}.new").symlink_to(victim)
    with pytest.raises(SentinelError, match="cannot write"):
        statefile.save(tmp_path, FOUND, [])
    assert victim.read_text() == "mine"


def test_a_newer_ones_file_is_not_guessed_at(tmp_path: Path) -> None:
    statefile.save(tmp_path, FOUND, [])
    raw = json.loads((tmp_path / INVENTORY).read_text())
    (tmp_path / INVENTORY).write_text(json.dumps(raw | {"schema": 2}))
    with pytest.raises(NoInventory, match="newer Sentinel"):
        statefile.load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'{"schema": 1}', b"[" * 100_000])
def test_what_is_no_inventory_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / INVENTORY).write_bytes(data)
    (tmp_path / MEMORY).write_bytes(data)
    with pytest.raises(NoInventory, match="the next scan makes a new one"):
        statefile.load(tmp_path)
    assert statefile.load_memory(tmp_path).keys() <= {"schema"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_any_part_of_it_may_be_damaged(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    statefile.save(folder, FOUND, [EVENT])
    raw: dict[str, Any] = json.loads((folder / INVENTORY).read_text())
    part: Any = data.draw(st.sampled_from([raw, raw["workloads"][0], raw["sources"], raw["outbox"][0]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(JSON)
    (folder / INVENTORY).write_text(json.dumps(raw))
    try:
        kept = statefile.load(folder)
    except NoInventory:
        return
    assert isinstance(kept, Kept)
