"""A disk that is full: the arbiter goes on from memory, says so, and stores all again once there is room."""

import contextlib
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.workstation import Workstation, eventually


def complains(workstation: Workstation) -> bool:
    return "cannot write" in (workstation.status()["arbiter"]["state_file_error"] or "")


def goes_on_and_heals(
    workstation: Workstation, fill: Callable[[], object], make_room: Callable[[], object]
) -> None:
    """Research is served although nothing can be stored; once there is room a crash loses nothing."""
    first = workstation.granted()
    fill()
    before = workstation.state_file.read_bytes()
    second = workstation.granted()
    eventually(lambda: complains(workstation), "status says so")
    assert workstation.state_file.read_bytes() == before, "the old file is whole"
    make_room()
    eventually(lambda: not complains(workstation), "it is written again")
    workstation.kill()
    workstation.start()
    assert {le["pid"] for le in workstation.status()["leases"]} == {first.pid, second.pid}
    first.kill()
    second.kill()
    workstation.heals()


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "ballast").open("ab", buffering=0) as out:
        while True:
            out.write(b"x" * 512)


def test_a_limit_on_file_sizes(arbiter: Workstation) -> None:
    assert arbiter.arbiter
    pid, (_, hard) = arbiter.arbiter.pid, resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(most: int) -> object:
        return resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))

    goes_on_and_heals(arbiter, lambda: limit(0), lambda: limit(hard))
    assert "is written again" in arbiter.journal()


@pytest.fixture
def small_disk(workstation: Workstation) -> Iterator[Path]:
    mount = workstation.folder / "disk"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.decode().strip()}")
    yield mount
    workstation.close()
    subprocess.run(["umount", "-l", mount], check=False)


@pytest.mark.root
def test_a_disk_without_room(workstation: Workstation, small_disk: Path) -> None:
    workstation.state_file = small_disk / "state.json"
    workstation.configure()
    workstation.start()
    workstation.ready()
    goes_on_and_heals(workstation, lambda: fill(small_disk), (small_disk / "ballast").unlink)
    said = workstation.journal()
    assert "No space left on device; going on from memory" in said
    assert said.count("going on from memory") == 1, "once, not at every try"


@pytest.mark.root
def test_a_full_disk_at_the_start_keeps_nobody_from_the_gpus(
    workstation: Workstation, small_disk: Path
) -> None:
    workstation.state_file = small_disk / "state.json"
    workstation.configure()
    fill(small_disk)
    workstation.start()
    workstation.ready()
    assert workstation.run("sentinel-request", "--", "true").code == 0
    assert complains(workstation)
    workstation.heals()


def test_a_state_folder_that_vanishes_is_said_and_healed(workstation: Workstation) -> None:
    folder = workstation.folder / "state"
    folder.mkdir()
    workstation.state_file = folder / "state.json"
    workstation.configure()
    workstation.start()
    workstation.ready()
    aside = workstation.folder / "aside"
    folder.rename(aside)
    workstation.granted()
    eventually(lambda: complains(workstation))
    aside.rename(folder)
    eventually(lambda: not complains(workstation))
    assert workstation.state_file.stat().st_size > 100
