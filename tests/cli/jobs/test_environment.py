from pathlib import Path

import pytest

from sentinel.cli.jobs.environment import job_environment
from sentinel.core.errors import UsageError

MINE = {
    "PATH": "/bin", "HOME": "/home/a", "VIRTUAL_ENV": "/v", "LC_ALL": "C", "LANG": "en", "TERM": "xterm",
    "AWS_SECRET": "s", "PYTHONPATH": "/p",
}  # fmt: skip


def test_a_small_stated_set_goes_along() -> None:
    found = job_environment(MINE)
    assert found == {"PATH": "/bin", "VIRTUAL_ENV": "/v", "LC_ALL": "C", "LANG": "en", "PYTHONPATH": "/p"}
    assert job_environment(MINE, terminal=True)["TERM"] == "xterm"
    assert job_environment(MINE, none_of_mine=True) == {}


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("PATH=/a\nX=1\nY=1\n")
    (tmp_path / "b").write_text("X=2\n")
    found = job_environment(
        MINE, files=[tmp_path / "a", tmp_path / "b"], given=["Y=3=4", "AWS_SECRET", "Z="], none_of_mine=True
    )
    assert found == {"PATH": "/a", "X": "2", "Y": "3=4", "AWS_SECRET": "s", "Z": ""}


def test_what_is_no_variable() -> None:
    with pytest.raises(UsageError, match="--env NOT_SET: it is not set here"):
        job_environment(MINE, given=["NOT_SET"])
    with pytest.raises(UsageError) as caught:
        job_environment(MINE, given=["hunter2-secret"])
    assert "hunter2" not in caught.value.message
