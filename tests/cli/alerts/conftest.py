from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Cli, opened


@pytest.fixture
def cli(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    yield from opened(tmp_path, capfd, monkeypatch)
