"""The one place that asks what time it is."""

import re

import pytest

from sentinel.core.clock import boot_id, boottime, rfc3339, wall


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1769903999.25, "2026-01-31T23:59:59.250Z"),
        (951782400.5, "2000-02-29T00:00:00.500Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(epoch: float, text: str) -> None:
    assert rfc3339(epoch) == text


def test_readings_make_sense() -> None:
    assert boottime() <= boottime()
    assert wall() > 1.7e9
    assert re.fullmatch(r"[0-9a-f-]{36}", boot_id())
