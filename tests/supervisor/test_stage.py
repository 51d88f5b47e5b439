"""What a container gets of its node: what its user can reach, whatever becomes of the path to it."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentinel.supervisor import stage
from sentinel.supervisor.stage import Unreachable, check, put, stage_of, sweep, take_away
from sentinel.supervisor.users import person

pytestmark = pytest.mark.root

NOBODY = person(pwd.getpwnam("nobody"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """In a place that others reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="sentinel-stage-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        for place in Path(stage_of(name)).glob("*"):
            take_away(str(place))


def in_a_child(do: Callable[[], object]) -> str:
    """What it answers or raises, as text: `put` is for a process that has nothing else to do."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = str(do())
        except Unreachable as error:
            said = f"unreachable {error.path}"
        except OSError as error:
            said = f"error {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading) as file:
        return file.read()


def mounts() -> str:
    return subprocess.run(["findmnt", "-rno", "TARGET"], capture_output=True, text=True, check=False).stdout


def test_what_was_opened_stays_it_whatever_becomes_of_the_path(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "file").write_text("mine")
    (folder / "one").write_text("one")
    place = f"{stage_of(str(folder))}/a"
    sources = [str(folder / "mine"), str(folder / "one")]
    assert in_a_child(lambda: put(sources, place, NOBODY)) == str([f"{place}/0", f"{place}/1"])
    (folder / "mine").rename(folder / "moved")
    (folder / "mine").symlink_to("/root")
    assert Path(place, "0", "file").read_text() == "mine"
    assert Path(place, "1").read_text() == "one"
    take_away(place)
    assert not Path(place).exists()
    assert place not in mounts()
    assert (folder / "moved" / "file").read_text() == "mine", "what was mounted is untouched"
    assert (folder / "one").read_text() == "one"
    take_away(place)


def test_what_its_user_cannot_reach_is_not_put_anywhere(folder: Path) -> None:
    closed = folder / "closed"
    (closed / "open").mkdir(parents=True)
    closed.chmod(0o700)
    (folder / "link").symlink_to(closed / "open")
    (folder / "secret").write_text("x")
    (folder / "secret").chmod(0o600)
    (folder / "dark").mkdir(mode=0o711)
    (folder / "open").mkdir()
    place = f"{stage_of(str(folder))}/a"
    for name in ("closed", "closed/open", "link", "secret", "dark", "none"):
        sources = [str(folder / "open"), str(folder / name)]
        assert in_a_child(lambda found=sources: put(found, place, NOBODY)) == f"unreachable {folder / name}"
    assert not Path(place).exists()
    with pytest.raises(Unreachable):
        check([str(folder / "none")])
    check([str(folder / "closed")])  # root's own


def test_unmounting_it_unmounts_nothing_below_where_it_came_from(folder: Path) -> None:
    (folder / "mine" / "below").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(folder / "mine")], check=True)
    try:
        subprocess.run(["mount", "--make-shared", str(folder / "mine")], check=True)
        (folder / "mine" / "below").mkdir()
        (folder / "mine").chmod(0o755)
        subprocess.run(["mount", "-t", "tmpfs", "none", str(folder / "mine" / "below")], check=True)
        (folder / "mine" / "below" / "file").write_text("there")
        place = f"{stage_of(str(folder))}/a"
        in_a_child(lambda: put([str(folder / "mine")], place, NOBODY))
        assert Path(place, "0", "below", "file").read_text() == "there", "it comes with what is mounted below"
        take_away(place)
        assert not Path(place).exists()
        assert (folder / "mine" / "below" / "file").read_text() == "there"
    finally:
        subprocess.run(["umount", "-R", str(folder / "mine")], check=False)


def test_a_sweep_leaves_what_is_to_be_kept_and_what_is_anothers(folder: Path) -> None:
    (folder / "mine").mkdir()
    ours = stage_of(str(folder))
    for name in ("a", "b"):
        in_a_child(lambda name=name: put([str(folder / "mine")], f"{ours}/{name}", NOBODY))
    sweep(ours, {"b"})
    assert not Path(ours, "a").exists()
    assert Path(ours, "b", "0").is_dir()
    sweep(ours, ())
    assert not Path(ours).exists()
    assert stage_of("/other") != ours


def test_one_that_was_killed_is_in_nobodys_way(folder: Path) -> None:
    (folder / "mine").mkdir()
    place = f"{stage_of(str(folder))}/a"
    for _ in range(2):
        assert in_a_child(lambda: put([str(folder / "mine")], place, NOBODY)) == str([f"{place}/0"])


def test_a_place_that_is_not_roots_alone_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine").mkdir()
    (folder / "stage").mkdir()
    (folder / "stage").chmod(0o777)
    monkeypatch.setattr(stage, "FOLDER", str(folder / "stage"))
    said = in_a_child(lambda: put([str(folder / "mine")], f"{folder}/stage/x/a", NOBODY))
    assert "is not root's alone" in said
