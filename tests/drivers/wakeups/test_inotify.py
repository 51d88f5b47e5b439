"""Openings of device nodes, on real inodes: files, null devices by mknod, bind mounts, exhausted limits."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentinel.drivers.wakeups import inotify
from sentinel.drivers.wakeups.inotify import DeviceNodes, parse, watch_device_nodes
from sentinel.ports.wakeups import Hint, Unavailable

Watch = Callable[[Path], DeviceNodes]


@pytest.fixture
def watch() -> Iterator[Watch]:
    made: list[DeviceNodes] = []

    def one(folder: Path) -> DeviceNodes:
        source = watch_device_nodes(str(folder))
        assert not isinstance(source, Unavailable), source
        made.append(source)
        return source

    yield one
    for source in made:
        source.close()


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    (folder / "nvidia-caps").mkdir(parents=True)
    for name in (
        "nvidia0",
        "nvidia1",
        "nvidiactl",
        "nvidia-uvm",
        "nvidia-caps/nvidia-cap1",
        "null",
        "nvidia-fs",
    ):
        (folder / name).touch()
    return folder


def null_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))


def touch(path: Path) -> None:
    path.open("rb").close()


NODES = {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-caps/nvidia-cap1"}


def test_each_nvidia_node_is_told_by_its_name_and_nothing_else_is(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    for path in sorted(dev.rglob("*")):
        if path.is_file():
            touch(path)
    assert source.drain() == Hint(opened=frozenset(NODES), opens=len(NODES))


def test_reading_and_closing_are_no_news(dev: Path, watch: Watch) -> None:
    with (dev / "nvidia0").open("r+b") as held:
        source = watch(dev)
        held.write(b"x")
        (dev / "nvidia0").stat()
    assert list(dev.iterdir())
    assert source.drain() == Hint()


def test_equal_opens_in_a_row_may_be_counted_once(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    for _ in range(50):
        touch(dev / "nvidia0")
    hint = source.drain()
    assert hint.opened == {"nvidia0"}
    assert 1 <= hint.opens <= 50


def test_an_open_by_another_process_counts_the_same(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    subprocess.run(["cat", dev / "nvidia-uvm"], check=True)
    assert source.drain().opened == {"nvidia-uvm"}


@pytest.mark.root
def test_a_real_character_device(dev: Path, watch: Watch) -> None:
    null_device(dev / "nvidia7")
    source = watch(dev)
    touch(dev / "nvidia7")
    assert source.drain().opened == {"nvidia7"}


@pytest.mark.root
def test_a_bind_mount_of_the_node_in_another_mount_namespace(dev: Path, watch: Watch, tmp_path: Path) -> None:
    null_device(dev / "nvidia7")
    inside = tmp_path / "inside"
    inside.touch()
    source = watch(dev)
    script = 'mount --bind "$0" "$1" && exec 9<"$1"'
    subprocess.run(["unshare", "-m", "sh", "-c", script, dev / "nvidia7", inside], check=True)
    assert source.drain().opened == {"nvidia7"}


@pytest.mark.root
def test_a_copy_made_by_mknod_is_another_inode_and_stays_unseen(
    dev: Path, watch: Watch, tmp_path: Path
) -> None:
    null_device(dev / "nvidia7")
    null_device(tmp_path / "nvidia7")
    source = watch(dev)
    touch(tmp_path / "nvidia7")
    assert source.drain() == Hint()


def test_a_node_that_appears_later(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    (dev / "nvidia2").touch()
    assert source.drain().rearranged
    touch(dev / "nvidia2")
    assert source.drain() == Hint(opened=frozenset({"nvidia2"}), opens=1)


def test_other_files_that_appear_are_no_news(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    (dev / "loop0").touch()
    (dev / "dri").mkdir()
    assert source.drain() == Hint()


@pytest.mark.parametrize("how", ["unlink and create", "rename over"])
def test_a_node_that_is_replaced(dev: Path, watch: Watch, how: str) -> None:
    source = watch(dev)
    if how == "unlink and create":
        (dev / "nvidia0").unlink()
        (dev / "nvidia0").touch()
    else:
        (dev / "fresh").touch()
        (dev / "fresh").rename(dev / "nvidia0")
    assert source.drain().rearranged
    touch(dev / "nvidia0")
    assert source.drain().opened == {"nvidia0"}


def test_a_replaced_node_that_somebody_still_holds_goes_on_being_watched(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    os.link(dev / "nvidia0", dev.parent / "held")
    (dev / "nvidia0").unlink()
    (dev / "nvidia0").touch()
    source.drain()
    touch(dev.parent / "held")
    assert source.drain().opened == {"nvidia0"}


def test_a_node_that_goes_is_news_and_its_watch_goes_too(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    before = source.watches
    (dev / "nvidia1").unlink()
    assert source.drain().rearranged
    assert source.watches == before - 1


def test_a_folder_below_that_comes_later(dev: Path, watch: Watch) -> None:
    shutil.rmtree(dev / "nvidia-caps")
    source = watch(dev)
    (dev / "nvidia-caps").mkdir()
    (dev / "nvidia-caps" / "nvidia-cap2").touch()  # before anybody could watch the new folder
    assert source.drain().rearranged
    touch(dev / "nvidia-caps" / "nvidia-cap2")
    assert source.drain().opened == {"nvidia-caps/nvidia-cap2"}


@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_folder_that_goes_and_comes_back(dev: Path, watch: Watch, how: str) -> None:
    source = watch(dev)
    if how == "removed":
        shutil.rmtree(dev)
    else:
        dev.rename(dev.parent / "elsewhere")
    assert source.drain().rearranged
    (dev / "nvidia-caps").mkdir(parents=True)
    (dev / "nvidia0").touch()
    assert source.drain().rearranged
    touch(dev / "nvidia0")
    assert source.drain().opened == {"nvidia0"}


def test_nothing_at_all_to_begin_with(tmp_path: Path, watch: Watch) -> None:
    deep = tmp_path / "not" / "yet" / "dev"
    source = watch(deep)
    assert (source.drain(), source.blind_spot) == (Hint(), None)
    (tmp_path / "not").mkdir()
    source.drain()
    (tmp_path / "not" / "yet").mkdir()
    deep.mkdir()  # two steps at once
    source.drain()
    (deep / "nvidiactl").touch()
    assert source.drain().rearranged
    touch(deep / "nvidiactl")
    assert source.drain().opened == {"nvidiactl"}
    (tmp_path / "unrelated").mkdir()
    assert source.drain() == Hint(), "the folders above need no watching any more"


def test_a_full_queue_is_a_hint_and_nothing_is_lost_for_good(dev: Path, watch: Watch) -> None:
    source = watch(dev)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(most // 2 + 10):
        os.close(os.open(dev / "nvidia0", os.O_RDONLY))
        os.close(os.open(dev / "nvidia1", os.O_RDONLY))
    (dev / "nvidia5").touch()  # the event of this is lost
    hint = source.drain()
    assert hint.overflowed
    assert {"nvidia0", "nvidia1"} == hint.opened
    assert source.drain() == Hint()
    touch(dev / "nvidia5")
    assert source.drain().opened == {"nvidia5"}


# ---------------------------------------------------------------- limits


def in_own_limits(folder: Path, instances: int, watches: int, body: str) -> str:
    """What `body` prints where this user may have that many of inotify (limits of a user namespace)."""
    code = f"""
from pathlib import Path
from sentinel.drivers.wakeups.inotify import watch_device_nodes
folder = Path({str(folder)!r})
limit = lambda what, n: Path(f"/proc/sys/user/max_inotify_{{what}}").write_text(str(n))
limit("instances", {instances}), limit("watches", {watches})
{body}
"""
    done = subprocess.run(
        ["unshare", "-Ur", sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.root
@pytest.mark.parametrize(("instances", "watches"), [(0, 100), (100, 0)])
def test_exhausted_limits_are_a_reason_that_names_the_sysctl(dev: Path, instances: int, watches: int) -> None:
    said = in_own_limits(dev, instances, watches, "print(watch_device_nodes(str(folder)))")
    assert said.startswith("Unavailable(source='inotify'")
    assert f"fs.inotify.max_user_{'watches' if instances else 'instances'}" in said


@pytest.mark.root
def test_a_node_for_which_no_watch_was_left_is_a_blind_spot_until_there_is_room(dev: Path) -> None:
    body = """
source = watch_device_nodes(str(folder))
print(source.watches, source.blind_spot)
limit("watches", 100)
(folder / "nvidia0").unlink()
source.drain()
print(source.watches, source.blind_spot)
"""
    first, second = in_own_limits(dev, 9, 4, body).splitlines()
    assert first.startswith("4 ")
    assert "max_user_watches" in first
    assert second == "6 None"


def test_a_folder_that_may_not_be_watched_is_a_reason(monkeypatch: pytest.MonkeyPatch, dev: Path) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inotify._Inotify, "add", refuse)
    answer = watch_device_nodes(str(dev))
    assert isinstance(answer, Unavailable)
    assert "Permission denied" in answer.why


def test_a_record_that_is_cut_off_is_left_out() -> None:
    record = inotify._RECORD.pack(3, inotify.IN_CREATE, 0, 16) + b"nvidia0".ljust(16, b"\0")
    assert list(parse(record + record)) == [(3, inotify.IN_CREATE, "nvidia0")] * 2
    for end in range(len(record)):
        assert list(parse(record + record[:end])) == [(3, inotify.IN_CREATE, "nvidia0")]
