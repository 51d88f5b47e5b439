"""tests/conftest.py itself: groups are left out with a word, and never where they are required."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest

def test_plain(): pass

@pytest.mark.real
def test_real(): pass

@pytest.mark.real
@pytest.mark.data
def test_real_data(): pass

@pytest.mark.data
def test_data(): pass

@pytest.mark.real
def test_that_skips(): pytest.skip("the part is not here")
"""
MARKERS = "[pytest]\nmarkers =\n  real:\n  gpu:\n  cc:\n  data:\n  root:\n"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text(MARKERS)
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def outcome(suite: Path, *args: str, **env: str) -> tuple[int, str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:cov", *args]
    done = subprocess.run(command, cwd=suite, env=keep | env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_groups_that_cannot_run_are_named(suite: Path) -> None:
    code, out = outcome(suite)
    assert code == 0, out
    assert "left out: 3 tests of group real: run `make test-real`" in out
    assert re.search(r"left out: 1 test of group data: SENTINEL_REAL_DATA is not set", out)
    assert "1 passed, 4 deselected" in out


def test_a_group_runs_once_its_need_is_met(suite: Path) -> None:
    code, out = outcome(suite, SENTINEL_REAL_DATA=str(suite))
    assert code == 0, out
    assert "2 passed, 3 deselected" in out
    assert "group data" not in out


def test_where_a_group_is_required_a_skip_and_a_missing_part_fail(suite: Path) -> None:
    code, out = outcome(suite, "-m", "real", SENTINEL_REQUIRE_REAL="1")
    assert code == 1, out
    assert "1 failed, 1 passed, 2 deselected, 1 error" in out
    assert "skipped, which is a failure here" in out
    assert "needs group data: SENTINEL_REAL_DATA is not set" in out


def test_a_module_that_skips_whole_fails_where_a_group_is_required(suite: Path) -> None:
    (suite / "test_whole.py").write_text("import pytest\npytest.skip('none here', allow_module_level=True)\n")
    assert outcome(suite)[0] == 0
    code, out = outcome(suite, "-m", "real", SENTINEL_REQUIRE_REAL="1", SENTINEL_REAL_DATA=str(suite))
    assert code != 0
    assert "skipped whole, which is a failure here" in out
