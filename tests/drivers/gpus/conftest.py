"""The NVML stand-in for tests in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.nvml_stand_in import NvmlStandIn


@pytest.fixture
def nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NvmlStandIn]:
    stand_in = NvmlStandIn(tmp_path / "nvml-state")
    monkeypatch.setenv("SENTINEL_FAKE_NVML", str(stand_in.path))
    stand_in.load_here()
    yield stand_in
