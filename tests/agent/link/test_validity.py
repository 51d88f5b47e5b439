"""What a node says of its own certificate, when nobody else can."""

from pathlib import Path

import pytest

from sentinel.agent.link.membership import CERTIFICATE
from sentinel.agent.link.validity import amiss
from sentinel.core.errors import UsageError


class Reads:
    def validity(self, certificate: bytes) -> tuple[float, float]:
        if certificate != b"good":
            raise UsageError("no certificate")
        return 1000.0, 2000.0


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (1000.0, ""),
        (2000.0, ""),
        (2001.0, "ended on 1970-01-01T00:33:20"),
        (999.0, "begins on 1970-01-01T00:16:40"),
    ],
)
def test_it_is_good_from_its_beginning_to_its_end(tmp_path: Path, today: float, said: str) -> None:
    (tmp_path / CERTIFICATE).write_bytes(b"good")
    found = amiss(tmp_path, Reads(), today)
    assert said in found and bool(said) == bool(found)


def test_what_cannot_be_read_is_not_called_amiss(tmp_path: Path) -> None:
    assert amiss(tmp_path, Reads(), 0.0) == ""
    (tmp_path / CERTIFICATE).write_bytes(b"bad")
    assert amiss(tmp_path, Reads(), 0.0) == ""
